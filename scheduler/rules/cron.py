"""crontab(5) text as an APScheduler trigger. cronsim does the calendar; the wall clock's jumps are treated here.

APScheduler's own ``CronTrigger.from_crontab`` is not cron: it counts weekdays from Monday = 0, refuses 7, and wants
day-of-month *and* weekday. The rule for summer time is that of Debian's cron: a job at fixed hours and minutes runs
once, also when its time is skipped (then at the end of the gap) or comes twice; a job with a ``*`` in hour or minute
follows real time.
"""

from __future__ import annotations

from copy import copy
from datetime import UTC, date, datetime, time
from functools import lru_cache
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from scheduler.errors import ScheduleError
from scheduler.rules.quoting import quoted
from scheduler.rules.trigger import WallTimes
from scheduler.rules.zones import (
    DAY,
    SECOND,
    clock_change,
    exists,
    first_instant,
    first_instant_after,
    local_time,
    offset_at,
)
from scheduler.words import say

ACCEPTED_FORM = "'*/15 9-18 * * mon-fri'"
LONGEST_TEXT = 200
SEARCH_YEARS = 5
ALIASES = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}


class BoundedCronSim(CronSim):
    """cronsim on a naive clock that gives up after five years instead of fifty."""

    def start(self, local: datetime) -> None:
        """Search strictly after *local*."""
        self.dt = local.replace(microsecond=0)
        self.last_year = self.dt.year + SEARCH_YEARS

    def advance_month(self) -> None:
        super().advance_month()
        if self.dt.year > self.last_year:
            raise StopIteration


class CronText(WallTimes):
    """The planned times of one crontab(5) expression in one zone; made by parse_cron."""

    def __init__(self, text: str, fields: BoundedCronSim, timezone: ZoneInfo) -> None:
        self.text = text
        self.timezone = timezone
        self._fields = fields
        minute, hour = fields.parts[1:3]
        self.follows_real_time = minute.startswith("*") or hour.startswith("*")
        self._times: tuple[time, ...] = ()

    def __str__(self) -> str:
        return f"cron[{self.text}]"

    def after(self, moment: datetime) -> datetime | None:
        """Return the first planned time strictly after *moment*, both in UTC; None when five years hold none."""
        if self.follows_real_time:
            return self._after_in_real_time(moment)
        return first_instant_after(moment, self.next_local, self.timezone)

    def next_local(self, local: datetime) -> datetime | None:
        """Return the first local time strictly after *local* that fits."""
        search = copy(self._fields)         # a copy costs a tenth of parsing anew
        search.start(local)
        return next(search, None)

    def times_on(self, day: date) -> tuple[time, ...]:
        """Return the times of day that fit on *day*."""
        fields = self._fields
        if day.month not in fields.months or not fields.match_day(day):
            return ()
        if not self._times:
            self._times = tuple(time(hour, minute) for hour in sorted(fields.hours) for minute in sorted(fields.minutes))
        return self._times

    def _after_in_real_time(self, moment: datetime) -> datetime | None:
        zone = self.timezone
        offset = offset_at(moment, zone)
        local = self.next_local(local_time(moment, zone))
        change = clock_change(moment, moment + DAY, zone)
        if change is not None and (local is None or (local - offset).replace(tzinfo=UTC) >= change):
            offset = offset_at(change, zone)
            local = self.next_local(local_time(change, zone) - SECOND)     # the change itself may be a planned time
        while local is not None:
            found = (local - offset).replace(tzinfo=UTC)
            if offset_at(found, zone) == offset:
                return found
            if exists(local, zone):
                return first_instant(local, zone)
            local = self.next_local(local)
        return None


@lru_cache(maxsize=4096)
def parse_cron(text: str, timezone: ZoneInfo) -> CronText:
    """Read a crontab(5) expression of five fields, or one of the ``@daily`` kind.

    Raises  ScheduleError when it cannot be read, or when no moment ever fits it
    """
    if len(text) > LONGEST_TEXT:
        raise _refused(text, say(f"이(가) {LONGEST_TEXT}자보다 깁니다", f"is longer than {LONGEST_TEXT} characters"))
    expression = text.strip().lower()
    if expression == "@reboot":
        raise _refused(text, say("은(는) 예정 시각이 없어 쓸 수 없습니다", "names no planned time"))
    expression = ALIASES.get(expression, expression)
    if len(expression.split()) != 5:
        raise _refused(text, say("은(는) 5칸짜리 크론 표현식이 아닙니다", "is not a cron expression of five fields"))
    trigger = CronText(text.strip(), _fields(text, expression), timezone)
    # A leap year follows at once, so what finds nothing from here on is not merely rare.
    if trigger.after(datetime(2023, 12, 31, tzinfo=UTC)) is None:
        raise _never(text)
    return trigger


def _fields(text: str, expression: str) -> BoundedCronSim:
    try:
        return BoundedCronSim(expression, datetime(2024, 1, 1))
    except CronSimError as error:
        if _needs_a_longer_month(expression):
            raise _never(text) from error
        fault = str(error).removeprefix("Bad ")
        raise _refused(text, say(f"의 {fault} 칸이 잘못되었습니다", f"has a wrong {fault} field")) from error
    except (ValueError, AssertionError, TypeError) as error:
        raise _refused(text, say("은(는) 크론 표현식이 아닙니다", "is not a cron expression")) from error


def _needs_a_longer_month(expression: str) -> bool:
    """Say whether the text would be right but for its months, as in ``0 0 31 2 *``."""
    minute, hour, day, _, weekday = expression.split()
    try:
        CronSim(f"{minute} {hour} {day} * {weekday}", datetime(2024, 1, 1))
        CronSim(f"{minute} {hour} * {expression.split()[3]} {weekday}", datetime(2024, 1, 1))
    except (CronSimError, ValueError, AssertionError, TypeError):
        return False
    return True


def _never(text: str) -> ScheduleError:
    return _refused(text, say(
        f"에 맞는 시각이 {SEARCH_YEARS}년 안에 없습니다", f"fits no moment within {SEARCH_YEARS} years",
    ))


def _refused(text: str, fault: str) -> ScheduleError:
    shown = quoted(text)
    return ScheduleError(say(
        f"cron {shown}{fault}. 예: {ACCEPTED_FORM}", f"cron {shown} {fault}; write for example {ACCEPTED_FORM}"
    ))
