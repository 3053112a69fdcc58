"""What people type into the columns: good values, and those that have broken schedulers before."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

Columns = dict[str, Any]

WITH_POISON = True
"""Whether what test_poisoned_rows.py shows to stop a daemon is done too: to be turned on as those tests pass."""

MANY_DIGITS = '{"n": ' + "7" * 5000 + "}"
DEEP = '{"n": ' + "[" * 2500 + "]" * 2500 + "}"
LARGE = '{"n": "' + "x" * 270_000 + '"}'
JSON = (
    "{}",
    '{"n": 1}',
    '{"n": "one"}',
    '{"n": 1e400}',
    '{"n": null}',
    '{"n": -0.0}',
    '{"위": "🙂"}',
    "[]",
    "null",
    '"x"',
    "{",
    '{"n": "\\u0000"}',
    LARGE,
    *((MANY_DIGITS, DEEP) if WITH_POISON else ()),
)
NAMES = (
    "'; DROP TABLE schedule_jobs; --",
    'a "quoted" name',
    "이름 🙂",
    "\u202egnirts",
    "x" * 1_000_000,
    "123",
    "",
    " ",
    "a\nb",
    "%s",
    "{id}",
    "\ufeff",
    None,
)
MOMENTS = (
    "infinity",
    "-infinity",
    "294276-12-31 00:00Z",
    "4713-01-01 00:00Z BC",
    "2000-01-01 00:00Z",
    "2199-12-31 00:00Z",
    "1970-01-01 00:00Z",
    "9999-12-31 23:59Z",
    "now",
    "yesterday",
    "tomorrow",
    "24:00",
    "soon",
    None,
)
DAYS = timedelta(days=40)


def moments() -> st.SearchStrategy[str | None]:
    """Give a moment near now, as a rule, or one that is hard to bear."""
    near = st.timedeltas(-DAYS, DAYS) | st.timedeltas(-timedelta(seconds=90), timedelta(seconds=90))
    return near.map(lambda ahead: (datetime.now(UTC) + ahead).isoformat()) | st.sampled_from(MOMENTS)


def bearable() -> st.SearchStrategy[str | None]:
    """Give a moment that Python can hold, unless poison is wanted."""
    return moments() if WITH_POISON else moments().filter(lambda text: text not in MOMENTS[:4])


def _one_of(*values: Any, poison: tuple[Any, ...] = ()) -> st.SearchStrategy[Any]:
    return st.sampled_from(values + (poison if WITH_POISON else ()))


INTERVALS = _one_of(
    "30m",
    "1 hour",
    "5 minutes",
    "5 minutes",
    "1 day",
    "1 month",
    "31 days",
    "1 mon -29 days",
    "00:00:01",
    "0",
    "-1 hour",
    "1e9y",
    "30 banana",
    "",
    "３0m",
    "infinity",
    "178000000 years",
    "5 minutes 0.000001 seconds",
    None,
)
TIMES = _one_of(
    "{09:00}",
    "{00:00,23:59:59.999999}",
    "{09:00,09:00}",
    "{02:30}",
    "{}",
    "{NULL}",
    "{24:00}",
    "{25:00}",
    "[0:1]={09:00,10:00}",
    "{" + ",".join(["09:00"] * 289) + "}",
    None,
    poison=("{{09:00,10:00},{11:00,12:00}}",),
)
CRONS = _one_of(
    "*/15 9-18 * * mon-fri",
    "* * * * *",
    "0 9 * * 0",
    "0 9 * * 7",
    "0 0 29 2 *",
    "0 0 31 2 *",
    "0 0 L * *",
    "@daily",
    "a b c",
    "* * * * * *",
    "٠ 9 * * *",
    "",
    " ",
    "*/0 * * * *",
    "99 * * * *",
    "*" * 201,
    "0 9 * * mon#1",
    None,
)
ZONES = _one_of(
    "Asia/Seoul",
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Pacific/Apia",
    "Mars/Olympus",
    "",
    "EST5EDT",
    "Etc/GMT+5",
    "posix/Asia/Seoul",
    "../etc/passwd",
    None,
)

SCHEDULES: dict[str, st.SearchStrategy[Any]] = {
    "interval": INTERVALS,
    "specific_times": TIMES,
    "cron_expression": CRONS,
    "run_at": moments(),
}
SHAPES: dict[str, st.SearchStrategy[Any]] = {
    "timezone": ZONES,
    "days_of_week": _one_of(
        "mon-fri", "sat,sun", "월-금", "0-7", "5-1", "sun-sat", "1-5", "xyz", "mon,,tue", "", "１", "m" * 81, None
    ),
    "start_at": moments(),
    "end_at": moments(),
    "max_runs": _one_of(1, 1, 2, 3, 1_000_000, 0, -1, 2**31 - 1, 2**31, None),
    "calendar": _one_of("kr", "kr-holidays", "one", "two", "nope", "", None),
    "on_holiday": _one_of("run", "skip", "previous", "next", "fly", None),
    "jitter_seconds": _one_of(0, 1, 5, 3600, 3601, -1, None),
}
WAYS: dict[str, st.SearchStrategy[Any]] = {
    "overlap_policy": _one_of("skip", "queue_one", "cancel_running", "allow", "stop", None),
    "max_instances": _one_of(1, 2, 3, 100, 0, -1, 101, None),
    "misfire_policy": _one_of("run_once", "skip", "run_all", "never", None),
    "misfire_grace": _one_of("1 minute", "0", "-1 second", "31 days", "32 days", "infinity", "1 month", None),
    "max_retries": _one_of(0, 1, 3, 100, 101, -1, 10**9, None),
    "timeout_minutes": _one_of(30, 0.001, 1e-300, 0, -1, "NaN", "Infinity", 10080, 1e308, None),
    "priority": _one_of(0, 5, -1000, 1000, 1001, 2**31, None),
}
WORDS: dict[str, st.SearchStrategy[Any]] = {
    "name": st.sampled_from(NAMES) | st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=20),
    "job_type": _one_of("noop", "echo", "unknown.type", "", "한글", "a b", None),
    "parameters": st.sampled_from(JSON),
    "market_codes": _one_of(
        "{}", "{coupang,naver}", "{11st}", "{NULL}", "{coupang,coupang}", '{"🙂"}', "{", None, poison=("{{a,b},{c,d}}",)
    ),
    "tags": _one_of("{}", "{sale}", "{NULL}", '{"🙂"}', None),
    "owner": st.sampled_from(NAMES),
    "description": st.sampled_from(NAMES),
    "important": _one_of(True, False, None),
    "pause_reason": _one_of("stocktaking", "x" * 501, "", None),
}
STATES: dict[str, st.SearchStrategy[Any]] = {
    "status": _one_of("active", "active", "paused", "completed", "invalid", "gone", None),
    "paused_until": moments(),
}
PEOPLES = SCHEDULES | SHAPES | WAYS | WORDS | STATES

# What only the daemon writes, and yet anybody may: counters at their end, moments beyond Python's.
NUMBERS = _one_of(0, 1, -1, -(2**31), None, poison=(2**31 - 1, 2**63 - 1))
COUNTS = _one_of(0, 1, -1, 2**31 - 1, 2**63 - 1, None)
DAEMONS: dict[str, st.SearchStrategy[Any]] = {
    "fence": NUMBERS,
    "run_count": NUMBERS,
    "consecutive_failures": NUMBERS,
    "occurrence_count": COUNTS,
    "last_error": st.sampled_from(NAMES),
    "anchor_at": moments(),
    "planned_at": moments(),
    "last_success_at": bearable(),
    "last_failure_at": moments(),
    "created_at": moments(),
    "last_status": st.sampled_from(NAMES),
}

EXECUTION: dict[str, st.SearchStrategy[Any]] = {
    "scheduled_for": bearable(),
    "available_at": moments(),
    "attempt": _one_of(1, 2, 0, -1, None, poison=(2**31 - 1,)),
    "failed_attempts": _one_of(0, 1, -1, None, poison=(2**31 - 1,)),
    "priority": _one_of(0, 2**31 - 1, -(2**31), None),
    "parameters": st.sampled_from(JSON),
    "market_codes": _one_of("{}", "{coupang}", "{NULL}", None),
    "job_type": _one_of("noop", "unknown.type", "", None),
    "job_name": st.sampled_from(NAMES),
    "checkpoint": st.sampled_from(JSON),
    "slot": _one_of(0, 1, -1, 2**31 - 1),
    "held_for": _one_of("dependency", "rain", None),
    "cancel_requested": _one_of(True, False),
    "missed_count": _one_of(0, -1, 2**31 - 1),
}
TRIGGERS = _one_of("manual", "backfill", "retry", "catchup", "dependency", "schedule", "whim", None)

LOCK: dict[str, st.SearchStrategy[Any]] = {
    "slot": _one_of(0, 0, 1, 5, -1, 2**31 - 1),
    "expires_at": _one_of("9999-12-31", "infinity", "-infinity", "yesterday", "2020-01-01", None),
    "execution_id": _one_of(None, 1, -1, 2**63 - 1),
    "fence": _one_of(0, 2**63 - 1),
    "node": st.sampled_from(NAMES),
}

CALENDAR: dict[str, st.SearchStrategy[Any]] = {
    "base": _one_of(None, "kr", "one", "two", "nope"),
    "country": _one_of("KR", None, "US"),
    "closed_weekdays": _one_of("", "sun", "sat,sun", "mon,tue,wed,thu,fri,sat,sun", "funday"),
    "description": st.sampled_from(NAMES),
}
CALENDAR_NAMES = _one_of("one", "two", "kr", "kr-holidays", "Bad Name")

OVERLAY: dict[str, st.SearchStrategy[Any]] = {
    "name": _one_of("sale", "stop", "🙂", ""),
    "starts_at": moments(),
    "ends_at": moments(),
    "action": _one_of("multiply", "stop", "jump"),
    "factor": _one_of(None, None, 2, 0.01, 100, "NaN", -1),
    "job_types": _one_of("{}", "{noop}", "{NULL}"),
    "market_codes": _one_of("{}", "{coupang}"),
    "tags": _one_of("{}", "{sale}"),
    "enabled": _one_of(True, True, False, None),
}


def chosen(columns: dict[str, st.SearchStrategy[Any]], least: int = 0, most: int = 3) -> st.SearchStrategy[Columns]:
    """Give values for a few of these columns."""
    return st.lists(st.sampled_from(sorted(columns)), min_size=least, max_size=most, unique=True).flatmap(
        lambda names: st.fixed_dictionaries({name: columns[name] for name in names})
    )


GOOD_SCHEDULES: st.SearchStrategy[Columns] = _one_of(
    {"interval": "5 minutes"},
    {"interval": "1 hour"},
    {"specific_times": "{09:00,21:30}"},
    {"cron_expression": "*/5 * * * *"},
    {"cron_expression": "0 0 1 1 *"},
    {},
) | st.timedeltas(-timedelta(minutes=1), timedelta(days=2)).map(lambda ahead: {"run_at": (datetime.now(UTC) + ahead).isoformat()})
GOOD_SHAPES: dict[str, st.SearchStrategy[Any]] = {
    "overlap_policy": _one_of("queue_one", "cancel_running", "allow"),
    "max_instances": _one_of(2, 3),
    "max_retries": _one_of(0, 1, 100),
    "misfire_policy": _one_of("skip", "run_all"),
    "jitter_seconds": _one_of(1, 60),
    "job_type": _one_of("echo"),
    "priority": _one_of(5),
    "tags": _one_of("{sale}"),
    "parameters": _one_of('{"n": 1}'),
    "timezone": _one_of("UTC"),
}


def good_jobs() -> st.SearchStrategy[Columns]:
    """Give the columns of a job that is fine."""
    return st.builds(lambda schedule, ways: {**schedule, **ways}, GOOD_SCHEDULES, chosen(GOOD_SHAPES, 0, 3))


def any_jobs() -> st.SearchStrategy[Columns]:
    """Give the columns of a job that is mostly fine, or not at all."""
    return st.builds(lambda good, bad: {**good, **bad}, good_jobs(), chosen(PEOPLES, 0, 2))
