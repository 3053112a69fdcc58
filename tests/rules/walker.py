"""Planned times the slow way: a clock on the wall is looked at every minute, and nothing of the rules is used."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

EPOCH = datetime(1970, 1, 1)
DAY = timedelta(days=1)
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass
class Spec:
    """What a case asks for, in whole minutes; mirrors the columns of a job.

    every, anchor  minutes; minutes of UTC since 1970
    cron           minute, hour, day, month, weekday (0 is Sunday) as sets, None for a star; or_days as crontab(5) has it
    closed         whether a calendar closes a day
    """

    every: int = 0
    months: int = 0
    anchor: int = 0
    times: tuple[int, ...] = ()
    cron: tuple[set[int] | None, ...] = ()
    days: set[int] | None = None
    closed_weekdays: set[int] = field(default_factory=set)
    closed_days: dict[date, bool] = field(default_factory=dict)
    public: set[date] = field(default_factory=set)
    on_holiday: str = "run"
    start: int | None = None
    end: int | None = None
    stops: list[tuple[int, int]] = field(default_factory=list)
    paces: list[tuple[int, int, float]] = field(default_factory=list)

    def closed(self, day: date) -> bool:
        if self.on_holiday == "run":
            return False
        if day in self.closed_days:
            return self.closed_days[day]
        return day in self.public or day.weekday() in self.closed_weekdays


class Window:
    """The minutes from *first* to *last* in a zone, and what its clocks show at each."""

    def __init__(self, zone: str, first: int, last: int) -> None:
        self.zone, self.first, self.last = zone, first, last
        self.shows = list(_clock(zone, first, last))
        self.first_shown: dict[int, int] = {}
        highest = self.shows[0] - 1
        for number, local in enumerate(self.shows):
            for named in range(highest + 1, local + 1):     # more than one when the clocks jump forward
                self.first_shown[named] = first + number
            highest = max(highest, local)

    def planned(self, spec: Spec) -> list[int]:
        """Return the minutes at which *spec* is due."""
        found = set(self._in_real_time(spec) if spec.every or self._is_pattern(spec) else ())
        found |= {self.first_shown[named] for named in self._named(spec) if named in self.first_shown}
        return sorted(
            minute for minute in found
            if (spec.start is None or minute >= spec.start) and (spec.end is None or minute <= spec.end)
            and not any(start <= minute < end for start, end in spec.stops)
        )

    @staticmethod
    def _is_pattern(spec: Spec) -> bool:
        return bool(spec.cron) and (spec.cron[0] is None or spec.cron[1] is None)

    def _in_real_time(self, spec: Spec) -> Iterator[int]:
        days: dict[int, bool] = {}
        for minute, local in enumerate(self.shows, self.first):
            if spec.every:
                step = spec.every
                for start, end, factor in spec.paces:
                    if start <= minute < end:
                        step = max(round(step / factor), 1)
                if minute <= spec.anchor or (minute - spec.anchor) % step:
                    continue
            elif not (_fits(spec.cron[0], local % 60) and _fits(spec.cron[1], local // 60 % 24)):
                continue
            number = local // 1440
            if number not in days:
                day = day_of(local)
                days[number] = (spec.days is None or day.weekday() in spec.days) and not spec.closed(day) and (
                    bool(spec.every) or _cron_day(spec, day)
                )
            if days[number]:
                yield minute

    def _named(self, spec: Spec) -> Iterator[int]:
        pattern = self._is_pattern(spec)
        first, last = day_of(self.shows[0]) - 20 * DAY, day_of(self.shows[-1]) + 20 * DAY
        for number in range((last - first).days):
            day = first + number * DAY
            if spec.every or (spec.days is not None and day.weekday() not in spec.days):
                continue
            target: date | None = day
            if spec.closed(day):
                target = self._target(spec, day)
            elif pattern:
                continue
            if target is not None:
                yield from (local_minute(target) + time for time in self._times(spec, day))

    @staticmethod
    def _target(spec: Spec, day: date) -> date | None:
        if spec.on_holiday == "skip":
            return None
        while spec.closed(day):
            day += DAY if spec.on_holiday == "next" else -DAY
        return day

    def _times(self, spec: Spec, day: date) -> Iterator[int]:
        if spec.months:
            anchor = EPOCH + timedelta(minutes=spec.anchor)
            local = anchor.replace(tzinfo=UTC).astimezone(ZoneInfo(self.zone))
            between = (day.year - local.year) * 12 + day.month - local.month
            is_last = (day + DAY).month != day.month
            if between > 0 and between % spec.months == 0 and (day.day == local.day or (is_last and day.day < local.day)):
                yield local.hour * 60 + local.minute
        elif spec.cron:
            if _cron_day(spec, day):
                yield from (minute for minute in range(1440)
                            if _fits(spec.cron[0], minute % 60) and _fits(spec.cron[1], minute // 60))
        else:
            yield from spec.times


def _fits(wanted: set[int] | None, value: int) -> bool:
    return wanted is None or value in wanted


def _cron_day(spec: Spec, day: date) -> bool:
    _, _, days, months, weekdays = spec.cron
    if not _fits(months, day.month):
        return False
    by_day, by_weekday = _fits(days, day.day), _fits(weekdays, day.isoweekday() % 7)
    return by_day or by_weekday if days is not None and weekdays is not None else by_day and by_weekday


def _clock(zone: str, first: int, last: int) -> Iterator[int]:
    """Yield what the clocks show, looking at the offset each minute of an hour in which it changes and else once."""
    for hour in range(first, last, 60):
        before, after = offset(zone, hour), offset(zone, hour + 60)
        for minute in range(hour, min(hour + 60, last)):
            yield minute + (before if before == after else offset(zone, minute))


def offset(zone: str, minute: int) -> int:
    """Return how many minutes the clocks are ahead of UTC."""
    found = instant(minute).astimezone(ZoneInfo(zone)).utcoffset()
    assert found is not None
    return found // timedelta(minutes=1)


def instant(minute: int) -> datetime:
    return (EPOCH + timedelta(minutes=minute)).replace(tzinfo=UTC)


def minute_of(moment: datetime) -> int:
    return (moment - EPOCH.replace(tzinfo=UTC)) // timedelta(minutes=1)


def day_of(local: int) -> date:
    return (EPOCH + timedelta(days=local // 1440)).date()


def local_minute(day: date) -> int:
    return (day - EPOCH.date()).days * 1440


def changes(zone: str, first: int, last: int) -> list[int]:
    """Return the minutes at which the clocks of a zone change."""
    found = []
    for start in range(first, last, 14400):
        if offset(zone, start) != offset(zone, start + 14400):
            low, high = start, start + 14400
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (middle, high) if offset(zone, middle) == offset(zone, start) else (low, middle)
            found.append(high)
    return found


def zones_with_changes(first: datetime, last: datetime) -> dict[str, list[int]]:
    """Return every zone of the tz database whose clocks change, with the minutes at which they do."""
    names = sorted(name for name in available_timezones() if "/" in name)
    found = {name: changes(name, minute_of(first), minute_of(last)) for name in names}
    return {name: minutes for name, minutes in found.items() if minutes}
