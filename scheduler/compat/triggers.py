"""APScheduler's triggers as schedules of ours: interval, cron and date, with the meanings they have there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from apscheduler.triggers.cron import CronTrigger as _Cron  # type: ignore[import-untyped]
from apscheduler.triggers.date import DateTrigger  # type: ignore[import-untyped]
from apscheduler.triggers.interval import IntervalTrigger as _Interval  # type: ignore[import-untyped]
from tzlocal import get_localzone_name

from scheduler.client.when import When, at, cron, every, moment_in
from scheduler.errors import ScheduleError
from scheduler.words import say

__all__ = ["CronTrigger", "DateTrigger", "IntervalTrigger", "local_zone", "meant_moment", "read_trigger"]

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MONDAY = datetime(2024, 1, 1)
PLAIN = re.compile(r"[0-9a-z*,/-]+")
Trigger = Any


class CronTrigger(_Cron):  # type: ignore[misc]
    """APScheduler's, but for from_crontab: its numbers of weekdays are crontab's, 0 and 7 for Sunday."""

    crontab: str | None = None

    def __init__(self, *args: Any, timezone: Any = None, **fields: Any) -> None:
        super().__init__(*args, timezone=timezone, **fields)
        self.has_own_zone = timezone is not None

    @classmethod
    def from_crontab(cls, expr: str, timezone: Any = None) -> CronTrigger:
        """Take a crontab(5) text as crontab(5) means it."""
        made = cls(timezone=timezone)
        made.crontab = expr
        return made


class IntervalTrigger(_Interval):  # type: ignore[misc]
    """APScheduler's, which also remembers whether a start was given: it puts one interval from now where none was."""

    def __init__(self, *args: Any, start_date: Any = None, **more: Any) -> None:
        super().__init__(*args, start_date=start_date, **more)
        self.has_own_start = start_date is not None


def local_zone() -> str:
    """Return the zone of this machine by a name that PostgreSQL knows too."""
    name = get_localzone_name()
    return name if "/" in name else "UTC"


def meant_moment(moment: datetime | str, zone: str) -> datetime:
    """Read a moment that may lack a zone: one that was typed is in *zone*.

    A moment with microseconds was not typed: it comes from ``datetime.now()``, whose zone is the machine's.
    """
    if isinstance(moment, datetime) and moment.tzinfo is None and moment.microsecond:
        return moment.astimezone()
    return moment_in(moment, zone)


def read_trigger(trigger: Trigger, zone: str, arguments: Mapping[str, Any]) -> tuple[When, dict[str, Any]]:
    """Turn a trigger, or its name with arguments, into a schedule and what else it says of the job: tz, jitter.

    Raises  ScheduleError for what has no counterpart, with the reason
    """
    if trigger is None:
        trigger = DateTrigger(arguments.get("run_date")) if "run_date" in arguments or not arguments else "interval"
    if isinstance(trigger, str):
        trigger = _named(trigger, zone, arguments)
    if isinstance(trigger, When):
        return trigger, {"tz": zone}
    if isinstance(trigger, DateTrigger):
        return at(trigger.run_date), {"tz": zone}
    own = _zone_of(trigger, zone)
    extras = {"tz": own, **({"jitter": trigger.jitter} if trigger.jitter else {})}
    if isinstance(trigger, _Interval):
        return every(trigger.interval, start=_start_of(trigger), end=trigger.end_date), extras
    if isinstance(trigger, _Cron):
        return _cron(trigger), extras
    raise ScheduleError(say(f"이 트리거는 쓸 수 없습니다: {trigger!r}", f"this trigger cannot be used: {trigger!r}"))


def _named(name: str, zone: str, arguments: Mapping[str, Any]) -> Trigger:
    kinds = {"interval": IntervalTrigger, "cron": CronTrigger}
    try:
        if name == "date":
            moment = arguments.get("run_date")
            return DateTrigger(None if moment is None else meant_moment(moment, zone))
        return kinds[name](**{"timezone": zone, **{key: _meant(value, zone) for key, value in arguments.items()}})
    except KeyError:
        raise ScheduleError(
            say(f"트리거 {name!r}: interval, cron, date 중 하나", f"trigger {name!r}: interval, cron or date")
        ) from None
    except (TypeError, ValueError) as error:
        raise ScheduleError(say(f"트리거 {name}: {error}", f"trigger {name}: {error}")) from error


def _meant(value: Any, zone: str) -> Any:
    return meant_moment(value, zone) if isinstance(value, datetime) else value


def _start_of(trigger: Any) -> datetime | None:
    """Return the start that was given: the first planned time, from which the interval is counted; None without one.

    APScheduler's own trigger does not tell; the start that it makes up comes from the clock, with microseconds.
    """
    start: datetime = trigger.start_date
    is_late = start > datetime.now(UTC) + trigger.interval + timedelta(seconds=5)
    return start if getattr(trigger, "has_own_start", is_late or not start.microsecond) else None


def _zone_of(trigger: Trigger, zone: str) -> str:
    """Return the zone a trigger was made for; the machine's is what APScheduler puts where none was said."""
    name = str(getattr(trigger, "timezone", None) or zone)
    is_own = getattr(trigger, "has_own_zone", name not in (get_localzone_name(), local_zone()))
    return name if is_own else zone


def _cron(trigger: Any) -> When:
    if getattr(trigger, "crontab", None):
        return cron(trigger.crontab, start=trigger.start_date, end=trigger.end_date)
    fields = {field.name: field for field in trigger.fields}
    for name, usual in (("year", "*"), ("week", "*"), ("second", "0")):
        if str(fields[name]) != usual:
            raise ScheduleError(say(f"cron의 {name}={fields[name]}은(는) 쓸 수 없습니다 (분 단위까지)",
                                    f"{name}={fields[name]} has no place in crontab(5), which goes down to minutes"))
    texts = {name: _text(fields[name]) for name in ("minute", "hour", "day", "month")}
    days = _weekdays(fields["day_of_week"])
    # Both day and weekday: APScheduler means those days that are both, crontab those that are either.
    both = texts["day"] != "*" and days is not None
    line = f"{texts['minute']} {texts['hour']} {texts['day']} {texts['month']} {'*' if both or days is None else days}"
    return cron(line, days=days if both else None, start=trigger.start_date, end=trigger.end_date)


def _text(field: Any) -> str:
    text = str(field).lower()
    if text == "last" and field.name == "day":
        return "L"
    if not PLAIN.fullmatch(text):
        raise ScheduleError(say(f"cron의 {field.name}={text}은(는) 쓸 수 없습니다",
                                f"{field.name}={text} has no counterpart in crontab(5)"))
    return text


def _weekdays(field: Any) -> str | None:
    """Return the names of the days a field means, 0 for Monday as APScheduler has it; None for every day."""
    days = [MONDAY + timedelta(days=number) for number in range(7)]
    meant = [WEEKDAYS[day.weekday()] for day in days if field.get_next_value(day) == day.weekday()]
    return None if len(meant) == 7 else ",".join(meant)
