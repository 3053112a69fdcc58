"""Deeds on many jobs from the list: what each asks for, how far it is, what it refuses, and files of what matches."""

from __future__ import annotations

import csv
import io
import re
from typing import Any

import httpx
import pytest
import yaml

from scheduler.queries import filtered_executions
from scheduler.web import bulk
from scheduler.web.pages import executions, executions_export
from tests.support.daemons import Rows, wait_for
from tests.web.conftest import HTML, Web
from tests.web.test_executions_page import an_execution

PATH = "/scheduler/jobs-bulk"
ENGLISH = {**HTML, "Accept-Language": "en"}
HANGUL = re.compile(r"[가-힣]")


def send(web: Web, action: str, expect: int, role: str = "admin", query: str = "", **more: Any) -> httpx.Response:
    data = {"action": action, "all": "true", "expect": str(expect), **more}
    return web.ask[role].post(PATH + query, data=data, headers=ENGLISH)


def told(web: Web, answer: httpx.Response, role: str = "admin", language: str = "en") -> str:
    assert answer.status_code == 303, answer.text
    return web.page(answer.headers["location"], role, language).text


def add_many(rows: Rows, count: int) -> None:
    rows.connection.execute("INSERT INTO schedule_jobs (name, job_type) SELECT 'job ' || n, 'noop'"
                            " FROM generate_series(1, %s) AS n", (count,))


def test_a_pause_of_many_has_an_end_and_a_reason(web: Web, rows: Rows) -> None:
    rows.add_job("a")
    rows.add_job("b", status="paused")
    asked = web.page(f"{PATH}?action=pause&all=true", "operator", "en").text
    assert 'name="until"' in asked and 'name="reason"' in asked and 'name="for"' in asked and not HANGUL.search(asked)
    past = send(web, "pause", 2, until="2020-01-01T00:00", reason="stocktaking")
    assert past.status_code == 422 and "that is over already" in past.text and 'value="stocktaking"' in past.text
    assert send(web, "pause", 2, until="soon").status_code == 422
    page = told(web, send(web, "pause", 2, "operator", **{"for": "3h", "reason": "stocktaking"}), "operator")
    assert "2 done" in page
    kept = rows.all("SELECT pause_reason || ' ' || (paused_until BETWEEN now() + interval '2 h' AND now() + interval '4 h')"
                    " FROM schedule_jobs ORDER BY name")
    assert kept == ["stocktaking true", "stocktaking true"]


def test_a_time_out_of_many_is_an_admins_and_each_refusal_is_told(web: Web, rows: Rows) -> None:
    rows.add_job("a")
    broken = rows.add_job("b")
    rows.connection.execute("ALTER TABLE schedule_jobs ADD CONSTRAINT short CHECK (name <> 'b' OR timeout_minutes < 40)")
    assert send(web, "timeout", 2, "operator", minutes="45").status_code == 403
    assert web.page(f"{PATH}?action=timeout&all=true", "operator").status_code == 403
    listed = web.page("/scheduler/jobs", "operator").text
    offered = [f'name="action" value="{action}"' in listed for action in ("pause", "timeout", "archive")]
    assert offered == [True, False, False]
    for minutes in ("", "0", "-1", "nan", "inf", "100000", "x"):
        wrong = send(web, "timeout", 2, minutes=minutes)
        assert wrong.status_code == 422 and "at most 10080 minutes" in wrong.text
    page = told(web, send(web, "timeout", 2, minutes="45"))
    assert "1 done" in page and "1 not done" in page and f'href="/scheduler/jobs/{broken}"' in page
    assert rows.all("SELECT name || ' ' || timeout_minutes FROM schedule_jobs ORDER BY name") == ["a 45", "b 30"]
    assert rows.all("SELECT action FROM audit_log") == ["job.edit"]


