"""Snoozing a job and draining a node through REST and the pages: both languages, each role, on record."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest

from scheduler.web.pages.snooze import tomorrow
from tests.support.daemons import Rows
from tests.web.conftest import HTML, Web

HANGUL = re.compile("[가-힣]")
ENGLISH = {"Accept-Language": "en"}


def a_node(rows: Rows, name: str = "a", state: str = "running", silent: str = "0 s") -> None:
    rows.connection.execute(
        "INSERT INTO scheduler_nodes (instance_id, name, host, pid, version, workers, lease_seconds, state, seen_at)"
        " VALUES (gen_random_uuid(), %s, 'h', 1, '1', 4, 60, %s, now() - %s::interval)", (name, state, silent))


def an_ill_job(rows: Rows, name: str = "<i>orders</i>") -> int:
    job = rows.add_job(name, interval="1h")
    rows.connection.execute("UPDATE schedule_jobs SET consecutive_failures = 2, last_error = 'HTTP 401' WHERE id = %s", (job,))
    return job


def test_rest_snoozes_lists_and_shows_again(web: Web, rows: Rows) -> None:
    job = an_ill_job(rows, "주문/수집")
    operator, viewer = web.ask["operator"], web.ask["viewer"]
    assert viewer.post(f"/api/v1/jobs/{job}/snooze", json={"for": "1h"}).status_code == 403
    assert viewer.delete(f"/api/v1/jobs/{job}/snooze").status_code == 403
    saved = operator.post("/api/v1/jobs/name:주문%2F수집/snooze", json={"for": "PT1H", "reason": "문의함"}).json()
    assert (saved["job_id"], saved["job_name"], saved["until_fixed"], saved["by_whom"], saved["reason"]) == (
        job, "주문/수집", False, "operator", "문의함")
    assert datetime.fromisoformat(saved["until"]) > datetime.now(UTC)
    fixed = operator.post(f"/api/v1/jobs/{job}/snooze", json={"until_fixed": True}).json()
    assert fixed["until"] is None and fixed["until_fixed"] is True
    assert [each["job_id"] for each in viewer.get("/api/v1/snoozes").json()["items"]] == [job]
    assert viewer.get("/api/v1/status").json()["snoozed_jobs"] == 1
    assert operator.delete(f"/api/v1/jobs/{job}/snooze").status_code == 204
    again = operator.delete(f"/api/v1/jobs/{job}/snooze", headers=ENGLISH)
    assert again.status_code == 404 and again.json()["detail"] == f"job {job} is not snoozed"
    assert rows.all("SELECT action, object, actor, via FROM audit_log ORDER BY id") == [
        (action, f"job:{job}", "operator", "rest") for action in ("job.snooze", "job.snooze", "job.unsnooze")]


@pytest.mark.parametrize(("body", "words"), [
    ({}, "write one of for, until and until_fixed"), ({"for": "1h", "until_fixed": True}, "write one of"),
    ({"for": "P1M"}, "months"), ({"for": "400d"}, "366 days at most"), ({"for": "PT0S"}, "still to come"),
    ({"until": "2020-01-01T00:00:00Z"}, "still to come"), ({"until": "2199-01-01T00:00:00Z"}, "366 days"),
    ({"until_fixed": False}, "until_fixed"), ({"for": "1h", "reason": "x" * 501}, "reason"), ({"how": "1h"}, "how"),
])
def test_rest_refuses_in_words(web: Web, rows: Rows, body: dict[str, object], words: str) -> None:
    job = an_ill_job(rows)
    refused = web.ask["operator"].post(f"/api/v1/jobs/{job}/snooze", json=body, headers=ENGLISH)
    assert refused.status_code == 422 and refused.headers["content-type"] == "application/problem+json"
    assert words in refused.text and not HANGUL.search(refused.text)
    assert HANGUL.search(web.ask["operator"].post(f"/api/v1/jobs/{job}/snooze", json=body).text)
    assert rows.one("SELECT count(*) FROM schedule_snoozes") == 0 and rows.one("SELECT count(*) FROM audit_log") == 0


def test_a_snooze_sent_twice_is_made_once(web: Web, rows: Rows) -> None:
    job = an_ill_job(rows)
    headers = {"Idempotency-Key": "once"}
    first, second = (web.ask["operator"].post(f"/api/v1/jobs/{job}/snooze", json={"for": "1h"}, headers=headers) for _ in "12")
    assert first.json() == second.json() and second.headers["idempotency-replayed"] == "true"
    assert rows.one("SELECT count(*) FROM audit_log") == 1


def test_the_overview_offers_it_beside_each_problem_and_shows_what_is_hidden(web: Web, rows: Rows) -> None:
    a_node(rows)
    job = an_ill_job(rows)
    korean, english = web.page("/scheduler", "operator").text, web.page("/scheduler", "operator", "en").text
    for words in ("알림 끄기", "1시간", "내일 09시까지", "고칠 때까지"):
        assert words in korean
    assert f'action="/scheduler/snooze/{job}"' in english and "Until it is fixed" in english and not HANGUL.search(english)
    assert "/scheduler/snooze/" not in web.page("/scheduler", "viewer").text
    for length, shown in (("1h", "까지"), ("tomorrow", "09:00"), ("fixed", "다음에 성공할 때까지")):
        done = web.ask["operator"].post(f"/scheduler/snooze/{job}", data={"for": length, "back": "/scheduler"}, headers=HTML)
        assert (done.status_code, done.headers["location"]) == (303, "/scheduler")
        page = web.page("/scheduler", "viewer").text
        assert "알림을 끈 작업 1개 · 보기" in page and shown in page and "번 이어서 실패" not in page
        assert "알림을 끈 작업 말고는 조치할 일이 없습니다" in page and "다시 켜기" not in page
        assert "&lt;i&gt;orders" in page and "<i>" not in page
    english = web.page("/scheduler", "operator", "en").text
    assert "Snoozed jobs: 1" in english and "until it succeeds again" in english and not HANGUL.search(english)
    assert "operator" in english and f'action="/scheduler/snooze/{job}/end"' in english
    part = web.page("/scheduler/overview/now", "operator", "en").text
    assert "Snoozed jobs: 1" in part
    ended = web.ask["operator"].post(f"/scheduler/snooze/{job}/end", data={"back": "//evil"}, headers=HTML)
    assert (ended.status_code, ended.headers["location"]) == (303, "/scheduler")
    assert "번 이어서 실패" in web.page("/scheduler").text
    assert rows.all("SELECT action FROM audit_log ORDER BY id") == ["job.snooze"] * 3 + ["job.unsnooze"]


def test_the_buttons_are_refused_in_words(web: Web, rows: Rows) -> None:
    job = an_ill_job(rows)
    for path, data, status in ((f"/scheduler/snooze/{job}", {"for": "1h"}, 403), (f"/scheduler/snooze/{job}/end", {}, 403),
                               ("/scheduler/nodes/drain", {"node": "a"}, 403), ("/scheduler/nodes/undrain", {"node": "a"}, 403)):
        assert web.ask["viewer"].post(path, data=data, headers=HTML).status_code == status
    for path, data, status, words in (
        (f"/scheduler/snooze/{job}", {"for": "always"}, 422, "1h, tomorrow"), ("/scheduler/snooze/99", {"for": "1h"}, 404, "99"),
        (f"/scheduler/snooze/{job}/end", {}, 404, "is not snoozed"), ("/scheduler/nodes/drain", {"node": "x"}, 404, "no node x"),
        ("/scheduler/nodes/undrain", {"node": "x"}, 404, "node x is not drained"),
    ):
        refused = web.ask["operator"].post(path, data=data, headers={**HTML, **ENGLISH})
        assert refused.status_code == status and words in refused.text, path
        assert not HANGUL.search(refused.text.partition("<main")[2])


def test_tomorrow_is_the_next_morning_in_korea() -> None:
    for now, shown in (("2026-11-21T14:59:00+00:00", "2026-11-22T09:00:00+09:00"),      # 23:59 in Seoul
                       ("2026-11-21T15:01:00+00:00", "2026-11-23T09:00:00+09:00")):     # 00:01 in Seoul
        assert tomorrow(datetime.fromisoformat(now)).isoformat() == shown


def test_rest_drains_a_node_and_lets_it_go_on(web: Web, rows: Rows) -> None:
    a_node(rows, "node a")
    operator, viewer = web.ask["operator"], web.ask["viewer"]
    assert viewer.post("/api/v1/nodes/node%20a/drain").status_code == 403
    assert viewer.post("/api/v1/nodes/node%20a/undrain").status_code == 403
    drained = operator.post("/api/v1/nodes/node%20a/drain", json={"reason": "disk"}).json()
    assert (drained["node"], drained["drained"], drained["by_whom"], drained["reason"]) == ("node a", True, "operator", "disk")
    shown = viewer.get("/api/v1/nodes").json()["items"][0]
    assert shown["drained_by"] == "operator" and shown["drain_reason"] == "disk"
    one = viewer.get("/api/v1/nodes/node%20a").json()
    assert one["daemons"][0]["drained_since"] == shown["drained_since"] and one["running"] == []
    assert viewer.get("/api/v1/status").json()["nodes_drained"] == 1
    assert operator.post("/api/v1/nodes/node%20a/undrain").json()["drained"] is False
    for path in ("/api/v1/nodes/x/drain", "/api/v1/nodes/x/undrain", "/api/v1/nodes/node%20a/undrain"):
        refused = operator.post(path, headers=ENGLISH)
        assert refused.status_code == 404 and "node" in refused.json()["detail"] and not HANGUL.search(refused.text)
        assert HANGUL.search(operator.post(path).json()["detail"])
    assert viewer.get("/api/v1/nodes/x").status_code == 404
    assert rows.all("SELECT action, object, via FROM audit_log ORDER BY id") == [
        ("node.drain", "node:node a", "rest"), ("node.undrain", "node:node a", "rest")]


def test_the_page_of_the_nodes_drains_and_says_how_it_is(web: Web, rows: Rows) -> None:
    a_node(rows)
    a_node(rows, "off", silent="3 hours")
    shown = web.page("/scheduler/nodes", "viewer", "en").text
    assert "/scheduler/nodes/drain" not in shown and not HANGUL.search(shown)
    assert "이 노드 비우기" in web.page("/scheduler/nodes", "operator").text
    for name in ("a", "off"):
        done = web.ask["operator"].post("/scheduler/nodes/drain", data={"node": name, "reason": "<b>디스크</b>"}, headers=HTML)
        assert (done.status_code, done.headers["location"]) == (303, "/scheduler/nodes")
    for state, korean, english in (("running", "비우는 중", "draining"), ("drained", "비움", "drained")):
        rows.connection.execute("UPDATE scheduler_nodes SET state = %s WHERE name = 'a'", (state,))
        assert korean in web.page("/scheduler/nodes").text
        page = web.page("/scheduler/nodes", "operator", "en").text
        assert english in page and "Every node is drained" in page and "will take no work when it starts" in page
        assert "&lt;b&gt;" in page and "<b>디" not in page and page.count("Take work again") == 2
    overview = web.page("/scheduler", "viewer").text
    assert "모든 노드를 비워 두어 새 작업이 시작되지 않습니다: a" in overview and "실행 중, 주의 필요" in overview
    assert "every node is drained, so nothing new starts: a" in web.page("/scheduler", "viewer", "en").text
    for name in ("a", "off"):
        assert web.ask["operator"].post("/scheduler/nodes/undrain", data={"node": name}, headers=HTML).status_code == 303
    assert rows.one("SELECT count(*) FROM schedule_drains") == 0
    rows.connection.execute("UPDATE scheduler_nodes SET state = 'draining' WHERE name = 'a'")
    assert "멈추는 중" in web.page("/scheduler/nodes").text and "stopping" in web.page("/scheduler/nodes", language="en").text
