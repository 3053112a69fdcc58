"""Requests that are made to break something: half ones, deep ones, masked ones, odd cursors and numbers."""

from __future__ import annotations

import base64
import json
import socket
import threading
from collections.abc import Callable
from typing import Any

import httpx
import psycopg
import pytest

from scheduler.web import connections, deeds, execution_waiting
from scheduler.web.connections import Connection
from scheduler.web.pages import locks
from tests.support.daemons import LIMIT, Rows, wait_for
from tests.web.conftest import TOKENS, Web
from tests.web.people import add_user, logged_in


def opened(web: Web, sent: bytes) -> socket.socket:
    made = socket.create_connection(("127.0.0.1", web.port), timeout=LIMIT)
    made.sendall(sent)
    return made


def is_ended(connection: socket.socket) -> bool:
    """Wait for the other side to end it."""
    try:
        while connection.recv(10_000):
            pass
        return True
    except ConnectionResetError:
        return True


@pytest.mark.parametrize("sent", [
    b"", b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n",
    b"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{",
])
def test_slowloris_half_a_request_is_ended(web: Web, sent: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "WHOLE_REQUEST_SECONDS", 0.3)
    with opened(web, sent) as slow:
        assert is_ended(slow)
    assert web.ask["none"].get("/healthz").status_code == 200


