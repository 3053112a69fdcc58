"""Cron text: the users' own table, the grammar of crontab(5), summer time, and what is refused."""

import time
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler.errors import ScheduleError
from scheduler.model import Schedule
from scheduler.rules.cron import parse_cron
from scheduler.rules.schedule import next_after
from tests.rules.makers import at, coming, shown

SEOUL = ZoneInfo("Asia/Seoul")
FRIDAY_NIGHT = at("2026-11-20T23:30", "Asia/Seoul")


def cron(text: str, zone: str = "Asia/Seoul") -> Schedule:
    return Schedule(cron=text, timezone=zone)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("* * * * *", ["Fri 11-20 23:31", "Fri 11-20 23:32", "Fri 11-20 23:33"]),
        ("0 * * * *", ["Sat 11-21 00:00", "Sat 11-21 01:00", "Sat 11-21 02:00"]),
        ("0 9 * * *", ["Sat 11-21 09:00", "Sun 11-22 09:00", "Mon 11-23 09:00"]),
        ("0 0 * * 0", ["Sun 11-22 00:00", "Sun 11-29 00:00", "Sun 12-06 00:00"]),
        ("0 0 1 * *", ["Tue 12-01 00:00", "Fri 01-01 00:00", "Mon 02-01 00:00"]),
        ("*/15 * * * *", ["Fri 11-20 23:45", "Sat 11-21 00:00", "Sat 11-21 00:15"]),
        ("0 9-17 * * 1-5", ["Mon 11-23 09:00", "Mon 11-23 10:00", "Mon 11-23 11:00"]),
    ],
)
def test_the_recipe_s_cron_table_means_what_it_says(text: str, expected: list[str]) -> None:
    assert shown(coming(cron(text), FRIDAY_NIGHT, 3)) == expected


def test_office_hours_end_on_friday_at_five() -> None:
    assert shown(coming(cron("0 9-17 * * 1-5"), at("2026-11-20T16:30", "Asia/Seoul"), 2)) == [
        "Fri 11-20 17:00", "Mon 11-23 09:00",
    ]


@pytest.mark.parametrize("weekday", ["0", "7", "sun", "SUN", "Sun"])
def test_sunday_has_two_numbers_and_a_name(weekday: str) -> None:
    assert shown(coming(cron(f"0 3 * * {weekday}"), FRIDAY_NIGHT, 1)) == ["Sun 11-22 03:00"]


def test_day_of_month_or_weekday() -> None:
    found = shown(coming(cron("0 0 13 * 5"), at("2026-12-01T00:00", "Asia/Seoul"), 4))
    assert found == ["Fri 12-04 00:00", "Fri 12-11 00:00", "Sun 12-13 00:00", "Fri 12-18 00:00"]


@pytest.mark.parametrize(
    ("alias", "same"),
    [
        ("@hourly", "0 * * * *"), ("@daily", "0 0 * * *"), ("@midnight", "0 0 * * *"), ("@weekly", "0 0 * * 0"),
        ("@monthly", "0 0 1 * *"), ("@yearly", "0 0 1 1 *"), ("@annually", "0 0 1 1 *"), (" @Daily ", "0 0 * * *"),
    ],
)
def test_aliases(alias: str, same: str) -> None:
    assert coming(cron(alias), FRIDAY_NIGHT, 3) == coming(cron(same), FRIDAY_NIGHT, 3)


def test_leap_day() -> None:
    assert next_after(cron("0 0 29 2 *"), FRIDAY_NIGHT) == at("2028-02-29T00:00", "Asia/Seoul")


def test_the_trigger_speaks_apscheduler_s_interface() -> None:
    trigger = parse_cron("0 9 * * *", SEOUL)
    nine = at("2026-11-21T09:00", "Asia/Seoul")

    assert trigger.get_next_fire_time(None, nine) == nine
    assert trigger.get_next_fire_time(nine, nine) == nine + timedelta(days=1)


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "*", "* * * *", "* * * * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *", "* * * * 8",
        "*/0 * * * *", "1-0 * * * *", "@reboot", "@often", "0 9 * * mon-", "０ 9 * * *", "0 9 * * ²L", "0 0 1,,2 * *",
        "0 0 31 2 *", "0 0 30 2 */2", "0 0 */30 * mon#2", "9" * 10_000 + " * * * *", "\x00 * * * *", "0 9 * * '; DROP",
    ],
)
def test_nonsense_is_refused_with_a_form_to_copy(text: str) -> None:
    with pytest.raises(ScheduleError) as refused:
        next_after(cron(text), FRIDAY_NIGHT)

    message = str(refused.value)
    assert "'*/15 9-18 * * mon-fri'" in message
    assert message.isprintable() and len(message) < 220


def test_a_never_true_expression_is_found_out_quickly() -> None:
    parse_cron.cache_clear()
    started = time.perf_counter()

    with pytest.raises(ScheduleError, match="fits no moment within 5 years"):
        parse_cron("0 0 */30 * mon#2", SEOUL)

    assert time.perf_counter() - started < 0.05


