"""The Python door on a real database: jobs declared by name, asked for, paused, removed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest

from scheduler import AsyncScheduler, Scheduler, at, cron, daily, every
from scheduler.errors import ConfigError, Conflict, NotFound, ParameterError, ScheduleError
from scheduler.words import set_language
from tests.doors.conftest import a_type, an_execution

Row = dict[str, Any]


def add(a: int, b: int = 2, *more: int, day: date | None = None, **rest: Any) -> int:
    """Add two numbers."""
    return a + b


def give(n: int) -> Iterator[int]:
    yield n


class Shop:
    def sell(self) -> None:
        return None

    @classmethod
    def open(cls) -> None:
        return None


@pytest.fixture
def s(database: str) -> Iterator[Scheduler]:
    set_language("en")
    with Scheduler(database) as opened:
        yield opened


def row_of(connection: psycopg.Connection[Any], name: str) -> Row:
    with connection.cursor(row_factory=psycopg.rows.dict_row) as cursor:
        found = cursor.execute("SELECT * FROM schedule_jobs WHERE name = %s", (name,)).fetchone()
    assert found is not None
    return found


def test_a_schedule_is_an_upsert_by_name(s: Scheduler, connection: psycopg.Connection[Any]) -> None:
    first = s.schedule("주문 수집", "order_collection", every("15m"), markets=["coupang"], days=1, timeout="45m", retries=5)
    before = row_of(connection, "주문 수집")
    again = s.schedule("주문 수집", "order_collection", every(minutes=15), markets=["coupang"], days=1)

    assert again == first and row_of(connection, "주문 수집") == before, "declared the same, nothing is touched"
    assert (before["interval"], before["parameters"], before["timeout_minutes"]) == (timedelta(minutes=15), {"days": 1}, 45)

    s.schedule("주문 수집", "order_collection", daily("09:00", "18:00", days="mon-fri"), days=2)
    after = row_of(connection, "주문 수집")
    assert after["interval"] is None and [str(each) for each in after["specific_times"]] == ["09:00:00", "18:00:00"]
    assert (after["days_of_week"], after["parameters"], after["max_retries"]) == ("mon-fri", {"days": 2}, 5)
    assert len(s.jobs) == 1
    made = connection.execute("SELECT action, via FROM job_revisions ORDER BY id").fetchall()
    assert [via for _, via in made] == ["python", "python"], "the history says which door it was, and of changes only"


def test_a_month_is_not_thirty_days(s: Scheduler, connection: psycopg.Connection[Any]) -> None:
    s.schedule("j", "t", every("30d"))
    s.schedule("j", "t", every("1mo"))

    assert connection.execute("SELECT interval::text FROM schedule_jobs").fetchone() == ("1 mon",)


def test_a_program_may_come_every_second_and_people_may_not(s: Scheduler, connection: psycopg.Connection[Any]) -> None:
    s.schedule("quick", add, every(1), a=1)

    assert row_of(connection, "quick")["interval"] == timedelta(seconds=1)
    with pytest.raises(ScheduleError, match="too short"):
        every(seconds=0.5)
    with pytest.raises(psycopg.errors.CheckViolation):
        connection.execute("UPDATE schedule_jobs SET interval = '2 seconds'")


def test_every_fault_of_a_row_comes_in_the_words_of_the_database(s: Scheduler) -> None:
    with pytest.raises(ScheduleError, match="job '7' cannot be saved: name '7' is a number"):
        s.schedule("7", "t", every("1h"))
    with pytest.raises(ScheduleError, match="moves fixed times"):
        s.schedule("j", "t", every("1h"), holidays="next-workday")
    with pytest.raises(ConfigError, match="write one of run, skip"):
        s.schedule("j", "t", daily("03:00"), holidays="tomorrow")
    with pytest.raises(ScheduleError):
        s.schedule("j", "t", cron("99 * * * *"))
    assert not s.jobs


def test_calendar_zone_and_moment_reach_the_row(s: Scheduler, connection: psycopg.Connection[Any]) -> None:
    s.schedule("보고서", "report_generation", cron("0 6 1 * *"), tz="Asia/Seoul", holidays="next-workday", jitter="30s")
    s.schedule("한 번", "t", at("2099-12-31 09:00"), tz="Asia/Tokyo")

    made = row_of(connection, "보고서")
    assert (made["cron_expression"], made["on_holiday"], made["calendar"]) == ("0 6 1 * *", "next", "kr")
    assert made["jitter_seconds"] == 30
    assert row_of(connection, "한 번")["run_at"] == datetime(2099, 12, 31, 9, tzinfo=ZoneInfo("Asia/Tokyo"))


def test_edges_are_as_the_program_says(s: Scheduler, connection: psycopg.Connection[Any]) -> None:
    first = s.schedule("first", "t", every("1h"))
    s.schedule("second", "t", every("1h"))
    edges = "SELECT depends_on, condition FROM job_dependencies WHERE job_id = %s ORDER BY 1"

    third = s.schedule("third", "t", after=[first], after_once=["second"])
    assert connection.execute(edges, (third.id,)).fetchall() == [(first.id, "since_last_run"), (first.id + 1, "ever")]
    s.schedule("third", "t", priority=1)
    assert len(connection.execute(edges, (third.id,)).fetchall()) == 2, "what is not said stays"
    s.schedule("third", "t", after=[], after_once=[first])
    assert connection.execute(edges, (third.id,)).fetchall() == [(first.id, "ever")]
    with pytest.raises(ScheduleError, match="wait for itself"):
        s.schedule("first", "t", every("1h"), after=[third])


def test_parameters_are_checked_before_they_are_saved(s: Scheduler, connection: psycopg.Connection[Any]) -> None:
    a_type(connection)
    with pytest.raises(ParameterError, match="batch_size"):
        s.schedule("j", "order_collection", every("1h"), shop="a", batch_size=0)
    with pytest.raises(ParameterError, match="JSON cannot hold a object"):
        s.schedule("j", add, every("1h"), a=1, thing=object())
    with pytest.raises(ParameterError, match="nan is not in JSON"):
        s.schedule("j", add, every("1h"), a=1, thing=[{"x": float("nan")}])
    with pytest.raises(ParameterError, match="a: Field required"):
        s.schedule("j", add, every("1h"))
    s.schedule("j", add, every("1h"), a=1, day=date(2026, 1, 2))

    assert row_of(connection, "j")["parameters"] == {"a": 1, "day": "2026-01-02"}
    assert row_of(connection, "j")["job_type"] == "py:tests.doors.test_client.add"


def test_what_no_other_process_can_find_is_refused_with_the_reason(s: Scheduler) -> None:
    def inner() -> None:
        return None

    for function, reason in (
        (lambda: None, "lambda"), (inner, "inside another function"), (Shop().sell, "bound to an object"),
        (partial(add, 1), "not a function with a name"), (give, "generator"),
    ):
        with pytest.raises(ConfigError, match=reason):
            s.register(function)
    assert s.register(Shop.open) == "py:tests.doors.test_client.Shop.open"
    set_language("ko")
    with pytest.raises(ConfigError, match="lambda에는 이름이 없습니다"):
        s.register(lambda: None)


def test_a_job_is_run_paused_resumed_and_removed(s: Scheduler, connection: psycopg.Connection[Any]) -> None:
    job = s.schedule("j", "t", every("1h"), n=1, m=2)

    run = job.run(n=5, markets=["naver"])
    assert connection.execute("SELECT parameters, market_codes FROM job_executions").fetchone() == ({"n": 5, "m": 2}, ["naver"])
    with pytest.raises(TimeoutError, match="has not ended"):
        run.wait(0.2)
    assert run.cancel() == "cancelled" and run.wait("5s").status == "cancelled"
    job.pause(until="2099-01-01 09:00", reason="점검")
    paused = row_of(connection, "j")
    assert (paused["status"], paused["pause_reason"]) == ("paused", "점검")
    assert paused["paused_until"] == datetime(2099, 1, 1, tzinfo=UTC)
    assert job.next_runs() == []
    job.resume()
    assert job.status == "active"
    assert job.remove() and not job.remove()
    with pytest.raises(NotFound):
        job.info()
    with pytest.raises(KeyError):
        s.jobs["j"]


def test_next_runs_and_figures(s: Scheduler, connection: psycopg.Connection[Any]) -> None:
    job = s.schedule("j", "t", daily("03:00"))
    for day, status in enumerate(("success", "success", "failed", "skipped"), 1):
        an_execution(connection, job.id, status, scheduled_for=f"2026-01-0{day}")

    times, stats = job.next_runs(3), job.stats(days=7)
    assert [each.hour for each in times] == [3, 3, 3] and times[1] - times[0] == timedelta(days=1)
    assert (stats.total, stats.successful, stats.failed, stats.skipped) == (3, 2, 1, 1)
    assert stats.success_rate == pytest.approx(2 / 3) and stats.average_seconds == pytest.approx(1.234)
    assert s.status().jobs["active"] == 1 and s.status().next_runs[0][0] == "j" and not s.status().is_running


def test_run_once_makes_a_one_off(s: Scheduler, connection: psycopg.Connection[Any]) -> None:
    later = s.run_once("inventory_sync", in_="10m", dry_run=True)
    now = s.run_once(add, a=1)

    made = row_of(connection, later.name)
    assert timedelta(minutes=9) < made["run_at"] - datetime.now(UTC) <= timedelta(minutes=10)
    assert made["parameters"] == {"dry_run": True}
    newest = now.last_run()
    assert newest is not None and newest.status == "queued" and later.last_run() is None


async def test_the_asynchronous_door_is_the_same_one(database: str) -> None:
    async with AsyncScheduler(database) as s:
        first = await s.schedule("first", "t", every("1h"))
        second = await s.schedule("second", "t", after=[first])
        run = await second.run(n=1)
        assert (first.name, await first.status(), run.status) == ("first", "active", "queued")
        assert len(await first.next_runs(2)) == 2
        assert [job.name for job in await s.list_jobs()] == ["first", "second"]
        with pytest.raises(TimeoutError):
            await run.wait(0.1)
        assert await run.cancel() == "cancelled"
        assert (await s.status()).jobs["total"] == 2
        with pytest.raises(Conflict):
            await run.cancel()
