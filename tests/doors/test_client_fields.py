"""What a program says of a job, field by field: what is not said stays, and what cannot be is refused by its name."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from scheduler import Scheduler, at, by_hand, daily, every
from scheduler.errors import Conflict, ParameterError, ScheduleError
from tests.doors.conftest import a_type
from tests.doors.test_client import add, row_of, s  # noqa: F401

Connection = psycopg.Connection[Any]
FAR = 1e20


def test_what_is_not_said_stays(s: Scheduler, connection: Connection) -> None:  # noqa: F811
    s.schedule("j", add, every("15m", days="mon-fri"), a=5)
    s.schedule("j", add, priority=7)
    row = row_of(connection, "j")
    assert (row["interval"], row["days_of_week"], row["parameters"], row["priority"]) == (
        timedelta(minutes=15), "mon-fri", {"a": 5}, 7)

    s.schedule("j", add, by_hand())
    row = row_of(connection, "j")
    assert (row["interval"], row["days_of_week"], row["parameters"]) == (None, None, {"a": 5})
    s.schedule("j", "t", parameters={})
    assert row_of(connection, "j")["parameters"] == {}, "said, and empty"
    with pytest.raises(ParameterError, match="a: Field required"):
        s.schedule("j", add)


def test_a_one_off_takes_no_name_that_exists(s: Scheduler, connection: Connection) -> None:  # noqa: F811
    s.schedule("nightly", "t", daily("03:00"), n=1)
    with pytest.raises(Conflict, match=r'job "nightly" \(t\) is there already; give another name'):
        s.run_once("t", name="nightly", in_="10m", n=2)

    row = row_of(connection, "nightly")
    assert (row["run_at"], row["parameters"]) == (None, {"n": 1}) and row["specific_times"]
    assert s.run_once("t", name="tonight", in_="10m").name == "tonight"


def test_a_text_is_a_list_of_one(s: Scheduler, connection: Connection) -> None:  # noqa: F811
    first = s.schedule("keep", "t")
    job = s.schedule("j", "t", every("1h"), markets="coupang", tags="abc", after="keep")
    job.run(markets="naver")
    s.schedule("k", "t", after_once=first)

    row = row_of(connection, "j")
    assert (row["market_codes"], row["tags"]) == (["coupang"], ["abc"])
    assert connection.execute("SELECT market_codes FROM job_executions").fetchone() == (["naver"],)
    edges = connection.execute("SELECT depends_on FROM job_dependencies ORDER BY job_id").fetchall()
    assert edges == [(first.id,), (first.id,)]


@pytest.mark.parametrize("value", [datetime(2026, 1, 1), date(2026, 1, 1), Decimal("1.2"), float("nan"), {1}, b"x"])
def test_values_that_json_has_not_are_refused_by_name(s: Scheduler, connection: Connection, value: Any) -> None:  # noqa: F811
    job = s.schedule("j", "t")
    for call in (lambda: s.schedule("x", "t", amount=value), lambda: job.run(amount=value)):
        with pytest.raises(ParameterError, match="amount"):
            call()
    assert connection.execute("SELECT count(*) FROM job_executions").fetchone() == (0,) and len(s.jobs) == 1


def test_a_run_is_checked_as_on_the_command_line(s: Scheduler, connection: Connection) -> None:  # noqa: F811
    a_type(connection)
    job, mine = s.schedule("j", "order_collection", shop="a"), s.schedule("m", add, a=1)
    with pytest.raises(ParameterError, match="did you mean 'batch_size'"):
        job.run(batch_sise=3)
    with pytest.raises(ParameterError, match="batch_size"):
        job.run(batch_size=0)
    with pytest.raises(ParameterError, match="a: "):
        mine.run(a="many")
    job.run(batch_size=3)
    mine.run(day=date(2026, 1, 2))

    found = connection.execute("SELECT parameters FROM job_executions ORDER BY id").fetchall()
    assert found == [({"shop": "a", "batch_size": 3},), ({"a": 1, "day": "2026-01-02"},)]


@pytest.mark.parametrize(("field", "value"), [
    ("timeout", "x"), ("timeout", float("nan")), ("grace", []), ("jitter", float("inf")), ("jitter", "soon"),
])
def test_a_duration_that_is_none_is_refused_by_name(s: Scheduler, field: str, value: Any) -> None:  # noqa: F811
    with pytest.raises(ParameterError, match=f"{field}=.* is not a duration"):
        s.schedule("j", "t", every("1h"), **{field: value})
    assert not s.jobs


@pytest.mark.parametrize("call", [
    lambda: every(FAR), lambda: every(float("nan")), lambda: every(float("inf")), lambda: every(seconds=FAR),
    lambda: every([]),  # type: ignore[arg-type]
    lambda: every(timedelta(days=40_000)), lambda: at(date(2026, 1, 1)).values("UTC"),  # type: ignore[arg-type]
])
def test_an_interval_or_moment_that_is_none_is_a_schedule_error(call: Callable[[], object]) -> None:
    with pytest.raises(ScheduleError):
        call()


def test_waits_that_are_none_are_refused_by_name(s: Scheduler) -> None:  # noqa: F811
    job = s.schedule("j", "t")
    for call in (lambda: job.wait("x"), lambda: job.run().wait("x")):
        with pytest.raises(ParameterError, match="timeout='x'"):
            call()
    for value in ("x", FAR):
        with pytest.raises(ParameterError, match="in_="):
            s.run_once("t", in_=value)


def test_an_interval_with_a_start_counts_from_it(s: Scheduler) -> None:  # noqa: F811
    job = s.schedule("j", "t", every("6h", start="2099-01-01 05:00"))

    assert [each.strftime("%m-%d %H:%M") for each in job.next_runs(3)] == ["01-01 05:00", "01-01 11:00", "01-01 17:00"]
