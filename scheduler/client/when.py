"""When a job is due, as a program says it: every, daily, cron, at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Any

from scheduler.errors import ScheduleError
from scheduler.rules.cron import parse_cron
from scheduler.rules.intervals import parse_every
from scheduler.rules.schedule import LONGEST_INTERVAL, SHORTEST_INTERVAL, read_time
from scheduler.rules.zones import open_zone
from scheduler.words import say

DEFAULT_ZONE = "Asia/Seoul"
COLUMNS = ("interval", "specific_times", "cron_expression", "run_at", "days_of_week", "start_at", "end_at", "max_runs")
Moment = datetime | str


@dataclass(frozen=True, slots=True)
class When:
    """A schedule as the columns of a job; moments without a zone are in the job's own."""

    columns: Mapping[str, Any] = field(default_factory=dict)

    def values(self, zone: str) -> dict[str, Any]:
        """Return every column of the schedule, None where it says nothing. Raises ScheduleError."""
        given = {name: self.columns.get(name) for name in COLUMNS}
        for name in ("run_at", "start_at", "end_at"):
            moment = given[name]
            if moment is not None:
                given[name] = moment_in(moment, zone)
        if given["cron_expression"] is not None:
            parse_cron(given["cron_expression"], open_zone(zone))
        return given


def every(
    interval: str | float | timedelta | None = None, *, days: str | None = None, start: Moment | None = None,
    end: Moment | None = None, max_runs: int | None = None, **units: float,
) -> When:
    """Say an interval: ``every("15m")``, ``every(timedelta(hours=1))``, ``every(seconds=5)``; a number is seconds.

    start     the first planned time, from which the interval is counted
    days      only on these, such as ``mon-fri``
    max_runs  then the job is completed
    """
    literal = parse_every(interval) if isinstance(interval, str) else _seconds(interval, units)
    return _limited({"interval": literal}, days, start, end, max_runs)


def _seconds(interval: float | timedelta | None, units: dict[str, float]) -> str:
    try:
        whole = timedelta(**units)
        if interval is not None:
            whole += interval if isinstance(interval, timedelta) else timedelta(seconds=interval)
    except (TypeError, ValueError, OverflowError) as error:
        raise ScheduleError(say(f"주기를 읽을 수 없습니다: {error}", f"the interval cannot be read: {error}")) from None
    if whole > LONGEST_INTERVAL:
        raise ScheduleError(say(f"주기 {whole}은(는) 너무 깁니다",
                                f"interval {whole} is too long"))
    if whole < SHORTEST_INTERVAL:
        raise ScheduleError(say(f"주기 {whole}은(는) 너무 짧습니다 (1초 이상)",
                                f"interval {whole} is too short: at least one second"))
    return f"{whole.days * 86400 + whole.seconds + whole.microseconds / 1_000_000:.6f} seconds"


def daily(
    *times: str | time, days: str | None = None, start: Moment | None = None, end: Moment | None = None,
    max_runs: int | None = None,
) -> When:
    """Say times of day: ``daily("03:00")``, ``daily("09:00", "18:00", days="mon-fri")``."""
    texts = [word.strip() for each in times for word in (each.isoformat() if isinstance(each, time) else each).split(",")]
    if not texts:
        raise ScheduleError(say("시각이 없습니다. daily(\"03:00\")처럼 쓰세요", 'no time of day; write daily("03:00")'))
    return _limited({"specific_times": [read_time(text).isoformat() for text in texts]}, days, start, end, max_runs)


def cron(
    expression: str, *, days: str | None = None, start: Moment | None = None, end: Moment | None = None,
    max_runs: int | None = None,
) -> When:
    """Say a crontab(5) text: ``cron("0 6 1 * *")``; 0 and 7 are Sunday."""
    return _limited({"cron_expression": expression}, days, start, end, max_runs)


def at(moment: Moment) -> When:
    """Say one moment: ``at(datetime(2026, 12, 31, 9))`` or ``at("2026-12-31 09:00")``; the job is completed after it."""
    return When({"run_at": moment})


def by_hand() -> When:
    """Say that the job runs only when it is told to, or after others."""
    return When({})


def _limited(columns: dict[str, Any], days: str | None, start: Any, end: Any, max_runs: int | None) -> When:
    return When({**columns, "days_of_week": days, "start_at": start, "end_at": end, "max_runs": max_runs})


def moment_in(moment: Moment, zone: str) -> datetime:
    """Read a moment; without a zone of its own it is in *zone*. Raises ScheduleError."""
    if isinstance(moment, str):
        try:
            moment = datetime.fromisoformat(moment.strip())
        except ValueError:
            raise ScheduleError(say(
                f"'{moment}'은(는) 시각이 아닙니다. 2026-12-31 09:00처럼 쓰세요",
                f"'{moment}' is not a moment; write 2026-12-31 09:00",
            )) from None
    if not isinstance(moment, datetime):
        raise ScheduleError(say(f"{moment!r}은(는) 시각이 아닙니다. datetime이나 글자로 주세요",
                                f"{moment!r} is not a moment; give a datetime or text"))
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=open_zone(zone))
