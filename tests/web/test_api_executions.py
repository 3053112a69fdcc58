"""Executions through REST: lists, logs, files, one-offs, another try, the end, many at once."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest

from tests.support.daemons import Rows
from tests.web.conftest import Web

PATH = "/api/v1/executions"
END = "UPDATE job_executions SET status = 'success', finished_at = now() WHERE id = %s"


def made(rows: Rows, job: int, **columns: Any) -> int:
    """Write an execution that has ended."""
    given = {"status": "failed", "started_at": "2026-11-20 09:00+09", "finished_at": "2026-11-20 09:01+09", **columns}
    names, marks = ", ".join(given), ", ".join(f"%({name})s" for name in given)
    row = rows.connection.execute(
        f"INSERT INTO job_executions (job_id, scheduled_for, {names}) VALUES ({job}, clock_timestamp(), {marks}) RETURNING id",
        given).fetchone()
    assert row is not None
    return int(row[0])


def test_lists_go_on_where_the_page_before_ended_and_count_only_when_asked(web: Web, rows: Rows) -> None:
    job = rows.add_job("재고")
    numbers = [made(rows, job) for _ in range(5)]
    first = web.ask["viewer"].get(PATH, params={"limit": 2, "status": "failed"})
    assert [each["id"] for each in first.json()["items"]] == numbers[:2:-1] and first.json()["total"] is None
    assert first.headers["link"].endswith('; rel="next"')
    going_on = {"limit": 3, "status": "failed", "cursor": first.json()["next"], "count": "exact"}
    second = web.ask["viewer"].get(PATH, params=going_on)
    assert [each["id"] for each in second.json()["items"]] == numbers[2::-1]
    assert (second.json()["next"], second.json()["total"]) == (None, 5)
    assert web.ask["viewer"].get(PATH, params={"cursor": first.json()["next"], "sort": "-finished_at"}).status_code == 400


def test_by_their_end_equal_moments_are_neither_left_out_nor_sent_twice(web: Web, rows: Rows) -> None:
    job = rows.add_job("재고")
    numbers = [made(rows, job) for _ in range(4)]
    seen, cursor = [], None
    while True:
        found = web.ask["viewer"].get(PATH, params={"limit": 1, "sort": "-finished_at", **({"cursor": cursor} if cursor else {})})
        seen += [each["id"] for each in found.json()["items"]]
        cursor = found.json()["next"]
        if cursor is None:
            break
    assert seen == numbers[::-1]


@pytest.mark.parametrize(("given", "expected"), [
    ({"status": ["failed", "queued"]}, {"old", "waiting"}), ({"status": "success"}, {"new"}), ({"market": "naver"}, {"new"}),
    ({"node": "b"}, {"new"}), ({"trigger": "retry"}, {"new"}), ({"q": "HTTP 401"}, {"old"}), ({"q": "100%"}, set()),
    ({"since": "2026-11-20T12:00:00+09:00"}, {"new", "waiting"}), ({"until": "2026-11-20T12:00:00+09:00"}, {"old"}),
    ({"job_type": "noop"}, {"old", "new", "waiting"}), ({"job_id": 9999}, set()),
])
def test_each_filter_finds_what_it_says(web: Web, rows: Rows, given: dict[str, Any], expected: set[str]) -> None:
    job = rows.add_job("재고")
    names = {
        made(rows, job, error_message="HTTP 401 인증 만료", node="a"): "old",
        made(rows, job, status="success", finished_at="2026-11-21 09:00+09", market_codes=["naver"], node="b",
             trigger="retry"): "new",
        rows.run_now(job): "waiting",
    }
    found = web.ask["viewer"].get(PATH, params=given).json()["items"]
    assert {names[each["id"]] for each in found} == expected


def test_one_execution_is_whole_and_its_secrets_are_masked(web: Web, rows: Rows) -> None:
    job = rows.add_job("재고")
    number = made(rows, job, parameters=json.dumps({"days": 1, "password": "hunter2hunter2"}),
                  result=json.dumps({"a": "x" * 5000}))
    one = web.ask["viewer"].get(f"{PATH}/{number}").json()
    assert one["parameters"] == {"days": 1, "password": "***"} and len(one["result"]["a"]) == 5000 and "token" not in one
    assert web.ask["viewer"].get(PATH).json()["items"][0]["result"] is None
    missing = web.ask["viewer"].get(f"{PATH}/999", headers={"Accept-Language": "en"})
    assert (missing.status_code, missing.json()["code"], missing.json()["detail"]) == (404, "not-found",
                                                                                        "there is no execution 999")


def test_a_one_off_now_later_or_at_a_moment(web: Web, rows: Rows) -> None:
    now = web.ask["operator"].post(PATH, json={"job_type": "echo", "parameters": {"text": "가"}, "markets": ["coupang"]})
    assert now.status_code == 202 and now.headers["location"] == f"{PATH}/{now.json()['id']}"
    assert (now.json()["status"], now.json()["parameters"], now.json()["market_codes"]) == ("queued", {"text": "가"}, ["coupang"])
    later = web.ask["operator"].post(PATH, json={"job_type": "echo", "mode": "delayed", "delay": "10m"}).json()
    assert rows.one("SELECT available_at - created_at > '9 minutes' FROM job_executions WHERE id = %s", later["id"])
    at = web.ask["operator"].post(PATH, json={"job_type": "echo", "mode": "scheduled", "run_at": "2000-01-02T00:00:00Z"})
    assert at.status_code == 202
    for wrong in ({"mode": "delayed"}, {"delay": "1m"}, {"mode": "scheduled", "run_at": "2026-12-01T09:00:00"}, {"days": 1}):
        assert web.ask["operator"].post(PATH, json={"job_type": "echo", **wrong}).status_code == 422
    assert web.ask["viewer"].post(PATH, json={"job_type": "echo"}).status_code == 403
    assert rows.all("SELECT DISTINCT action || ' ' || actor FROM audit_log") == ["execution.make operator"]


def test_parameters_are_checked_and_mighty_types_need_an_admin(web: Web, rows: Rows) -> None:
    rows.connection.execute("""INSERT INTO job_types (job_type, source, params_schema) VALUES ('echo', 'x', '{"type": "object",
        "properties": {"number": {"type": "integer"}}, "additionalProperties": false}')""")
    wrong = web.ask["operator"].post(PATH, json={"job_type": "echo", "parameters": {"numbr": 1}},
                                     headers={"Accept-Language": "en"})
    assert wrong.status_code == 422 and "number" in wrong.json()["hint"]
    statement = {"job_type": "sql_statement", "parameters": {"statement": "SELECT 1"}}
    assert web.ask["operator"].post(PATH, json=statement).status_code == 403
    assert web.ask["admin"].post(PATH, json=statement).status_code == 202
    number = rows.one("SELECT max(id) FROM job_executions")
    rows.connection.execute("UPDATE job_executions SET status = 'failed', finished_at = now() WHERE id = %s", (number,))
    assert web.ask["operator"].post(f"{PATH}/{number}/retry", json={"parameters": {"statement": "DROP"}}).status_code == 403
    assert web.ask["operator"].post(f"{PATH}/{number}/retry").status_code == 202