def test_archived_jobs_leave_the_list_and_keep_their_history(web: Web, rows: Rows) -> None:
    job = rows.add_job("old", tags=["x"])
    rows.add_job("kept")
    an_execution(rows, job, "success")
    asked = web.page(f"{PATH}?action=archive&all=true&tag=x").text
    assert "작업 1개: 보관" in asked and "실행 기록은 남고" in asked and 'class="danger"' in asked
    assert send(web, "archive", 1, "operator", "?tag=x").status_code == 403
    assert "1 done" in told(web, send(web, "archive", 1, query="?tag=x"))
    assert rows.all("SELECT name FROM schedule_jobs WHERE NOT hidden") == ["kept"]
    assert rows.one("SELECT count(*) FROM job_executions") == 1 and rows.one("SELECT action FROM audit_log") == "job.remove"
    add_many(rows, 11)
    assert send(web, "archive", 12).status_code == 422
    assert "12 done" in told(web, send(web, "archive", 12, typed="12"))


def test_missed_runs_are_made_up_for_when_a_resume_says_so(web: Web, rows: Rows) -> None:
    rows.add_job("a", interval="1 hour", status="paused")
    assert 'name="run_missed"' in web.page(f"{PATH}?action=resume&all=true", "operator").text
    assert "1 done" in told(web, send(web, "resume", 1, run_missed="true"))
    assert rows.one("SELECT after ->> 'run_missed' FROM audit_log") == "true"


def test_many_go_on_after_the_answer_and_the_page_shows_how_far_they_are(web: Web, rows: Rows) -> None:
    count = bulk.AT_ONCE * 2 + 5
    add_many(rows, count)
    last = rows.one("SELECT max(id) FROM schedule_jobs")
    with rows.connection.transaction():
        rows.connection.execute("SELECT FROM schedule_jobs WHERE id = %s FOR UPDATE", (last,))
        began = send(web, "pause", count, "operator", typed=str(count))
        wait_for(lambda: f"{bulk.AT_ONCE * 2} of {count} are through" in told(web, began, "operator"))
        running = told(web, began, "operator")
        assert f'<progress value="{bulk.AT_ONCE * 2}" max="{count}"' in running and "every 1s" in running
        assert f'<a class="button" href="{began.headers["location"]}">Refresh</a>' in running and not HANGUL.search(running)
    wait_for(lambda: "every 1s" not in told(web, began, "operator"))
    assert f"{count}개 했습니다" in told(web, began, "operator", "ko")
    assert rows.one("SELECT count(*) FROM schedule_jobs WHERE status = 'paused'") == count
    assert rows.one("SELECT count(*) FROM audit_log WHERE action = 'job.pause' AND actor = 'operator'") == count


