"""The APScheduler and FastAPI recipe: its own files as a real program, its objects, its tracking."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
from apscheduler.triggers.cron import CronTrigger as TheirCron  # type: ignore[import-untyped]
from apscheduler.triggers.interval import IntervalTrigger as TheirInterval  # type: ignore[import-untyped]

from scheduler.client.core import Core
from scheduler.compat.recipe import (
    AsyncIOScheduler,
    CronTrigger,
    DateTrigger,
    IntervalTrigger,
    JobExecutionTracker,
    RecipeJob,
    tracked_job,
)
from scheduler.errors import Conflict, NotFound, ScheduleError
from scheduler.queries import programs
from scheduler.words import set_language
from tests.doors.conftest import a_job
from tests.doors.programs import Program, example
from tests.support.daemons import Rows

STRUCTLOG = '''
class Logger:
    async def ainfo(self, text, **fields):
        print(text, sorted(fields))

    aexception = ainfo

def get_logger():
    return Logger()
'''
SETTINGS = '''
class settings:
    REDIS_HOST, REDIS_PORT, REDIS_DB = "localhost", 6379, 0
'''
SUPER_USER = '''
from typing import Annotated
from fastapi import Depends

def who():
    return "root"

SuperUser = Annotated[str, Depends(who)]
'''
DRIVE = '''
import os
import time
from fastapi.testclient import TestClient
from app.api.v1.routes.scheduler import router
from app.main import create_app

if __name__ == "__main__":
    app = create_app()
    app.include_router(router)
    with TestClient(app) as client:
        for job in client.get("/scheduler/jobs").json():
            print("job", job["id"], job["name"], job["next_run_time"], sep=" | ")
        print("one", client.get("/scheduler/jobs/daily_digest").json()["next_run_time"][10:])
        print("missing", client.get("/scheduler/jobs/nothing").status_code, client.get("/scheduler/jobs/nothing").json())
        print(client.post("/scheduler/jobs/health_check/pause").json())
        print("paused", client.get("/scheduler/jobs/health_check").json()["next_run_time"])
        print(client.post("/scheduler/jobs/health_check/resume").json())
        print(client.post("/scheduler/jobs/health_check/run").json())
        print(client.post("/scheduler/jobs/daily_digest/reschedule",
                          json={"job_id": "x", "job_type": "cron", "cron_expression": "0 0 * * 0"}).json())
        print(client.post("/scheduler/jobs/sync_external/reschedule",
                          json={"job_id": "x", "job_type": "interval", "minutes": 1}).json())
        print("fields", client.get("/scheduler/jobs/daily_digest").json()["next_run_time"])
        print(client.delete("/scheduler/jobs/weekly_reports").json())
        print("serving", flush=True)
        limit = time.monotonic() + 60
        while not os.path.exists("go") and time.monotonic() < limit:
            time.sleep(0.05)
    print("shut down")
'''
TREE = {
    "structlog.py": STRUCTLOG, "app/core/config.py": SETTINGS, "app/api/v1/dependencies.py": SUPER_USER, "drive.py": DRIVE,
    "app/infrastructure/scheduler/scheduler.py": example("recipe_scheduler"),
    # The recipe forgets to import its triggers here.
    "app/infrastructure/scheduler/jobs.py":
        "from scheduler.compat.recipe import CronTrigger, IntervalTrigger\n" + example("recipe_jobs"),
    "app/main.py": example("recipe_main"),
    "app/api/v1/routes/scheduler.py": example("recipe_routes"),
}


async def work(n: int = 1) -> int:
    return n


@pytest.fixture
def recipe(database: str) -> Iterator[AsyncIOScheduler]:
    made = AsyncIOScheduler(timezone="UTC", dsn=database)
    yield made
    made.book.scheduler.close()


def test_the_recipe_runs_as_it_stands(database: str, connection: psycopg.Connection[Any], tmp_path: Path) -> None:
    pytest.importorskip("fastapi")
    for name, text in TREE.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    program = Program(tmp_path / "drive.py", database)
    rows = Rows(connection)
    try:
        program.says("serving")
        program.says("Health check ['timestamp']")
        during = dict(connection.execute("SELECT name, coalesce(cron_expression, interval::text) FROM schedule_jobs").fetchall())
        node = rows.one("SELECT pid FROM scheduler_nodes")
        (tmp_path / "go").touch()
        said = program.ended()
    finally:
        program.remove()

    assert [line.split(" | ")[1] for line in said.splitlines() if line.startswith("job |")] == [
        "cleanup_sessions", "daily_digest", "sync_external", "weekly_reports", "health_check"]
    assert "job | daily_digest | Send Daily Digest | " in said and "one T09:00:00Z" in said
    assert "missing 404 {'detail': 'Job not found'}" in said and "paused None" in said
    assert "{'message': 'Job health_check triggered'}" in said
    assert during == {
        "cleanup_sessions": "01:00:00", "daily_digest": "0 0 * * 0", "sync_external": "00:01:00", "health_check": "00:05:00",
        "health_check_manual": None,
    }
    fields = next(line for line in said.splitlines() if line.startswith("fields "))
    assert datetime.fromisoformat(fields.removeprefix("fields ")).weekday() == 6, "0 is Sunday in a crontab text"
    assert rows.one("SELECT misfire_policy || misfire_grace FROM schedule_jobs") == "skip00:01:00"
    assert "shut down" in said and not psutil.pid_exists(node)
    assert rows.all("SELECT name FROM schedule_jobs") == ["health_check_manual"], "unregister_jobs has removed the others"


def test_registration_is_idempotent_and_touches_nobody_elses_jobs(
    recipe: AsyncIOScheduler, connection: psycopg.Connection[Any]
) -> None:
    a_job(connection, "of an operator")
    for _ in range(2):
        recipe.add_job(work, trigger=IntervalTrigger(hours=1), id="j", name="J", replace_existing=True, kwargs={"n": 3})
    with pytest.raises(Conflict, match="replace_existing"):
        recipe.add_job(work, "interval", minutes=5, id="j")
    with pytest.raises(NotFound):
        recipe.remove_job("of an operator")

    jobs = recipe.get_jobs()
    assert [(job.id, job.name, job.func) for job in jobs] == [("j", "J", work)]
    recipe.remove_all_jobs()
    assert Rows(connection).all("SELECT name FROM schedule_jobs") == ["of an operator"]


def test_an_id_that_others_have_is_refused(recipe: AsyncIOScheduler, connection: psycopg.Connection[Any]) -> None:
    set_language("en")
    a_job(connection, "orders")
    with pytest.raises(Conflict, match=r"job orders \(order_collection\) is there already; use another id"):
        recipe.add_job(work, "interval", minutes=5, id="orders")
    with pytest.raises(Conflict, match="was not made through this door"):
        recipe.add_job(work, "interval", minutes=5, id="orders", replace_existing=True)

    assert Rows(connection).all("SELECT job_type FROM schedule_jobs") == ["order_collection"]


START = datetime(2099, 12, 1, 3, tzinfo=UTC)


@pytest.mark.parametrize("trigger", [IntervalTrigger, TheirInterval])
def test_a_trigger_with_a_start_begins_there_and_one_without_does_not(
    recipe: AsyncIOScheduler, connection: psycopg.Connection[Any], trigger: Any
) -> None:
    made = recipe.add_job(work, trigger(hours=24, start_date=START, timezone="UTC"), id="start")
    recipe.add_job(work, trigger(hours=24), id="plain")

    assert made is not None and made.next_run_time == START
    assert recipe.book.scheduler.jobs["start"].next_runs(2)[1] == START + timedelta(days=1)
    assert Rows(connection).one("SELECT start_at FROM schedule_jobs WHERE name = 'plain'") is None


def test_a_date_that_has_passed_is_refused(recipe: AsyncIOScheduler, connection: psycopg.Connection[Any]) -> None:
    set_language("en")
    with pytest.raises(ScheduleError, match="has passed"):
        recipe.add_job(work, "date", run_date=datetime(2020, 1, 1), id="j")
    recipe.add_job(work, "interval", minutes=5, id="j", kwargs={"n": 4})
    with pytest.raises(ScheduleError, match="has passed"):
        recipe.reschedule_job("j", "date", run_date=datetime(2020, 1, 1))

    row = connection.execute("SELECT interval, parameters FROM schedule_jobs").fetchone()
    assert row == (timedelta(minutes=5), {"n": 4})


@pytest.mark.parametrize(("trigger", "expected"), [
    (CronTrigger(hour=9, minute=0), ("0 9 * * *", None, "UTC")),
    (CronTrigger(day_of_week=0, hour=6), ("0 6 * * mon", None, "UTC")),
    (TheirCron(day_of_week="mon", hour=6, minute=0), ("0 6 * * mon", None, "UTC")),
    (TheirCron(hour=9, timezone="Asia/Seoul"), ("0 9 * * *", None, "Asia/Seoul")),
    (CronTrigger(hour=9, timezone="Asia/Tokyo"), ("0 9 * * *", None, "Asia/Tokyo")),
    (CronTrigger.from_crontab("0 0 * * 0"), ("0 0 * * 0", None, "UTC")),
    (CronTrigger.from_crontab("0 9-17 * * 1-5"), ("0 9-17 * * 1-5", None, "UTC")),
    (TheirInterval(hours=1, seconds=5), (None, timedelta(hours=1, seconds=5), "UTC")),
])
def test_triggers_keep_their_meaning(
    recipe: AsyncIOScheduler, connection: psycopg.Connection[Any], trigger: Any, expected: tuple[Any, ...]
) -> None:
    recipe.add_job(work, trigger, id="j")

    assert connection.execute("SELECT cron_expression, interval, timezone FROM schedule_jobs").fetchone() == expected


def test_a_date_that_has_come_runs_at_once(recipe: AsyncIOScheduler, connection: psycopg.Connection[Any]) -> None:
    moment = datetime.now(UTC) + timedelta(hours=1)
    later = recipe.add_job(work, trigger=DateTrigger(run_date=moment), id="later")
    now = recipe.add_job(work, trigger=DateTrigger(run_date=datetime.now()), id="now", replace_existing=True)

    assert now is None and isinstance(later, RecipeJob) and later.next_run_time == moment
    assert Rows(connection).all("SELECT job_name FROM job_executions WHERE status = 'queued'") == ["now"]
    with pytest.raises(ScheduleError):
        recipe.add_job(work, "fortnight", id="x")


def test_a_job_is_paused_resumed_and_rescheduled(recipe: AsyncIOScheduler, connection: psycopg.Connection[Any]) -> None:
    job = recipe.add_job(work, "interval", minutes=5, id="j", kwargs={"n": 7}, misfire_grace_time=None)
    assert job is not None
    job.pause()
    paused = recipe.get_job("j")
    assert paused is not None and paused.next_run_time is None
    job.resume()
    job.reschedule(trigger=CronTrigger.from_crontab("*/15 * * * *"))

    row = connection.execute("SELECT cron_expression, parameters, misfire_policy, max_retries FROM schedule_jobs").fetchone()
    assert row == ("*/15 * * * *", {"n": 7}, "run_once", 0)


async def test_calls_of_others_are_tracked(database: str) -> None:
    core = Core(database, None, {})
    tracker = JobExecutionTracker(object(), core=core)
    used: list[int] = []

    @tracked_job("cleanup", "Cleanup", by=tracker)
    async def cleanup(fail: bool) -> int:
        used.append(1)
        if fail:
            raise ValueError("no room")
        return 5

    @tracked_job("plain", "Plain", by=tracker)
    def plain() -> str:
        return "ok"

    assert await cleanup(False) == 5 and await asyncio.to_thread(plain) == "ok"
    with pytest.raises(ValueError, match="no room"):
        await cleanup(True)
    open_one = await tracker.start_execution("open", "Open")

    found = await tracker.get_recent_executions("cleanup")
    assert [(each["job_id"], each["job_name"], each["status"], each["error_message"]) for each in found] == [
        ("cleanup", "Cleanup", "failed", "no room"), ("cleanup", "Cleanup", "success", None)]
    assert all(each["duration_ms"] >= 0 and each["finished_at"] >= each["started_at"] for each in found)
    newest = (await tracker.get_recent_executions(limit=1))[0]
    assert (newest["id"], newest["status"], len(await tracker.get_recent_executions())) == (open_one, "running", 4)
    await tracker.complete_execution(open_one, success=False, error_message="late")
    await tracker.complete_execution(open_one, success=True)
    assert (await tracker.get_recent_executions("open"))[0]["status"] == "failed", "an end is written once"
    core.close()


def test_where_a_job_of_ours_runs_its_execution_is_the_record(
    database: str, connection: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ERP_SCHEDULER_EXECUTION", "4711")
    tracker = JobExecutionTracker(core=Core(database, None, {}))

    number = tracker.begin("a", "A")
    tracker.end(number, True)

    assert number == 4711
    assert connection.execute("SELECT count(*) FROM job_executions").fetchone() == (0,)
    assert programs.stats(connection, None, None) == []
