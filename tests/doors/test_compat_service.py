"""The APScheduler service's own examples as real programs, and what its names mean here."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest

from scheduler import Scheduler
from scheduler.compat import service
from scheduler.errors import ScheduleError
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
    for job_id, moment in (("now", datetime.now()), ("past", "2020-01-01 09:00")):
        names.add_date_job(func=work, job_id=job_id, run_date=moment)
    assert rows.all("SELECT job_name FROM job_executions WHERE status = 'queued'") == ["now"]


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