def test_a_database_that_goes_away_is_told_with_what_was_not_reached(
    web: Web, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = bulk.AT_ONCE + 3
    add_many(rows, count)
    real = bulk._some

    def gone(request: Any, outcome: bulk.Outcome, found: Any, deed: Any) -> None:
        if outcome.seen:
            raise OSError("gone")
        real(request, outcome, found, deed)

    monkeypatch.setattr(bulk, "_some", gone)
    began = send(web, "pause", count, typed=str(count))
    wait_for(lambda: "cannot be reached" in told(web, began))
    assert f"{bulk.AT_ONCE} done" in told(web, began) and "3 not reached" in told(web, began)


def test_after_a_restart_the_result_says_so_in_words(web: Web, rows: Rows) -> None:
    rows.add_job("a")
    began = send(web, "pause", 1, "operator")
    assert "1 done" in told(web, began, "operator")
    bulk._outcomes.clear()
    for language, words in (("ko", "웹 프로세스가 다시 시작될 때까지만"), ("en", "until the web process is started again")):
        gone = web.page(began.headers["location"], "operator", language)
        assert gone.status_code == 404 and words in gone.text and "/scheduler/audit?actor=operator" in gone.text
    assert web.page(began.headers["location"], "viewer").status_code == 403


def test_jobs_of_a_filter_are_a_file_that_import_reads_again(web: Web, rows: Rows) -> None:
    first = rows.add_job("주문", interval="30 minutes", tags=["x"], parameters='{"api_key": "hunter2-hunter2"}')
    rows.add_job("재고", tags=["y"])
    file = web.page("/scheduler/jobs-export?tag=x", "viewer")
    assert file.headers["content-type"].startswith("application/yaml") and ".yaml" in file.headers["content-disposition"]
    assert [job["name"] for job in yaml.safe_load(file.text)["jobs"]] == ["주문"] and "hunter2" not in file.text
    ticked = yaml.safe_load(web.page(f"/scheduler/jobs-export?tag=y&id={first}").text)
    assert [job["name"] for job in ticked["jobs"]] == ["주문"]
    everything = yaml.safe_load(web.page(f"/scheduler/jobs-export?id={first}&all=true").text)
    assert len(everything["jobs"]) == 2
    assert web.ask["admin"].post("/api/v1/jobs/import?dry_run=true", content=web.page("/scheduler/jobs-export?tag=y").content,
                                 headers={"Content-Type": "application/yaml"}).json()["changes"] == []
    nothing = web.page("/scheduler/jobs-export?tag=z", language="en")
    assert nothing.status_code == 404 and "there is no job to export" in nothing.text


def table(web: Web, query: str = "", role: str = "viewer") -> list[dict[str, str]]:
    answer = web.page(f"/scheduler/executions-export{query}", role)
    assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/csv")
    assert answer.content.startswith("\ufeff".encode()) and ".csv" in answer.headers["content-disposition"]
    return list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"), newline="")))


def test_executions_are_a_table_without_formulas_and_secrets(web: Web, rows: Rows) -> None:
    job = rows.add_job("=cmd|' /C calc'!A0", market_codes=["coupang"])
    bad = an_execution(rows, job, "failed", error_message='password=hunter2 "줄\n바꿈"', node="@node", duration_ms=-5,
                       market_codes=["coupang", "naver"], result='{"token": "hunter2", "count": 3}')
    good = an_execution(rows, job, "success", error_message="＝1+1")
    found = table(web)
    assert [each["id"] for each in found] == [str(good), str(bad)]
    assert found[1]["job_name"] == "'=cmd|' /C calc'!A0" and found[1]["node"] == "'@node"
    assert found[0]["error_message"] == "'＝1+1"
    assert found[1]["duration_ms"] == "-5" and found[1]["market_codes"] == "coupang,naver"
    assert found[1]["error_message"] == 'password=*** "줄\n바꿈"' and found[1]["result"] == '{"count": 3, "token": "***"}'
    assert [each["id"] for each in table(web, "?status=failed")] == [str(bad)]
    assert [each["id"] for each in table(web, f"?status=failed&id={good}")] == [str(good)]
    assert "/scheduler/executions-export" in web.page("/scheduler/executions", "viewer").text


def test_a_long_history_is_read_by_key_and_says_where_it_was_cut(
    web: Web, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = rows.add_job("many")
    made = [an_execution(rows, job, "success") for _ in range(25)]
    monkeypatch.setattr(executions_export, "AT_ONCE", 10)
    assert [each["id"] for each in table(web)] == [str(each) for each in sorted(made, reverse=True)]
    monkeypatch.setattr(executions_export, "EXPORTED", 15)
    cut = table(web)
    assert len(cut) == 16 and cut[-1]["id"] == "… 최근 15건까지만 내보냈습니다" and executions.EXPORTED == 10_000
    monkeypatch.setattr(filtered_executions, "LOOKED", 5)
    monkeypatch.setattr(executions_export, "SHORT_LOOKS", 2)
    assert [each["id"] for each in table(web, "?q=nowhere")] == ["… 더 오래된 것은 보지 않았습니다. 조건을 좁히세요"]
