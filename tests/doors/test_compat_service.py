"""The APScheduler service's own examples as real programs, and what its names mean here."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psutil
import psycopg
import pytest

from scheduler import Scheduler
from scheduler.compat import service
from scheduler.errors import Conflict, ParameterError, ScheduleError
from scheduler.words import set_language
from tests.doors.conftest import a_job
from tests.doors.programs import Program, example
from tests.support.daemons import Rows

JOBS = "SELECT name, interval, cron_expression, run_at, timezone, description, parameters, tags FROM schedule_jobs ORDER BY id"


async def work(batch_size: int = 1) -> dict[str, int]:
    return {"size": batch_size}


def whole(job_data: dict[str, Any]) -> dict[str, Any]:
    return job_data


@pytest.fixture
def names(database: str) -> Iterator[Any]:
    """Give the module, over a database of the test's own."""
    service.use(Scheduler(database))
    yield service
    service._book.scheduler.close()
    service._book._scheduler = None


def test_the_workflow_example_runs_as_it_stands(database: str, connection: psycopg.Connection[Any], tmp_path: Path) -> None:
    file = tmp_path / "workflow.py"
    file.write_text(example("service_workflow"), encoding="utf-8")
    program = Program(file, database)
    try:
        program.says("등록된 작업 수: 1")
        nodes = connection.execute("SELECT count(*) FROM scheduler_nodes WHERE state = 'running'").fetchone()
        program.interrupt()
    finally:
        program.remove()

    assert nodes == (1,)
    row = connection.execute("SELECT name, interval, parameters FROM schedule_jobs").fetchone()
    assert row == ("data_processing", timedelta(minutes=15), {"batch_size": 100})
    assert not psutil.pid_exists(Rows(connection).one("SELECT pid FROM scheduler_nodes"))


def test_every_other_example_runs_as_it_stands(database: str, connection: psycopg.Connection[Any], tmp_path: Path) -> None:
    file = tmp_path / "service_program.py"
    file.write_text(example("service_fragments") + "    import time\n    time.sleep(120)\n", encoding="utf-8")
    program = Program(file, database, TZ="Asia/Seoul")
    try:
        program.says("다음 실행 시간:")
        program.until(lambda: len(connection.execute(JOBS).fetchall()) == 7, "seven jobs")
        rows = Rows(connection)
        mine = rows.run_now(rows.one("SELECT id FROM schedule_jobs WHERE name = 'my_custom_job'"))
        program.says("사용자 정의 작업이 실행되었습니다.")
        ended = rows.ended(mine)
        program.interrupt()
    finally:
        program.remove()

    assert ended["result"] == {"status": "completed", "message": "작업 완료"}
    for said in ("작업 ID: hourly_job", "작업명: 매주 일요일 작업", "실행 중: True", "등록된 작업 수: 5", "전체 통계: {"):
        assert said in program.text
    crons = {name: cron for name, _, cron, *_ in connection.execute(JOBS).fetchall() if cron}
    assert crons == {"daily_job": "0 3 * * *", "weekly_job": "0 9 * * sun", "daily_custom_job": "30 14 * * *"}
    run_at = rows.one("SELECT run_at - created_at FROM schedule_jobs WHERE name = 'one_time_job'")
    assert timedelta(minutes=59) < run_at <= timedelta(hours=1)


def test_jobs_are_declared_listed_paused_and_removed(names: Any, connection: psycopg.Connection[Any]) -> None:
    operators = a_job(connection, "of an operator")
    names.add_interval_job(func=work, job_id="five", minutes=5, name="5분마다")
    names.add_interval_job(func=work, job_id="five", hours=1, seconds=30, name="한 시간마다")
    shown = names.add_cron_job(func=work, job_id="sunday", day_of_week="sun", hour=9, minute=0, name="일요일")

    assert (shown["id"], shown["name"]) == ("sunday", "일요일")
    assert (shown["next_run_time"].weekday(), shown["next_run_time"].hour) == (6, 9)
    assert [job["id"] for job in names.get_all_jobs()] == ["five", "sunday"]
    assert names.get_scheduler_status()["job_count"] == 2 and not names.get_scheduler_status()["is_running"]
    assert names.pause_job("five") and names.get_job("five")["next_run_time"] is None
    assert names.resume_job("five") and names.get_job("five")["next_run_time"] is not None
    assert names.unregister_job("five") and not names.unregister_job("five")
    assert not names.pause_job("of an operator") and not names.unregister_job("of an operator")
    assert connection.execute("SELECT status FROM schedule_jobs WHERE id = %s", (operators,)).fetchone() == ("active",)