def test_slowloris_the_second_request_of_a_connection_is_watched_as_well(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
    monkeypatch.setattr(connections, "WHOLE_REQUEST_SECONDS", 0.5)
    with opened(web, whole) as slow:
        assert slow.recv(10_000).startswith(b"HTTP/1.1 200")
        slow.sendall(whole[:-2])
        assert is_ended(slow)


def test_an_answer_that_takes_longer_than_a_request_may_is_not_cut(
    web: Web, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "WHOLE_REQUEST_SECONDS", 0.2)
    job = rows.add_job("waits")
    answer = web.ask["operator"].post(f"/api/v1/jobs/{job}/run?wait=1")
    assert answer.status_code == 202 and answer.elapsed.total_seconds() > 0.9


def test_slowloris_more_connections_than_there_is_room_for_are_turned_away(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Connection, "most", 5)
    held = [opened(web, b"GET") for _ in range(20)]
    assert sum(is_ended(each) for each in held[5:]) == 15
    for each in held:
        each.close()
    wait_for(lambda: _answers(web))


def _answers(web: Web) -> bool:
    with opened(web, b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n") as asked:
        try:
            return asked.recv(1000).startswith(b"HTTP/1.1 200")
        except ConnectionResetError:
            return False


def test_whoever_hangs_up_is_not_waited_for(web: Web, rows: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    looked, given_up = threading.Event(), threading.Event()
    state, read = execution_waiting._state, execution_waiting.read

    def seen(event: threading.Event, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: Any) -> Any:
            event.set()
            return function(*given)

        return call

    monkeypatch.setattr(execution_waiting, "_state", seen(looked, state))
    monkeypatch.setattr(execution_waiting, "read", seen(given_up, read))
    job = rows.add_job("waits")
    asked = (f"POST /api/v1/jobs/{job}/run?wait=60 HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKENS['operator']}\r\n"
             "Content-Length: 0\r\n\r\n")
    with opened(web, asked.encode()):
        assert looked.wait(LIMIT)
    assert given_up.wait(LIMIT), "it still waits for sixty seconds, for nobody"


@pytest.mark.parametrize("depth", [101, 480, 900, 3000, 100_000])
def test_deeply_nested_parameters_are_refused_in_words(web: Web, rows: Rows, depth: int) -> None:
    job = rows.add_job("deep")
    text = '{"x":' + "[" * depth + "]" * depth + "}"
    answer = web.ask["operator"].post(f"/api/v1/jobs/{job}/run", content=f'{{"parameters":{text}}}',
                                      headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 422) and answer.headers["content-type"] == "application/problem+json"
    execution = web.ask["operator"].post(f"/api/v1/jobs/{job}/run").json()["id"]
    page = web.ask["operator"].post(f"/scheduler/executions/{execution}/retry", data={"parameters": text},
                                    headers={"Accept": "text/html"})
    assert page.status_code in (409, 422)


@pytest.mark.parametrize("text", ["\ud800", "a\ud83d", "\0"])
def test_a_cursor_that_no_database_can_take_is_refused(web: Web, rows: Rows, text: str) -> None:
    rows.add_job("a")
    for scope, path in (("name", "/api/v1/jobs"), ("web-jobs name False", "/scheduler/jobs")):
        cursor = base64.urlsafe_b64encode(json.dumps([scope, text, 1]).encode()).decode().rstrip("=")
        answer = web.ask["viewer"].get(path, params={"sort": "name", "cursor": cursor})
        assert answer.status_code in (200, 400), path


@pytest.mark.parametrize("number", ["²", "٣", "99999999999999999999", "-1", ""])
def test_a_revision_that_is_no_number_is_no_error_of_ours(web: Web, rows: Rows, number: str) -> None:
    job = rows.add_job("a")
    rows.connection.execute("UPDATE schedule_jobs SET owner = 'b' WHERE id = %s", (job,))
    answer = web.ask["admin"].post(f"/scheduler/job/{job}/restore", data={"revision": number}, headers={"Accept": "text/html"})
    assert answer.status_code in (303, 404, 409, 422)
    assert web.page(f"/scheduler/jobs/new?from={number}").status_code in (200, 404)


def test_a_list_below_a_korean_name_goes_on(web: Web, rows: Rows) -> None:
    job = rows.add_job("쿠팡 주문?")
    for owner in ("a", "b", "c"):
        rows.connection.execute("UPDATE schedule_jobs SET owner = %s WHERE id = %s", (owner, job))
    first = web.ask["viewer"].get("/api/v1/jobs/name:%EC%BF%A0%ED%8C%A1%20%EC%A3%BC%EB%AC%B8%3F/revisions?limit=1")
    assert first.status_code == 200
    following = web.ask["viewer"].get(first.links["next"]["url"])
    assert following.status_code == 200
    assert following.json()["items"][0]["revision"] == first.json()["items"][0]["revision"] - 1


def test_a_masked_secret_is_never_saved_over_the_real_one(
    web: Web, rows: Rows, connection: psycopg.Connection[Any]
) -> None:
    job = rows.add_job("keys", parameters='{"api_key": "real-one", "days": 1}')
    execution = web.ask["operator"].post(f"/api/v1/jobs/{job}/run").json()
    assert execution["parameters"] == {"api_key": "***", "days": 1}
    connection.execute("UPDATE job_executions SET status = 'failed', finished_at = now() WHERE id = %s", (execution["id"],))
    sent = web.ask["operator"].post(f"/api/v1/executions/{execution['id']}/retry", json={"parameters": {"api_key": "***"}})
    assert sent.status_code == 422 and "***" in sent.text
    one_off = web.ask["operator"].post("/api/v1/executions", json={"job_type": "t", "parameters": {"api_key": "***"}})
    assert one_off.status_code == 422
    page = web.ask["operator"].post(f"/scheduler/executions/{execution['id']}/retry", headers={"Accept": "text/html"},
                                    data={"parameters": '{"api_key": "***", "days": 2}'})
    assert page.status_code == 303
    kept = connection.execute("SELECT parameters FROM job_executions ORDER BY id DESC LIMIT 1").fetchone()
    assert kept is not None and kept[0] == {"api_key": "real-one", "days": 2}


def test_a_weak_tag_allows_no_change(web: Web, rows: Rows) -> None:
    job = rows.add_job("tagged")
    tag = web.ask["admin"].get(f"/api/v1/jobs/{job}").headers["ETag"]
    assert web.ask["admin"].patch(f"/api/v1/jobs/{job}", json={"owner": "a"}, headers={"If-Match": f"W/{tag}"}).status_code == 412
    assert web.ask["admin"].patch(f"/api/v1/jobs/{job}", json={"owner": "a"}, headers={"If-Match": tag}).status_code == 200


def test_an_error_nobody_foresaw_has_the_headers_of_every_answer_and_ends_no_connection(
    web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_given: Any) -> None:
        raise RuntimeError("never foreseen")

    monkeypatch.setattr(locks, "place_of", fail)
    for accept, kind in (("text/html", "text/html"), ("application/json", "application/problem+json")):
        with httpx.Client(base_url=web.url, headers={"Authorization": f"Bearer {TOKENS['viewer']}", "Accept": accept}) as client:
            answer = client.get("/scheduler/locks")
            assert answer.status_code == 500 and answer.headers["content-type"].startswith(kind)
            assert answer.headers["X-Trace-Id"] in answer.text and "never foreseen" not in answer.text
            assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
            assert answer.headers["Cache-Control"] == "no-store"
            assert client.get("/healthz").status_code == 200


def test_a_wrong_method_is_told_all_that_the_address_takes(web: Web, rows: Rows) -> None:
    job = rows.add_job("a")
    answer = web.ask["admin"].post(f"/api/v1/jobs/{job}")
    assert answer.status_code == 405 and answer.headers["Allow"] == "DELETE, GET, PATCH, PUT"


def test_a_monitor_may_ask_by_head(web: Web) -> None:
    for path in ("/healthz", "/login"):
        answer = web.ask["none"].head(path)
        assert (answer.status_code, answer.content) == (200, b"")


def test_work_that_was_committed_before_an_outage_is_not_done_twice(
    web: Web, rows: Rows, connection: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    job = rows.add_job("once")

    def away(*_given: Any) -> str:
        raise psycopg.OperationalError("server closed the connection unexpectedly")

    with monkeypatch.context() as patch:
        patch.setattr(execution_waiting, "_state", away)
        first = web.ask["operator"].post(f"/api/v1/jobs/{job}/run?wait=5", headers={"Idempotency-Key": "a"})
    assert first.status_code == 202 and first.headers["Location"] == f"/api/v1/executions/{first.json()['id']}"
    again = web.ask["operator"].post(f"/api/v1/jobs/{job}/run?wait=5", headers={"Idempotency-Key": "a"})
    assert again.json() == first.json()
    assert rows.one("SELECT count(*) FROM job_executions") == 1


def test_a_batch_that_broke_off_half_way_keeps_its_key(
    web: Web, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(25):
        rows.add_job(f"many {number}")
    run = deeds.run

    def until_the_twenty_second(connection: psycopg.Connection[Any], request: Any, job: int, *more: Any, **named: Any) -> int:
        if job > 22:
            raise psycopg.OperationalError("server closed the connection unexpectedly")
        return run(connection, request, job, *more, **named)

    asked = {"filter": {}, "action": "run", "expect": 25}
    with monkeypatch.context() as patch:
        patch.setattr(deeds, "run", until_the_twenty_second)
        first = web.ask["operator"].post("/api/v1/jobs:batch", json=asked, headers={"Idempotency-Key": "b"})
    done = rows.one("SELECT count(*) FROM job_executions")
    again = web.ask["operator"].post("/api/v1/jobs:batch", json=asked, headers={"Idempotency-Key": "b"})
    assert rows.one("SELECT count(*) FROM job_executions") == done, (first.text, again.text)
    assert again.status_code == (409 if first.status_code >= 500 else first.status_code)


def test_a_key_with_a_form_and_a_cookie_is_no_error_of_ours(web: Web, rows: Rows, connection: psycopg.Connection[Any]) -> None:
    job = rows.add_job("a")
    add_user(connection, "kim", "operator")
    with logged_in(web, "kim") as browser:
        answer = browser.client.post(f"/scheduler/jobs/{job}/run", data={"csrf": browser.csrf()},
                                     headers={"Idempotency-Key": "c", "Accept": "application/json"})
    assert answer.status_code < 500
