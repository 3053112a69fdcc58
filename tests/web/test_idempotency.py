"""A POST that is sent again is answered again and done once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from psycopg.types.json import Jsonb

from scheduler.web.idempotency import keep_no_answer
from tests.support.daemons import Rows, wait_for
from tests.web.conftest import Web

JOB = {"name": "주문", "job_type": "order_collection", "interval": "30m"}


def _post(web: Web, key: str, body: Any, role: str = "admin", path: str = "/api/v1/jobs", **given: Any) -> Any:
    return web.ask[role].post(path, json=body, headers={"Idempotency-Key": key, "Accept-Language": "en"}, **given)


def test_the_same_request_is_done_once_and_answered_alike(web: Web, rows: Rows) -> None:
    first, second = _post(web, "a-1", JOB), _post(web, "a-1", JOB)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.content == second.content and second.headers["idempotency-replayed"] == "true"
    assert {name: first.headers[name] for name in ("etag", "location")} == {
        name: second.headers[name] for name in ("etag", "location")}
    assert "idempotency-replayed" not in first.headers
    assert rows.one("SELECT count(*) FROM schedule_jobs") == 1
    assert rows.one("SELECT count(*) FROM audit_log") == 1


def test_another_body_with_the_same_key_is_refused(web: Web, rows: Rows) -> None:
    _post(web, "b", JOB)
    other = _post(web, "b", JOB | {"name": "다른"})
    assert other.status_code == 422 and "another request" in other.json()["detail"]
    assert other.json()["errors"][0]["pointer"] == "/Idempotency-Key"
    elsewhere = _post(web, "b", {}, path="/api/v1/jobs/1/pause")
    assert elsewhere.status_code == 422
    assert rows.one("SELECT count(*) FROM schedule_jobs") == 1


def test_one_that_is_still_at_work_is_refused(web: Web, rows: Rows) -> None:
    job = rows.add_job("느린")
    with ThreadPoolExecutor(1) as pool:
        with rows.connection.transaction():
            rows.connection.execute("SELECT FROM schedule_jobs WHERE id = %s FOR UPDATE", (job,))
            first = pool.submit(_post, web, "c", {}, "operator", f"/api/v1/jobs/{job}/pause")
            wait_for(lambda: rows.one("SELECT count(*) FROM web_replies WHERE status IS NULL"))
            again = _post(web, "c", {}, "operator", f"/api/v1/jobs/{job}/pause")
            assert again.status_code == 409 and "still at work" in again.json()["detail"]
        assert first.result().status_code == 200


def test_of_many_at_once_only_one_is_done(web: Web, rows: Rows) -> None:
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: _post(web, "many", JOB).status_code, range(6)))
    assert answers.count(201) >= 1 and set(answers) <= {201, 409}
    assert rows.one("SELECT count(*) FROM schedule_jobs") == 1


def test_what_was_refused_may_be_sent_again(web: Web, rows: Rows) -> None:
    job = rows.add_job("멈춘", status="paused")
    path = f"/api/v1/jobs/{job}/run"
    assert _post(web, "d", None, "operator", path).status_code == 409
    rows.connection.execute("UPDATE schedule_jobs SET status = 'active' WHERE id = %s", (job,))
    assert _post(web, "d", None, "operator", path).status_code == 202
    assert _post(web, "d", None, "operator", path).headers["idempotency-replayed"] == "true"
    assert rows.one("SELECT count(*) FROM job_executions") == 1


def test_a_key_belongs_to_who_sent_it_and_rights_come_first(web: Web, rows: Rows) -> None:
    job = rows.add_job("작업")
    path = f"/api/v1/jobs/{job}/run"
    assert _post(web, "e", None, "admin", path).status_code == 202
    assert _post(web, "e", None, "operator", path).status_code == 202
    assert rows.one("SELECT count(*) FROM job_executions") == 2
    assert _post(web, "e", None, "viewer", path).status_code == 403
    assert _post(web, "e", None, "none", path).status_code == 401


@pytest.mark.parametrize("key", ["", "a b", "x" * 256, "빈"])
def test_a_key_that_is_none_is_refused(web: Web, key: str) -> None:
    answer = web.ask["admin"].post("/api/v1/jobs", json=JOB, headers=[(b"Idempotency-Key", key.encode())])
    assert answer.status_code == 400 and answer.json()["code"] == "malformed"


def test_a_key_lapses_after_a_day_and_old_ones_go(web: Web, rows: Rows) -> None:
    _post(web, "f", JOB)
    rows.connection.execute("UPDATE web_replies SET created_at = now() - interval '25 hours'")
    again = _post(web, "f", JOB)
    assert again.status_code == 409 and again.json()["errors"][0] == {
        "pointer": "/name", "in": "body", "code": "taken", "message": "a job of that name exists already",
        "href": "/scheduler/jobs/%EC%A3%BC%EB%AC%B8"}
    assert rows.one("SELECT count(*) FROM web_replies") == 0


def test_an_answer_with_a_secret_in_it_is_not_kept(web: Web, rows: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    from scheduler.web.api import jobs

    make = jobs.job_deeds.add

    def add(connection: Any, request: Any, body: Any) -> int:
        keep_no_answer(request)
        return make(connection, request, body)

    monkeypatch.setattr(jobs.job_deeds, "add", add)
    assert _post(web, "g", JOB).status_code == 201
    assert rows.all("SELECT status, body FROM web_replies") == [(201, None)]
    again = _post(web, "g", JOB)
    assert again.status_code == 409 and "not shown again" in again.json()["detail"]


def test_a_request_that_broke_off_is_not_done_again(web: Web, rows: Rows) -> None:
    _post(web, "h", JOB)
    rows.connection.execute("UPDATE web_replies SET status = NULL, headers = %s, body = NULL", (Jsonb({}),))
    assert _post(web, "h", JOB).status_code == 409
    assert rows.one("SELECT count(*) FROM schedule_jobs") == 1
