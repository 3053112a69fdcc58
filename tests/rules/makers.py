"""Small makers of moments and schedules."""

from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from scheduler.model import Every, Schedule
from scheduler.rules.schedule import next_after


def at(text: str, zone: str = "UTC", fold: int = 0) -> datetime:
    """Return the instant at which a clock in *zone* shows *text*."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC)


def every(seconds: float = 0, months: int = 0, anchor: str = "2026-01-01T00:00", zone: str = "Asia/Seoul") -> Schedule:
    return Schedule(every=Every(months, seconds), anchor=at(anchor, zone), timezone=zone)


def coming(schedule: Schedule, moment: datetime, count: int) -> list[datetime]:
    """Return the next *count* planned times after *moment*."""

    def walk() -> Any:
        found = next_after(schedule, moment)
        while found is not None:
            yield found
            found = next_after(schedule, found)

    return list(islice(walk(), count))


def shown(moments: list[datetime], zone: str = "Asia/Seoul") -> list[str]:
    """Return the moments as a clock in *zone* shows them."""
    return [f"{moment.astimezone(ZoneInfo(zone)):%a %m-%d %H:%M}" for moment in moments]


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)