def test_waiting_answers_with_the_end_and_not_for_longer_than_asked(web: Web, rows: Rows) -> None:
    rows.connection.execute("""CREATE FUNCTION end_at_once() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        NEW.status := 'success'; NEW.finished_at := now(); RETURN NEW; END $$""")
    assert web.ask["operator"].post(PATH, params={"wait": 0.3}, json={"job_type": "echo"}).json()["status"] == "queued"
    rows.connection.execute("CREATE TRIGGER z BEFORE INSERT ON job_executions FOR EACH ROW EXECUTE FUNCTION end_at_once()")
    assert web.ask["operator"].post(PATH, params={"wait": 60}, json={"job_type": "echo"}).json()["status"] == "success"


def test_retry_and_cancel_and_what_cannot_be(web: Web, rows: Rows) -> None:
    job = rows.add_job("재고")
    number = made(rows, job)
    again = web.ask["operator"].post(f"{PATH}/{number}/retry", json={"parameters": {"days": 3}})
    assert again.status_code == 202 and again.json()["attempt"] == 2 and again.json()["parameters"] == {"days": 3}
    ended = web.ask["operator"].post(f"{PATH}/{again.json()['id']}/cancel", json={"reason": "잘못된 기간"})
    assert ended.status_code == 202 and (ended.json()["status"], ended.json()["cancel_reason"]) == ("cancelled", "잘못된 기간")
    assert web.ask["operator"].post(f"{PATH}/{again.json()['id']}/cancel").status_code == 409
    assert web.ask["operator"].post(f"{PATH}/999/cancel").status_code == 404
    assert rows.all("SELECT action FROM audit_log ORDER BY id") == ["execution.retry", "execution.cancel"]


def test_the_same_key_queues_one_execution(web: Web, rows: Rows) -> None:
    key = {"Idempotency-Key": "a-1"}
    first, second = (web.ask["operator"].post(PATH, json={"job_type": "echo"}, headers=key) for _ in range(2))
    assert first.json()["id"] == second.json()["id"] and rows.one("SELECT count(*) FROM job_executions") == 1
    assert web.ask["operator"].post(PATH, json={"job_type": "noop"}, headers=key).status_code == 422