# Anything that people or programs put into the column, near the grammar and far from it.
@given(st.text(max_size=60) | st.text("0123456789*/,-#L @abcdefmonjly\t", max_size=40))
def test_any_text_is_read_or_refused_and_nothing_else(text: str) -> None:
    try:
        found = next_after(cron(text), FRIDAY_NIGHT)
    except ScheduleError as error:
        assert str(error).isprintable()
    else:
        assert found is None or found > FRIDAY_NIGHT


# --- summer time, against a walker that looks at the clock once a minute ---

WINDOWS = {
    "Asia/Seoul": ("2026-03-28", "1988-05-07", "1988-10-08"),
    "America/New_York": ("2026-03-07", "2026-10-31"),
    "Europe/Berlin": ("2026-03-28", "2026-10-24"),
    "Australia/Lord_Howe": ("2026-04-04", "2026-10-03"),
    "Africa/Cairo": ("2026-04-23", "2026-10-29"),
}
TEXTS = (
    "* * * * *", "*/15 * * * *", "*/20 1-3 * * *", "7 * * * *", "30 2 * * *", "0 1 * * *", "30 1 * * *", "0 0 * * *",
    "0,30 2,3 * * *", "15 1-2 * * *", "0 */2 * * *", "10 2 * * sun", "*/30 */3 * * *", "45 23 * * *", "0 12 * * 1-5",
)


@lru_cache
def clock(zone: str, day: str) -> list[tuple[datetime, datetime]]:
    """Return every minute of two days beside what a clock in the zone shows."""
    start = at(f"{day}T00:00")
    moments = [start + timedelta(minutes=number) for number in range(48 * 60)]
    return [(moment, moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None)) for moment in moments]


@lru_cache
def numbers(field: str, lowest: int, highest: int) -> frozenset[int]:
    """Read one cron field the slow and plain way."""
    field = field.replace("sun", "0")
    found: set[int] = set()
    for part in field.split(","):
        span, _, step = part.partition("/")
        first, _, last = (f"{lowest}-{highest}" if span == "*" else span).partition("-")
        found.update(range(int(first), int(last or first) + 1, int(step or 1)))
    return frozenset(found)


def fits(text: str, local: datetime) -> bool:
    minute, hour, _, _, weekday = text.split()
    return (
        local.minute in numbers(minute, 0, 59) and local.hour in numbers(hour, 0, 23)
        and local.isoweekday() % 7 in numbers(weekday, 0, 6)
    )


@lru_cache
def walked(text: str, zone: str, day: str) -> list[datetime]:
    """Return the planned times in the window, by looking at the clock."""
    table = clock(zone, day)
    minute, hour = text.split()[:2]
    if minute.startswith("*") or hour.startswith("*"):
        return [moment for moment, local in table if fits(text, local)]
    first, found = table[0][1], []
    wanted = [first + timedelta(minutes=number) for number in range(46 * 60)]
    for local in (local for local in wanted if fits(text, local)):
        moment = next(moment for moment, shows in table if shows >= local)     # once: first time, or after the gap
        if moment not in found:
            found.append(moment)
    return found


@pytest.mark.parametrize(("zone", "day"), [(zone, day) for zone, days in WINDOWS.items() for day in days])
@pytest.mark.parametrize("text", TEXTS)
def test_around_a_change_of_the_clocks_cron_does_what_a_patient_watcher_would(text: str, zone: str, day: str) -> None:
    expected = walked(text, zone, day)
    start, end = clock(zone, day)[0][0], clock(zone, day)[0][0] + timedelta(hours=44)

    found = coming(cron(text, zone), start - timedelta(seconds=1), len(expected))

    assert [moment for moment in found if moment < end] == [moment for moment in expected if moment < end]


@settings(max_examples=300)
@given(
    st.sampled_from([(zone, day) for zone, days in WINDOWS.items() for day in days]),
    st.sampled_from(TEXTS),
    st.integers(0, 36 * 3600),
)
def test_from_any_second_the_next_planned_time_is_the_watcher_s(place: tuple[str, str], text: str, second: int) -> None:
    moment = clock(*place)[0][0] + timedelta(seconds=second)
    expected = next((each for each in walked(text, *place) if each > moment), None)

    found = next_after(cron(text, place[0]), moment)

    assert found is not None and found.tzinfo is UTC
    if expected is not None:
        assert found == expected
    else:
        assert found > moment


def test_a_skipped_half_past_two_comes_once_at_the_end_of_the_gap() -> None:
    found = coming(cron("30 2 * * *", "Europe/Berlin"), at("2026-03-28T12:00"), 2)
    assert found == [at("2026-03-29T01:00"), at("2026-03-30T00:30")]


def test_a_repeated_half_past_two_comes_once_the_first_time() -> None:
    found = coming(cron("30 2 * * *", "Europe/Berlin"), at("2026-10-24T12:00"), 2)
    assert found == [at("2026-10-25T00:30"), at("2026-10-26T01:30")]


def test_asked_within_the_second_pass_of_an_hour_it_does_not_look_back() -> None:
    second_ten_past_two = at("2026-10-25T02:10", "Europe/Berlin", fold=1)
    assert next_after(cron("30 2 * * *", "Europe/Berlin"), second_ten_past_two) == at("2026-10-26T01:30")
