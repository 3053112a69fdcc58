"""The paths of other services, asked as their own texts print them."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

import pytest

from tests.support.daemons import Rows, wait_for
from tests.web.conftest import HTML, Web

CLEANUP = "/scheduler/jobs/cleanup_sessions"


@pytest.fixture
def recipe(rows: Rows) -> int:
    """Give the recipe's first job: every hour, with a title."""
    return rows.add_job("cleanup_sessions", interval="1 hour", timezone="UTC", tags=["recipe"],
                        description="Cleanup Expired Sessions", next_run_at=None)


def test_jobs_have_the_four_fields(web: Web, rows: Rows, recipe: int) -> None:
    rows.add_job("daily_digest", cron_expression="0 9 * * *", timezone="UTC", tags=["recipe"], description="Send Daily Digest")
    rows.add_job("하루 두 번", specific_times=["09:00", "18:00"])
    listed = web.ask["viewer"].get("/scheduler/jobs")
    assert listed.headers["vary"] == "Accept" and listed.headers["content-type"] == "application/json"
    assert listed.json() == [
        {"id": "cleanup_sessions", "name": "Cleanup Expired Sessions", "next_run_time": None, "trigger": "interval[1:00:00]"},
        {"id": "daily_digest", "name": "Send Daily Digest", "next_run_time": None, "trigger": "cron[0 9 * * *]"},
        {"id": "하루 두 번", "name": "하루 두 번", "next_run_time": None, "trigger": "cron[09:00, 18:00]"},
    ]
    assert web.ask["viewer"].get("/scheduler/jobs", headers=HTML).headers["content-type"].startswith("text/html")


def test_one_job_by_name_or_number_with_its_next_time(web: Web, rows: Rows, recipe: int) -> None:
    with rows.connection.transaction():
        rows.connection.execute("SET LOCAL erp_scheduler.planner = 'on'")
        rows.connection.execute("ALTER TABLE schedule_jobs DISABLE TRIGGER USER")
        rows.connection.execute("UPDATE schedule_jobs SET next_run_at = '2026-12-01T10:00:00Z' WHERE id = %s", (recipe,))
        rows.connection.execute("ALTER TABLE schedule_jobs ENABLE TRIGGER USER")
    by_name, by_number = web.ask["viewer"].get(CLEANUP), web.ask["viewer"].get(f"/scheduler/jobs/{recipe}")
    assert by_name.json() == by_number.json() == {
        "id": "cleanup_sessions", "name": "Cleanup Expired Sessions", "next_run_time": "2026-12-01T10:00:00+00:00",
        "trigger": "interval[1:00:00]"}
    missing = web.ask["viewer"].get("/scheduler/jobs/nothing")
    assert (missing.status_code, missing.json()) == (404, {"detail": "Job not found"})


def test_pause_resume_run_and_remove_say_what_was_done(web: Web, rows: Rows, recipe: int) -> None:
    ask = web.ask["operator"]
    assert ask.post(f"{CLEANUP}/pause").json() == {"message": "Job cleanup_sessions paused"}
    assert rows.one("SELECT status FROM schedule_jobs") == "paused"
    assert ask.post(f"{CLEANUP}/resume").json() == {"message": "Job cleanup_sessions resumed"}
    assert rows.one("SELECT status FROM schedule_jobs") == "active"
    triggered = ask.post(f"{CLEANUP}/run")
    assert triggered.json() == {"message": "Job cleanup_sessions triggered"}
    assert ask.get(triggered.headers["location"]).json()["job_id"] == recipe
    assert ask.delete(CLEANUP).status_code == 403
    assert web.ask["admin"].delete(CLEANUP).json() == {"message": "Job cleanup_sessions removed"}
    for action in ("pause", "resume", "run"):
        gone = ask.post(f"{CLEANUP}/{action}")
        assert (gone.status_code, gone.json()) == (404, {"detail": "Job not found"})
    assert web.ask["admin"].delete(CLEANUP).json() == {"detail": "Job not found"}