def test_a_moment_from_now_is_the_machines_and_a_typed_one_is_korean(names: Any, connection: psycopg.Connection[Any]) -> None:
    from_now = datetime.now() + timedelta(hours=1)
    names.add_date_job(func=work, job_id="soon", run_date=from_now.replace(microsecond=from_now.microsecond or 1))
    names.add_date_job(func=work, job_id="typed", run_date=datetime(2099, 1, 1, 9))

    rows = Rows(connection)
    wait = rows.one("SELECT run_at - now() FROM schedule_jobs WHERE name = 'soon'")
    assert timedelta(minutes=59) < wait <= timedelta(hours=1)
    assert rows.one("SELECT run_at = '2099-01-01 00:00+00' FROM schedule_jobs WHERE name = 'typed'")
    names.add_date_job(func=work, job_id="now", run_date=datetime.now())
    assert rows.all("SELECT job_name FROM job_executions WHERE status = 'queued'") == ["now"]


def test_a_moment_that_has_passed_is_refused_unless_the_job_was_there_for_it(
    names: Any, connection: psycopg.Connection[Any]
) -> None:
    set_language("en")
    with pytest.raises(ScheduleError, match=r"job past: 2020-01-01 09:00:00 KST has passed; give a later moment"):
        names.add_date_job(func=work, job_id="past", run_date="2020-01-01 09:00")
    assert Rows(connection).one("SELECT count(*) FROM schedule_jobs") == 0

    connection.execute(
        "INSERT INTO schedule_jobs (name, job_type, run_at, tags, status, description, timezone, max_retries) "
        "VALUES ('once', %s, '2020-01-01 00:00+00', '{service}', 'completed', 'once', 'Asia/Seoul', 0)",
        (names._book.scheduler.register(work),))
    assert names.add_date_job(func=work, job_id="once", run_date="2020-01-01 09:00") is None
    assert Rows(connection).one("SELECT status FROM schedule_jobs") == "completed", "a program started again does not stumble"
    with pytest.raises(ScheduleError, match="has passed"):
        names.add_date_job(func=work, job_id="once", run_date="2020-01-02 09:00")


def test_a_job_of_others_is_neither_taken_over_nor_removed(names: Any, connection: psycopg.Connection[Any]) -> None:
    set_language("en")
    a_job(connection, "health_check")
    with pytest.raises(Conflict, match=r'job "health_check" \(order_collection\) was not made through this door; use another id'):
        names.add_interval_job(func=work, job_id="health_check", minutes=5)

    assert not names.unregister_job("health_check")
    row = connection.execute("SELECT job_type, interval, tags FROM schedule_jobs").fetchone()
    assert row == ("order_collection", timedelta(minutes=30), [])


def test_an_interval_with_a_start_begins_there(names: Any, connection: psycopg.Connection[Any]) -> None:
    soon = (datetime.now() + timedelta(minutes=10)).replace(microsecond=7)
    names.add_interval_job(work, "far", hours=24, start_date="2099-12-01 03:00:00")
    names.add_interval_job(work, "soon", hours=24, start_date=soon)
    names.add_interval_job(work, "past", hours=24, start_date="2020-12-01 03:00:00")
    names.add_interval_job(work, "plain", hours=24)
    planned = {job: names._book.scheduler.jobs[job].next_runs(2) for job in ("far", "soon", "past", "plain")}

    first = datetime(2099, 12, 1, 3, tzinfo=ZoneInfo("Asia/Seoul"))
    assert planned["far"] == [first, first + timedelta(days=1)]
    assert planned["soon"] == [soon.astimezone(), soon.astimezone() + timedelta(days=1)]
    assert [(each.hour, each.minute) for each in planned["past"]] == [(3, 0), (3, 0)]
    assert Rows(connection).one("SELECT start_at FROM schedule_jobs WHERE name = 'plain'") is None


