"""What is done with a job over REST, and what is asked about it."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from scheduler.queries.rest_jobs import STATS
from tests.support.daemons import Rows, wait_for
from tests.web.conftest import Web

PATH = "/api/v1/jobs"
ENGLISH = {"Accept-Language": "en"}


def _do(web: Web, job: int, what: str, body: Any = None, role: str = "operator", **given: Any) -> httpx.Response:
    return web.ask[role].post(f"{PATH}/{job}/{what}", json=body, headers=ENGLISH, **given)


def _ago(**length: float) -> str:
    return (datetime.now(UTC) - timedelta(**length)).isoformat()


def test_a_job_is_run_with_parameters_that_are_merged(web: Web, rows: Rows) -> None:
    job = rows.add_job("주문", parameters='{"days": 1, "all": true}', market_codes=["coupang"])
    answer = _do(web, job, "run", {"parameters": {"days": 3}, "markets": ["naver"]})
    made = answer.json()
    assert answer.status_code == 202 and answer.headers["location"] == f"/api/v1/executions/{made['id']}"
    assert (made["status"], made["parameters"], made["market_codes"]) == ("queued", {"days": 3, "all": True}, ["naver"])
    assert rows.one("SELECT object FROM audit_log WHERE action = 'job.run'") == f"job:{job}"
    later = _do(web, job, "run", {"delay": "PT10M"}).json()
    assert datetime.fromisoformat(later["available_at"]) > datetime.now(UTC) + timedelta(minutes=9)
    assert _do(web, job, "run", {"delay": "10m", "markets": ["naver"]}).status_code == 422
    rows.connection.execute("UPDATE schedule_jobs SET status = 'paused'")
    refused = _do(web, job, "run")
    assert refused.status_code == 409 and refused.json()["detail"] == f'job {job} "주문" is paused'
    assert refused.json()["code"] == "not-now" and "schedule_resume" in refused.json()["hint"]


def test_whoever_waits_is_answered_when_it_has_ended(web: Web, rows: Rows) -> None:
    job = rows.add_job("주문")

    def end() -> None:
        number = wait_for(lambda: rows.one("SELECT max(id) FROM job_executions"))
        rows.connection.execute("UPDATE job_executions SET status = 'success', started_at = now(), finished_at = now() "
                                "WHERE id = %s", (number,))

    with ThreadPoolExecutor(1) as pool:
        ending = pool.submit(end)
        answer = _do(web, job, "run", params={"wait": 30})
        ending.result()
    assert answer.status_code == 202 and answer.json()["status"] == "success"
    assert _do(web, job, "run", params={"wait": 0.3}).json()["status"] == "queued"
    assert _do(web, job, "run", params={"wait": 61}).status_code == 422


def test_what_does_anything_at_all_is_given_parameters_by_admins_only(web: Web, rows: Rows) -> None:
    job = rows.add_job("SQL", "sql_statement", parameters='{"statement": "SELECT 1"}')
    assert _do(web, job, "run", {"parameters": {"statement": "DROP TABLE x"}}).status_code == 403
    assert _do(web, job, "run").status_code == 202


def test_a_job_is_paused_for_a_while_and_resumed(web: Web, rows: Rows) -> None:
    job = rows.add_job("주문", interval="30m")
    paused = _do(web, job, "pause", {"duration": "2h", "reason": "점검"}).json()
    assert (paused["status"], paused["pause_reason"]) == ("paused", "점검")
    assert timedelta(minutes=119) < datetime.fromisoformat(paused["paused_until"]) - datetime.now(UTC) < timedelta(minutes=121)
    assert _do(web, job, "pause", {"until": _ago(hours=1)}).status_code == 422
    assert _do(web, job, "pause", {"until": "2030-01-01T00:00:00+09:00", "duration": "2h"}).status_code == 422
    resumed = _do(web, job, "resume", {"run_missed": True}).json()
    assert (resumed["status"], resumed["paused_until"], resumed["execution_id"]) == ("active", None, None)
    assert rows.all("SELECT action FROM audit_log ORDER BY id") == ["job.pause", "job.resume"]


def test_a_new_kind_of_schedule_takes_the_place_of_the_former(web: Web, rows: Rows) -> None:
    job = rows.add_job("주문", interval="30m", days_of_week="mon-fri")
    found = _do(web, job, "reschedule", {"specific_times": ["09:00", "18:00"]}, "admin").json()
    assert (found["interval"], found["specific_times"], found["days_of_week"]) == (None, ["09:00:00", "18:00:00"], "mon-fri")
    assert _do(web, job, "reschedule", {}, "admin").status_code == 422
    assert _do(web, job, "reschedule", {"interval": "1h", "cron_expression": "0 9 * * *"}, "admin").status_code == 422
    stale = web.ask["admin"].post(f"{PATH}/{job}/reschedule", json={"interval": "1h"}, headers={"If-Match": '"1"'})
    assert stale.status_code == 412
    assert rows.one("SELECT before -> 'interval' FROM audit_log WHERE action = 'job.reschedule'") is None


def test_a_copy_is_made_paused_with_what_it_waits_for(web: Web, rows: Rows) -> None:
    first = rows.add_job("먼저")
    job = rows.add_job("주문", interval="30m", parameters='{"a": 1}', tags=["x"])
    rows.connection.execute("INSERT INTO job_dependencies (job_id, depends_on) VALUES (%s, %s)", (job, first))
    answer = _do(web, job, "duplicate", role="admin")
    made = answer.json()
    assert answer.status_code == 201 and answer.headers["location"] == f"{PATH}/{made['id']}"
    assert (made["name"], made["status"], made["interval"], made["parameters"], made["tags"]) == (
        "주문 (2)", "paused", "00:30:00", {"a": 1}, ["x"])
    assert made["after"][0]["job"] == "먼저"
    assert _do(web, job, "duplicate", role="admin").json()["name"] == "주문 (3)"
    assert _do(web, job, "duplicate", {"name": "새것", "paused": False}, "admin").json()["status"] == "active"
    assert _do(web, job, "duplicate", {"name": "먼저"}, "admin").status_code == 409


def test_the_past_is_run_after_all_once(web: Web, rows: Rows) -> None:
    job = rows.add_job("주문", interval="1h")
    period = {"from": _ago(hours=5), "to": _ago(minutes=1)}
    tried = _do(web, job, "backfill", period | {"dry_run": True}).json()
    assert len(tried["planned"]) in (4, 5) and tried["executions"] == []
    assert rows.one("SELECT count(*) FROM job_executions") == 0
    done = _do(web, job, "backfill", period)
    assert done.status_code == 202 and len(done.json()["executions"]) == len(tried["planned"])
    again = _do(web, job, "backfill", period).json()
    assert again["executions"] == [] and len(again["known"]) == len(tried["planned"])
    assert rows.all("SELECT DISTINCT trigger, priority FROM job_executions") == [("backfill", -10)]
    assert _do(web, job, "backfill", {"from": _ago(hours=1), "to": _ago(hours=-1)}).status_code == 422
    assert _do(web, job, "backfill", {"from": _ago(days=3000), "to": _ago(minutes=1)}).status_code == 422


def test_the_next_times_say_why_some_do_not_run(web: Web, rows: Rows) -> None:
    job = rows.add_job("마감", specific_times=["09:00"], calendar="kr", on_holiday="skip")
    found = web.ask["viewer"].get(f"{PATH}/{job}/next?count=8", headers=ENGLISH).json()["items"]
    assert sum(each["run_at"] is not None for each in found) == 8
    left_out = [each for each in found if each["run_at"] is None]
    assert left_out and all(each["reason"] and each["words"].isascii() for each in left_out)
    start = web.ask["viewer"].get(f"{PATH}/{job}/next", params={"count": 1, "from": "2027-03-02T00:00:00+09:00"}).json()["items"]
    assert start[-1]["run_at"] == "2027-03-02T00:00:00+00:00"


def test_the_numbers_of_a_job_by_day_and_its_executions(web: Web, rows: Rows) -> None:
    job = rows.add_job("주문")
    for number, status in enumerate(("success", "success", "failed", "skipped")):
        rows.connection.execute(
            "INSERT INTO job_executions (job_id, status, started_at, finished_at, duration_ms, scheduled_for) "
            "VALUES (%s, %s, now(), now(), 100, now() - %s * interval '1 minute')", (job, status, number))
    found = web.ask["viewer"].get(f"{PATH}/{job}/stats").json()
    assert found["job_id"] == job and found["p50_ms"] == 100
    day = found["days"][0]
    assert (day["ended"], day["succeeded"], day["failed"], day["skipped"]) == (4, 2, 1, 1)
    first = web.ask["viewer"].get(f"{PATH}/{job}/executions?limit=3")
    assert [each["status"] for each in first.json()["items"]] == ["skipped", "failed", "success"]
    rest = web.ask["viewer"].get(first.headers["link"].split(">")[0][1:]).json()
    assert len(rest["items"]) == 1 and rest["next"] is None
    assert web.ask["viewer"].get(f"{PATH}/{job}/executions?count=exact&limit=1").json()["total"] == 4


def test_the_numbers_are_read_by_an_index(web: Web, rows: Rows) -> None:
    job = rows.add_job("주문")
    rows.connection.execute("INSERT INTO job_executions (job_id, status, started_at, finished_at, scheduled_for) "
                            "SELECT %s, 'success', now() - n * interval '1 min', now() - n * interval '1 min', "
                            "now() - n * interval '1 min' FROM generate_series(1, 5000) AS n", (job,))
    rows.connection.execute("ANALYZE job_executions")
    plan = str(rows.all("EXPLAIN " + STATS.replace("%(job_id)s", str(job)).replace("%(days)s", "1").replace("%(most)s", "100")))
    assert "Index" in plan and "Seq Scan" not in plan


def test_why_a_job_does_not_run(web: Web, rows: Rows) -> None:
    job = rows.add_job("주문", interval="30m", status="paused")
    found = web.ask["viewer"].get(f"{PATH}/{job}/why", headers=ENGLISH).json()["items"]
    assert found[0]["rank"] == 1 and found[0]["cause"] == "paused" and found[0]["words"] == found[0]["en"]
    past = web.ask["viewer"].get(f"{PATH}/{job}/why", params={"at": _ago(days=1)})
    assert past.status_code == 200 and past.json()["items"]
    assert web.ask["viewer"].get(f"{PATH}/{job}/why?at=yesterday").status_code == 422


def test_nobody_who_waits_keeps_others_from_being_served(web: Web, rows: Rows) -> None:
    job = rows.add_job("주문")
    many = [threading.Thread(target=_do, args=(web, job, "run"), kwargs={"params": {"wait": 3}}) for _ in range(20)]
    for each in many:
        each.start()
    wait_for(lambda: rows.one("SELECT count(*) FROM job_executions") == 20)
    assert web.ask["viewer"].get(PATH).elapsed < timedelta(seconds=2)
    for each in many:
        each.join()