def test_nobody_but_those_who_may(web: Web, recipe: int) -> None:
    assert web.ask["none"].get("/scheduler/jobs").status_code == 401
    assert web.ask["viewer"].post(f"{CLEANUP}/pause").status_code == 403
    assert web.ask["operator"].post(f"{CLEANUP}/reschedule", json={"job_type": "interval", "hours": 1}).status_code == 403


@pytest.mark.parametrize(("body", "column", "expected"), [
    ({"job_type": "interval", "hours": 1, "minutes": 30}, "interval::text", "01:30:00"),
    ({"job_type": "interval", "hours": None, "minutes": 15, "seconds": None}, "interval::text", "00:15:00"),
    ({"job_type": "cron", "cron_expression": "0 9-17 * * 1-5"}, "cron_expression", "0 9-17 * * 1-5"),
    ({"job_type": "date", "run_date": "2027-01-01T09:00:00"}, "run_at", datetime(2027, 1, 1, 9, tzinfo=UTC)),
    ({"job_type": "date", "run_date": "2027-01-01T09:00:00+09:00"}, "run_at", datetime(2027, 1, 1, tzinfo=UTC)),
])
def test_reschedule_takes_the_three_bodies(
    web: Web, rows: Rows, recipe: int, body: dict[str, object], column: str, expected: object
) -> None:
    done = web.ask["admin"].post(f"{CLEANUP}/reschedule", json={"job_id": "cleanup_sessions", **body})
    assert done.json() == {"message": "Job cleanup_sessions rescheduled"}
    assert rows.one(f"SELECT {column} FROM schedule_jobs") == expected
    assert rows.one("SELECT num_nonnulls(interval, cron_expression, run_at) FROM schedule_jobs") == 1
    assert rows.one("SELECT action FROM audit_log") == "job.reschedule"


@pytest.mark.parametrize("body", [
    {"job_type": "interval"}, {"job_type": "interval", "hours": 0, "minutes": 0, "seconds": 0},
    {"job_type": "interval", "seconds": 1},
    {"job_type": "interval", "hours": -1}, {"job_type": "interval", "hours": 10**30}, {"job_type": "cron"},
    {"job_type": "cron", "cron_expression": "every day"}, {"job_type": "date"},
    {"job_type": "date", "run_date": "9999-12-31T23:59:59"},
    {"job_type": "date", "run_date": "0001-01-01T00:00:00"},
])
def test_a_schedule_that_cannot_be_is_refused_and_changes_nothing(
    web: Web, rows: Rows, recipe: int, body: dict[str, object]
) -> None:
    refused = web.ask["admin"].post(f"{CLEANUP}/reschedule", json={"job_id": "cleanup_sessions", **body})
    assert refused.status_code == 422, refused.text
    assert rows.one("SELECT interval::text FROM schedule_jobs") == "01:00:00"


def test_an_unknown_kind_is_refused_as_they_do(web: Web, recipe: int) -> None:
    refused = web.ask["admin"].post(f"{CLEANUP}/reschedule", json={"job_id": "cleanup_sessions", "job_type": "moon"})
    assert (refused.status_code, refused.json()) == (400, {"detail": "Invalid job type"})