def test_text_where_arguments_are_meant_is_refused(names: Any) -> None:
    with pytest.raises(ParameterError, match="args='abc'"):
        names.add_interval_job(work, "j", args="abc", minutes=5)


def test_a_custom_job_gets_its_data_by_name_or_whole(names: Any, connection: psycopg.Connection[Any]) -> None:
    names.register_custom_job("work", {"batch_size": 100}, minutes=15)
    names.register_custom_job("whole", {"x": 1}, hour=14, minute=30)
    names.register_custom_job("data_processing", {"x": 1}, func="data_processing", minutes=15)
    with pytest.warns(UserWarning, match="x"):
        names.register_custom_job("work", {"x": 1}, minutes=15)

    found = connection.execute("SELECT job_type, parameters FROM schedule_jobs ORDER BY id").fetchall()
    assert found == [("py:tests.doors.test_compat_service.work", {}),
                     ("py:tests.doors.test_compat_service.whole", {"job_data": {"x": 1}}), ("data_processing", {"x": 1})]


def test_figures_have_the_five_names(names: Any, connection: psycopg.Connection[Any]) -> None:
    names.add_interval_job(func=work, job_id="five", minutes=5)
    connection.execute(
        "INSERT INTO job_executions (job_id, status, scheduled_for, started_at, finished_at, duration_ms) "
        "SELECT job.id, ended.status, now() + ended.n * interval '1 s', now(), now(), 2000 "
        "FROM schedule_jobs AS job, (VALUES ('success', 1), ('failed', 2)) AS ended (status, n)"
    )

    stats = names.job_stats.get_stats("five")
    assert {name: value for name, value in stats.items() if name != "last_execution"} == {
        "total_executions": 2, "successful_executions": 1, "failed_executions": 1, "average_execution_time": 2.0}
    assert names.job_stats.get_stats()["five"] == stats and stats["last_execution"] is not None
    assert names.job_stats.get_stats("unknown")["total_executions"] == 0


@pytest.mark.parametrize(("fields", "expected"), [
    ({"day_of_week": 0, "hour": 6, "minute": 0}, ("0 6 * * mon", None)),
    ({"day_of_week": "0-4", "hour": 6}, ("0 6 * * mon,tue,wed,thu,fri", None)),
    ({"day_of_week": "sun", "hour": 9, "minute": 0}, ("0 9 * * sun", None)),
    ({"minute": "*/15"}, ("*/15 * * * *", None)),
    ({"hour": "9-17", "minute": 30, "day": "1,15", "month": "jan-mar"}, ("30 9-17 1,15 jan-mar *", None)),
    ({"day": "1-7", "day_of_week": "mon", "hour": 3}, ("0 3 1-7 * *", "mon")),
    ({"day": "last", "hour": 3}, ("0 3 L * *", None)),
])
def test_fields_of_cron_mean_what_they_mean_in_apscheduler(
    names: Any, connection: psycopg.Connection[Any], fields: dict[str, Any], expected: tuple[str, str | None]
) -> None:
    names.add_cron_job(work, "j", **fields)

    assert connection.execute("SELECT cron_expression, days_of_week FROM schedule_jobs").fetchone() == expected


@pytest.mark.parametrize("fields", [{"second": "*/10"}, {"week": 3}, {"day": "2nd fri"}, {"hour": 99}, {"fortnight": 1}])
def test_what_has_no_counterpart_is_refused(names: Any, fields: dict[str, Any]) -> None:
    with pytest.raises(ScheduleError):
        names.add_cron_job(work, "j", **fields)