def test_many_at_once_by_filter_with_what_was_expected(web: Web, rows: Rows) -> None:
    jobs = [rows.add_job(f"작업 {number}") for number in range(3)]
    failed = [made(rows, job) for job in jobs]
    rows.connection.execute("UPDATE schedule_jobs SET status = 'paused' WHERE id = %s", (jobs[2],))
    wanted = {"action": "retry", "filter": {"status": ["failed"]}, "expect": 2}
    assert web.ask["operator"].post(f"{PATH}:batch", json=wanted).status_code == 409
    assert rows.one("SELECT count(*) FROM job_executions") == 3
    answer = web.ask["operator"].post(f"{PATH}:batch", json={**wanted, "expect": 3}).json()
    assert answer["matched"] == 3 and [each["id"] for each in answer["done"]] == failed[:2]
    assert [each["id"] for each in answer["refused"]] == failed[2:] and answer["refused"][0]["detail"]
    ids = [each["execution_id"] for each in answer["done"]]
    ended = web.ask["operator"].post(f"{PATH}:batch", json={"action": "cancel", "ids": ids}).json()
    assert [each["state"] for each in ended["done"]] == ["cancelled", "cancelled"]
    assert rows.one("SELECT count(*) FROM audit_log") == 4
    for wrong in ({"action": "retry"}, {"action": "retry", "filter": {}}, {"action": "retry", "ids": [1], "filter": {"q": "x"}}):
        assert web.ask["operator"].post(f"{PATH}:batch", json=wrong).status_code == 422


def log(rows: Rows, number: int, *lines: str) -> None:
    for line in lines:
        rows.connection.execute("""INSERT INTO execution_logs (execution_id, line, logged_at, level, message)
            VALUES (%(id)s, (SELECT count(*) FROM execution_logs WHERE execution_id = %(id)s), now(), 'INFO', %(text)s)""",
                                {"id": number, "text": line})


def test_lines_come_at_once_or_as_they_are_written(web: Web, rows: Rows) -> None:
    number = rows.run_now(rows.add_job("재고"))
    log(rows, number, "하나", "둘")
    found = web.ask["viewer"].get(f"{PATH}/{number}/logs", params={"after": 0})
    assert found.headers["content-type"] == "application/x-ndjson"
    assert [json.loads(line)["message"] for line in found.text.splitlines()] == ["둘"]
    assert web.ask["viewer"].get(f"{PATH}/{number}/logs", params={"level": "ERROR"}).text == ""
    assert web.ask["viewer"].get(f"{PATH}/999/logs").status_code == 404
    seen = []
    with web.ask["viewer"].stream("GET", f"{PATH}/{number}/logs", params={"follow": True},
                                  headers={"Accept": "text/event-stream", "Last-Event-ID": "0"}) as stream:
        for line in stream.iter_lines():
            seen.append(line)
            if line == "id: 1":
                log(rows, number, "셋")
                rows.connection.execute(END, (number,))
    messages = [json.loads(line[6:])["message"] for line in seen if line.startswith('data: {"execution_id"')]
    assert messages == ["둘", "셋"] and seen[-2] == 'data: {"status":"success"}'


def test_only_files_that_the_result_names_below_our_folders_and_by_no_link(web: Web, rows: Rows) -> None:
    reports, backups = web.settings.report_dir, web.settings.backup_dir
    (reports / "sales").mkdir(parents=True)
    backups.mkdir()
    (reports / "sales" / "매출.html").write_text("<p>보고서</p>")
    (backups / "whole.dump").write_bytes(b"secret")
    (reports.parent / "outside.txt").write_text("no")
    os.symlink(reports.parent / "outside.txt", reports / "link.txt")
    os.symlink(reports.parent, reports / "up")
    number = made(rows, rows.add_job("보고서"), status="success", result=json.dumps({
        "artefacts": [{"path": str(reports / "sales" / "매출.html")}, {"path": str(reports / "link.txt")},
                      {"path": str(reports / "up" / "passwd")}, {"path": f"{reports}/../outside.txt"}, {"path": "/etc/passwd"}],
        "file": str(backups / "whole.dump")}))
    items = web.ask["viewer"].get(f"{PATH}/{number}/files").json()["items"]
    assert {each["name"]: (each["kind"], each["bytes"]) for each in items} == {
        "매출.html": ("report", 16), "link.txt": ("report", None), "passwd": ("report", None), "whole.dump": ("backup", 6)}
    href = {each["name"]: each["href"] for each in items}
    report = web.ask["viewer"].get(href["매출.html"])
    assert report.text == "<p>보고서</p>" and report.headers["content-disposition"].startswith("attachment;")
    assert report.headers["content-type"] == "application/octet-stream"
    for name in ("link.txt", "passwd"):
        assert web.ask["admin"].get(href[name]).status_code == 404
    assert web.ask["admin"].get(f"{PATH}/{number}/files/outside.txt").status_code == 404
    assert web.ask["operator"].get(href["whole.dump"]).status_code == 403
    assert web.ask["admin"].get(href["whole.dump"]).content == b"secret"
    assert rows.one("SELECT action, object_name FROM audit_log") == ("file.read", "whole.dump")


@pytest.fixture
def web(database: str, connection: Any, tmp_path: Any) -> Any:
    from tests.web.conftest import make_tokens

    make_tokens(connection)
    served = Web(database, tmp_path, report_dir=tmp_path / "reports", backup_dir=tmp_path / "backups")
    yield served
    served.close()