def test_the_status_of_the_message_platform(web: Web, rows: Rows) -> None:
    assert web.ask["viewer"].get("/api/scheduler").json() == {
        "isRunning": False, "totalJobs": 0, "pendingJobs": 0, "runningJobs": 0, "completedJobs": 0, "failedJobs": 0}
    job = rows.add_job("아침 인사", interval="1 day")
    rows.connection.execute("ALTER TABLE schedule_jobs DISABLE TRIGGER USER")
    rows.connection.execute("UPDATE schedule_jobs SET next_run_at = '2027-01-01T00:00:00Z'")
    rows.connection.execute("ALTER TABLE schedule_jobs ENABLE TRIGGER USER")
    rows.connection.execute("""INSERT INTO scheduler_nodes (instance_id, name, host, pid, version, workers, lease_seconds)
        VALUES (gen_random_uuid(), 'a', 'h', 1, '1', 4, 60)""")
    for status in ("success", "success", "timed_out", "skipped", "queued"):
        rows.connection.execute("""INSERT INTO job_executions (job_id, scheduled_for, status, started_at, finished_at)
            VALUES (%s, clock_timestamp(), %s, now(), CASE WHEN %s <> 'queued' THEN now() END)""", (job, status, status))
    found = web.ask["viewer"].get("/api/scheduler").json()
    assert found.pop("nextJob") == {"id": str(job), "workflowName": "아침 인사", "type": "recurring",
                                    "scheduledTime": "2027-01-01T00:00:00+00:00"}
    assert found == {"isRunning": True, "totalJobs": 1, "pendingJobs": 1, "runningJobs": 0, "completedJobs": 2, "failedJobs": 1}


WORKFLOW = """
INSERT INTO schedule_workflows (name, steps, schedule)
VALUES ('인사', '[{"name": "모으기", "job_type": "noop"}, {"name": "보내기", "job_type": "noop"}]',
        '{"mode": "recurring", "every": "daily", "at": "09:00"}') RETURNING id
"""


def test_a_workflow_runs_now_later_or_at_a_moment(web: Web, rows: Rows) -> None:
    number = rows.one(WORKFLOW)
    now = web.ask["operator"].post("/api/workflow/execute", json={"workflowId": str(number)})
    assert now.status_code == 202
    shown = now.json()
    assert (shown["workflowId"], shown["workflowName"], shown["type"], shown["status"]) == (str(number), "인사", "immediate",
                                                                                           "pending")
    assert rows.one("SELECT job_name FROM job_executions WHERE id = %s", int(shown["id"])) == "인사 / 모으기"
    delayed = {"workflowId": "인사", "mode": "delayed", "delay": "10m"}
    later = web.ask["operator"].post("/api/workflow/execute", json=delayed).json()
    assert rows.one("SELECT available_at - created_at > '9 minutes' FROM job_executions WHERE id = %s", int(later["id"]))
    at = {"workflowId": number, "mode": "scheduled", "scheduledTime": "2026-11-21T00:00:00+09:00"}
    assert web.ask["operator"].post("/api/workflow/execute", json=at).json()["type"] == "scheduled"
    assert web.ask["operator"].post("/api/workflow/execute", json={"workflowId": "nothing"}).status_code == 404
    for wrong in ({"mode": "delayed"}, {"delay": "1m"}, {"mode": "recurring"}, {"test": True, "mode": "delayed", "delay": "1m"}):
        assert web.ask["operator"].post("/api/workflow/execute", json={"workflowId": "인사", **wrong}).status_code == 422
    assert web.ask["viewer"].post("/api/workflow/execute", json={"workflowId": "인사"}).status_code == 403


@pytest.mark.parametrize(("end", "status"), [("success", "completed"), ("failed", "failed")])
def test_a_test_run_answers_with_the_result(web: Web, rows: Rows, end: str, status: str) -> None:
    rows.add_job("한 번")
    answers = []
    asking = threading.Thread(target=lambda: answers.append(
        web.ask["operator"].post("/api/workflow/execute", json={"workflowId": "한 번", "test": True})))
    asking.start()
    number = wait_for(lambda: rows.one("SELECT id FROM job_executions"))
    rows.connection.execute("""UPDATE job_executions SET status = %s, result = '{"sent": 3}', started_at = now(),
        finished_at = now(), error_message = CASE WHEN %s = 'failed' THEN 'no network' END WHERE id = %s""", (end, end, number))
    asking.join(30)
    assert answers[0].status_code == 200
    found = answers[0].json()
    assert (found["status"], found["steps"][0]["result"], found.get("error")) == (
        status, {"sent": 3}, "no network" if end == "failed" else None)
