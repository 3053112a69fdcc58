"""Many jobs at once over REST, all jobs as a document, and workflows."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
import yaml

from tests.support.daemons import Rows, wait_for
from tests.web.conftest import Web

BATCH = "/api/v1/jobs:batch"
IMPORT = "/api/v1/jobs/import"
ENGLISH = {"Accept-Language": "en"}
DOCUMENT = """version: 1
jobs:
  - name: 주문
    type: order_collection
    schedule: {every: 30m}
    parameters: {days: 1}
  - name: 재고
    type: stock_sync
    after: [주문]
"""


def _batch(web: Web, body: Any, role: str = "operator") -> httpx.Response:
    return web.ask[role].post(BATCH, json=body, headers=ENGLISH)


def _import(web: Web, text: str, **query: Any) -> httpx.Response:
    return web.ask["admin"].post(IMPORT, content=text.encode(), params=query,
                                 headers=ENGLISH | {"Content-Type": "application/yaml"})


def test_all_of_a_filter_are_paused_when_they_are_as_many_as_expected(web: Web, rows: Rows) -> None:
    for number in range(4):
        rows.add_job(f"작업 {number}", "a" if number else "b")
    moved = _batch(web, {"filter": {"job_type": "a"}, "action": "pause", "expect": 4})
    assert moved.status_code == 409 and moved.json()["detail"] == "they are 3 now, not 4; nothing was done"
    assert rows.one("SELECT count(*) FROM schedule_jobs WHERE status = 'paused'") == 0
    done = _batch(web, {"filter": {"job_type": "a"}, "action": "pause", "expect": 3, "reason": "점검"}).json()
    assert done["matched"] == 3 and [each["status"] for each in done["done"]] == ["paused"] * 3 and done["refused"] == []
    assert rows.one("SELECT count(*) FROM audit_log WHERE action = 'job.pause'") == 3


def test_one_that_cannot_be_is_named_and_keeps_no_other_from_its_turn(web: Web, rows: Rows) -> None:
    first, paused, last = rows.add_job("하나"), rows.add_job("둘", status="paused"), rows.add_job("셋")
    done = _batch(web, {"ids": [last, paused, first], "action": "run"}).json()
    assert [each["id"] for each in done["done"]] == [first, last]
    assert done["refused"] == [{"id": paused, "detail": f'job {paused} "둘" is paused'}]
    assert rows.one("SELECT count(*) FROM job_executions") == 2
    assert _batch(web, {"ids": [first, 999], "action": "run"}).status_code == 409
    resumed = _batch(web, {"ids": [paused], "action": "resume"}).json()
    assert resumed["done"][0]["status"] == "active"


def test_a_large_batch_holds_few_rows_at_a_time(web: Web, rows: Rows) -> None:
    jobs = [rows.add_job(f"작업 {number}", interval="30m") for number in range(45)]
    with ThreadPoolExecutor(1) as pool:
        with rows.connection.transaction():
            rows.connection.execute("SELECT FROM schedule_jobs WHERE id = %s FOR UPDATE", (jobs[-1],))
            batch = pool.submit(_batch, web, {"filter": {}, "expect": 45, "action": "pause"})
            wait_for(lambda: rows.one("SELECT count(*) FROM schedule_jobs WHERE status = 'paused'") == 40)
            rows.connection.execute("SELECT FROM schedule_jobs WHERE id = ANY (%s) FOR UPDATE NOWAIT", (jobs[:40],))
        done = batch.result().json()
    assert len(done["done"]) == 45 and rows.one("SELECT count(*) FROM audit_log") == 45


def test_deleting_and_setting_need_an_admin(web: Web, rows: Rows) -> None:
    job, other = rows.add_job("하나"), rows.add_job("둘")
    for body in ({"ids": [job], "action": "delete"}, {"ids": [job], "action": "set", "set": {"priority": 5}}):
        assert _batch(web, body).status_code == 403
    done = _batch(web, {"ids": [job, other], "action": "set", "set": {"max_retries": 5, "interval": "1m"}}, "admin").json()
    assert done["done"] == [] and "interval 00:01:00 is not between" in done["refused"][0]["detail"]
    done = _batch(web, {"ids": [job, other], "action": "set", "set": {"max_retries": 5, "after": []}}, "admin").json()
    assert [each["revision"] for each in done["done"]] == [2, 2]
    assert rows.one("SELECT sum(max_retries) FROM schedule_jobs") == 10
    gone = _batch(web, {"filter": {}, "action": "delete", "expect": 2}, "admin").json()
    assert [each["name"] for each in gone["done"]] == ["하나", "둘"] and rows.one("SELECT count(*) FROM schedule_jobs") == 0


@pytest.mark.parametrize("body", [
    {"action": "pause"}, {"action": "pause", "filter": {}}, {"action": "pause", "filter": {}, "ids": [1], "expect": 1},
    {"action": "pause", "ids": []}, {"action": "fly", "ids": [1]}, {"action": "set", "ids": [1]},
    {"action": "set", "ids": [1], "set": {"name": "x"}}, {"action": "pause", "filter": {"nonsense": 1}},
    {"action": "pause", "ids": [1], "set": {"priority": 1}}, {"action": "pause", "ids": [2**63]},
])
def test_a_batch_that_says_too_little_or_too_much_is_refused(web: Web, rows: Rows, body: Any) -> None:
    rows.add_job("하나")
    assert _batch(web, body).status_code == 422
    assert rows.one("SELECT status FROM schedule_jobs") == "active"


def test_a_document_is_planned_imported_and_exported_alike(web: Web, rows: Rows) -> None:
    planned = _import(web, DOCUMENT, dry_run=True).json()
    assert [(each["action"], each["name"]) for each in planned["changes"]] == [("add", "재고"), ("add", "주문")]
    assert rows.one("SELECT count(*) FROM schedule_jobs") == 0
    assert _import(web, DOCUMENT, expect=5).status_code == 409
    done = _import(web, DOCUMENT, expect=2)
    assert done.status_code == 200 and done.json()["changes"] == planned["changes"]
    assert _import(web, DOCUMENT).json()["changes"] == []
    exported = web.ask["viewer"].get("/api/v1/jobs/export")
    assert exported.headers["content-type"].startswith("application/yaml")
    assert [each["name"] for each in yaml.safe_load(exported.text)["jobs"]] == ["재고", "주문"]
    assert _import(web, exported.text).json()["changes"] == []
    as_json = web.ask["viewer"].get("/api/v1/jobs/export?format=json&name=주문")
    assert [each["name"] for each in as_json.json()["jobs"]] == ["주문"]
    again = web.ask["admin"].post(IMPORT, json=as_json.json(), params={"prune": True, "dry_run": True}).json()
    assert [(each["action"], each["name"]) for each in again["changes"]] == [("remove", "재고")]
    assert rows.all("SELECT action, object FROM audit_log ORDER BY object") == [
        ("job.import", "job:재고"), ("job.import", "job:주문")]
    assert web.ask["viewer"].get("/api/v1/jobs/export?name=nowhere").status_code == 422


@pytest.mark.parametrize(("text", "pointer"), [
    ("version: 2", "/version"), ("version: 1\njobs:\n  - name: a\n", "/a/type"), ("- 1", ""), ("{", ""), ("", ""),
    ("version: 1\njobs:\n  - {name: a, type: b, schedule: {every: 1s}}", "/a/schedule"),
    ('{"version": 1, "jobs": [{"name": "a", "type": "b", "parameters": {"x": "\\ud800"}}]}', ""),
    ("version: 1\njobs:\n  - {name: a, type: b, parameters: {api_key: '***'}}", "/a/parameters"),
])
def test_a_document_with_faults_changes_nothing(web: Web, rows: Rows, text: str, pointer: str) -> None:
    answer = _import(web, text)
    problem = answer.json()
    assert answer.status_code == 422 and problem["errors"][0]["pointer"] == pointer, problem
    assert rows.one("SELECT count(*) FROM schedule_jobs") == 0
    assert web.ask["admin"].post(IMPORT, content=b"\xff\xfe").status_code == 400


def test_a_job_is_tried_out_and_nothing_is_kept(web: Web, rows: Rows) -> None:
    body = {"name": "주문", "job_type": "order_collection", "specific_times": ["09:00"]}
    found = web.ask["operator"].post("/api/v1/jobs/validate", json=body, headers=ENGLISH).json()
    assert found["valid"] is True and found["schedule"] == "daily at 09:00" and len(found["next"]) == 5
    wrong = web.ask["operator"].post("/api/v1/jobs/validate", json=body | {"interval": "1m"})
    assert wrong.status_code == 422 and len(wrong.json()["errors"]) == 2
    for table in ("schedule_jobs", "job_revisions"):
        assert rows.one(f"SELECT count(*) FROM {table}") == 0


def test_a_workflow_is_saved_changed_run_and_deleted(web: Web, rows: Rows) -> None:
    path = "/api/v1/workflows/아침 수집"
    body: dict[str, Any] = {"steps": [{"name": "orders", "job_type": "order_collection"},
                                      {"name": "stock", "job_type": "stock_sync", "after": ["orders"]}]}
    schedule = {"mode": "recurring", "every": "daily", "at": "09:00"}
    made = web.ask["admin"].put(path, json=body | {"schedule": schedule}, headers=ENGLISH)
    assert made.status_code == 201, made.text
    assert [each["name"] for each in made.json()["jobs"]] == ["orders", "stock"]
    assert web.ask["viewer"].get(path).headers["etag"] == made.headers["etag"]
    assert web.ask["viewer"].get("/api/v1/workflows").json()["total"] == 1
    assert web.ask["admin"].put(path, json=body).status_code == 428
    stale = web.ask["admin"].put(path, json=body, headers={"If-Match": '"0"'})
    assert stale.status_code == 412 and stale.json()["current"]["name"] == "아침 수집"
    changed = web.ask["admin"].put(path, json={"steps": body["steps"][:1], "schedule": schedule, "status": "paused"},
                                   headers={"If-Match": made.headers["etag"]})
    assert changed.status_code == 200 and changed.json()["status"] == "paused" and len(changed.json()["jobs"]) == 1
    assert web.ask["operator"].post(f"{path}/run").status_code == 409
    web.ask["admin"].put(path, json=body | {"status": "active"}, headers={"If-Match": changed.headers["etag"]})
    run = web.ask["operator"].post(f"{path}/run")
    assert run.status_code == 202 and run.json()["executions"][0]["step"] == "orders"
    assert run.headers["location"].endswith(str(run.json()["executions"][0]["execution_id"]))
    assert web.ask["operator"].delete(path).status_code == 403
    assert web.ask["admin"].delete(path).status_code == 204 and web.ask["viewer"].get(path).status_code == 404
    assert rows.all("SELECT action FROM audit_log ORDER BY id") == ["workflow.save"] * 3 + ["workflow.run", "workflow.remove"]


def test_a_wrong_workflow_is_refused_with_every_fault(web: Web) -> None:
    body = {"steps": [{"name": "a"}, {"name": "a", "job_type": "x", "after": ["b"]}]}
    answer = web.ask["admin"].put("/api/v1/workflows/x", json=body, headers=ENGLISH)
    assert answer.status_code == 422 and len(answer.json()["errors"]) >= 2, json.dumps(answer.json())
    assert web.ask["viewer"].get("/api/v1/workflows/a%00").status_code == 404
    assert web.ask["viewer"].get("/api/v1/workflows/아").status_code == 404


def test_many_get_another_time_out_or_are_archived(web: Web, rows: Rows) -> None:
    job, other = rows.add_job("하나"), rows.add_job("둘")
    for body in ({"ids": [job], "action": "timeout", "timeout_minutes": 5}, {"ids": [job], "action": "archive"}):
        assert _batch(web, body).status_code == 403
    for body in ({"ids": [job], "action": "timeout"}, {"ids": [job], "action": "run", "timeout_minutes": 5},
                 {"ids": [job], "action": "timeout", "timeout_minutes": 0}):
        assert _batch(web, body, "admin").status_code == 422
    done = _batch(web, {"filter": {}, "expect": 2, "action": "timeout", "timeout_minutes": 45.5}, "admin").json()
    assert [each["revision"] for each in done["done"]] == [2, 2]
    assert rows.all("SELECT DISTINCT timeout_minutes FROM schedule_jobs") == [45.5]
    gone = _batch(web, {"ids": [job, other], "action": "archive"}, "admin").json()
    assert [each["name"] for each in gone["done"]] == ["하나", "둘"] and rows.one("SELECT count(*) FROM schedule_jobs") == 0
    assert rows.all("SELECT action FROM audit_log ORDER BY id") == ["job.edit"] * 2 + ["job.remove"] * 2
