"""The pages of one job: what they say, in both languages, to whom; and what one does there."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from psycopg.types.json import Jsonb

from tests.support.daemons import Rows
from tests.web.conftest import HTML, Web

TABS = ("overview", "history", "calendar", "parameters", "revisions", "why")
SCHEMA = {"type": "object", "additionalProperties": False,
          "properties": {"days": {"type": "integer", "default": 1, "maximum": 31}}}


def add_runs(rows: Rows, job: int, count: int, status: str = "success") -> None:
    rows.connection.execute(
        "INSERT INTO job_executions (job_id, job_name, job_type, trigger, status, scheduled_for, started_at, finished_at,"
        " duration_ms, result, market_codes) SELECT %(job)s, 'j', 'noop', 'schedule', %(status)s, moment, moment, moment, 1000,"
        " '{\"items\": 7}', '{coupang}' FROM generate_series(1, %(count)s) AS n,"
        " LATERAL (SELECT now() - n * interval '1 hour' AS moment) AS at",
        {"job": job, "count": count, "status": status})


@pytest.fixture
def job(rows: Rows) -> int:
    rows.connection.execute("INSERT INTO job_types (job_type, source, summary, params_schema) VALUES ('orders', 'x:y', '', %s)",
                            (Jsonb(SCHEMA),))
    return rows.add_job("orders", "orders", specific_times=["09:00"], calendar="kr", on_holiday="skip", owner="Kim",
                        tags=["a&b"], market_codes=["coupang", "naver"], parameters=Jsonb({"days": 2}))


@pytest.mark.parametrize("tab", TABS)
def test_each_tab_is_in_one_language_with_one_heading(web: Web, rows: Rows, job: int, tab: str) -> None:
    add_runs(rows, job, 60)
    korean, english = (web.page(f"/scheduler/jobs/{job}?tab={tab}", language=language) for language in ("ko", "en"))
    assert korean.status_code == english.status_code == 200
    assert korean.text.count("<h1>") == 1 and "매일 09:00" in korean.text and "변경 이력" in korean.text
    assert "".join(letter for letter in english.text if "가" <= letter <= "힣") == ""
    assert "daily at 09:00" in english.text and 'aria-current="page"' in english.text


def test_a_viewer_sees_no_buttons_and_may_do_nothing(web: Web, rows: Rows, job: int) -> None:
    shown = web.page(f"/scheduler/jobs/{job}", "viewer").text
    assert "<dialog" not in shown and "/scheduler/job/" not in shown and "/edit" not in shown
    operator = web.page(f"/scheduler/jobs/{job}", "operator").text
    assert "run-dialog" in operator and "/delete" not in operator and "/edit" not in operator
    for act in ("run", "pause", "resume", "delete", "restore"):
        assert web.ask["viewer"].post(f"/scheduler/job/{job}/{act}", headers=HTML).status_code == 403
    for act in ("delete", "restore"):
        assert web.ask["operator"].post(f"/scheduler/job/{job}/{act}", headers=HTML).status_code == 403
    assert rows.one("SELECT count(*) FROM audit_log") == 0


def test_a_name_is_sent_on_and_an_unknown_one_is_told(web: Web, job: int) -> None:
    assert web.page("/scheduler/jobs/orders").headers["location"] == f"/scheduler/jobs/{job}"
    gone = web.page("/scheduler/jobs/nothing", language="en")
    assert gone.status_code == 404 and "There is no job" in gone.text
    assert web.page("/scheduler/jobs/99999999999999999999").status_code == 404


def test_a_program_gets_json_from_the_same_address(web: Web, job: int) -> None:
    answer = web.ask["viewer"].get(f"/scheduler/jobs/{job}", headers={"Accept": "application/json"})
    assert answer.headers["vary"] == "Accept" and answer.json()["name"] == "orders"
    assert "Accept" in web.page(f"/scheduler/jobs/{job}").headers["vary"]


def test_history_goes_on_where_the_portion_before_ended(web: Web, rows: Rows, job: int) -> None:
    from html import unescape
    from re import findall, search

    add_runs(rows, job, 70)
    rows.connection.execute("UPDATE job_executions SET status = 'failed', error_message = '<b>401</b>' WHERE id % 10 = 0")
    first = web.page(f"/scheduler/jobs/{job}?tab=history").text
    link = search(r'href="(\?[^"]*before=[^"]*)"', first)
    assert link is not None
    second = web.page(f"/scheduler/jobs/{job}{unescape(link[1])}").text
    seen = [findall(r'/scheduler/executions/(\d+)"', text.split('id="history"')[1]) for text in (first, second)]
    assert (len(seen[0]), len(seen[1]), len(set(seen[0] + seen[1]))) == (50, 20, 70)
    failed = web.page(f"/scheduler/jobs/{job}?tab=history&status=failed").text
    assert failed.count("&lt;b&gt;401") == 7
    assert web.page(f"/scheduler/jobs/{job}?tab=history&before=nonsense&status=what&trigger=x").status_code == 200


def test_a_run_takes_other_parameters_and_markets_for_once(web: Web, rows: Rows, job: int) -> None:
    answer = web.ask["operator"].post(f"/scheduler/job/{job}/run", headers=HTML, data={
        "p.shown": "orders", "p.days": "5", "market_choice": "1", "markets": ["naver"]})
    number = rows.one("SELECT id FROM job_executions")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/scheduler/executions/{number}")
    assert rows.one("SELECT parameters, market_codes, trigger FROM job_executions") == ({"days": 5}, ["naver"], "manual")
    assert rows.one("SELECT parameters FROM schedule_jobs WHERE NOT hidden") == {"days": 2}
    assert rows.one("SELECT action, actor FROM audit_log") == ("job.run", "operator")


def test_a_run_with_faults_is_shown_again(web: Web, rows: Rows, job: int) -> None:
    answer = web.ask["operator"].post(f"/scheduler/job/{job}/run", headers={**HTML, "Accept-Language": "en"}, data={
        "p.shown": "orders", "p.days": "50"})
    assert answer.status_code == 422 and 'value="50"' in answer.text and "31 or less" in answer.text
    bad = web.ask["operator"].post(f"/scheduler/job/{job}/run", headers=HTML, data={"parameters_json": "{"})
    assert bad.status_code == 422 and rows.one("SELECT count(*) FROM job_executions") == 0


def test_parameters_of_a_mighty_type_are_the_admins(web: Web, rows: Rows) -> None:
    job = rows.add_job("clean", "sql_statement", parameters=Jsonb({"statement": "SELECT 1"}))
    typed = {"parameters_json": '{"statement": "DROP TABLE web_users"}'}
    assert web.ask["operator"].post(f"/scheduler/job/{job}/run", headers=HTML, data=typed).status_code == 403
    assert rows.one("SELECT count(*) FROM job_executions") == 0
    assert web.ask["operator"].post(f"/scheduler/job/{job}/run", headers=HTML).status_code == 303


def test_pause_until_a_moment_and_resume(web: Web, rows: Rows, job: int) -> None:
    typed = {"until": "2020-01-01T00:00", "reason": "점검"}
    over = web.ask["operator"].post(f"/scheduler/job/{job}/pause", headers=HTML, data=typed)
    assert over.status_code == 422 and "이미 지난" in over.text and 'value="점검"' in over.text
    web.ask["operator"].post(f"/scheduler/job/{job}/pause", headers=HTML, data={"until": "2099-01-02T03:04", "reason": "점검"})
    row: Any = rows.one("SELECT status, paused_until = '2099-01-02 03:04+09', pause_reason FROM schedule_jobs")
    assert row == ("paused", True, "점검")
    shown = web.page(f"/scheduler/jobs/{job}").text
    assert "점검" in shown and "재개…" in shown and "일시정지…" not in shown
    web.ask["operator"].post(f"/scheduler/job/{job}/resume", headers=HTML, data={"run_missed": "true"})
    assert rows.one("SELECT status FROM schedule_jobs") == "active"
    web.ask["operator"].post(f"/scheduler/job/{job}/pause", headers=HTML, data={"for": "3h"})
    until = rows.one("SELECT paused_until FROM schedule_jobs")
    assert abs(until - datetime.now(UTC) - timedelta(hours=3)) < timedelta(minutes=1)
    assert rows.all("SELECT action FROM audit_log ORDER BY id") == ["job.pause", "job.resume", "job.pause"]


def test_a_deletion_says_what_ends_and_can_be_undone(web: Web, rows: Rows, job: int) -> None:
    later = rows.add_job("later", "orders")
    rows.connection.execute("INSERT INTO job_dependencies (job_id, depends_on) VALUES (%s, %s)", (later, job))
    assert "later" in web.page(f"/scheduler/job/{job}/delete").text
    moved = web.ask["admin"].post(f"/scheduler/job/{job}/delete", headers=HTML, data={"name": "another"})
    assert moved.status_code == 409
    assert web.ask["admin"].post(f"/scheduler/job/{job}/delete", headers=HTML, data={"name": "orders"}).status_code == 303
    gone = web.page(f"/scheduler/jobs/{job}")
    assert gone.status_code == 200 and "되살리기" in gone.text
    assert "되살리기" not in web.page(f"/scheduler/jobs/{job}", "viewer").text
    web.ask["admin"].post(f"/scheduler/job/{job}/restore", headers=HTML)
    assert rows.one("SELECT name FROM schedule_jobs WHERE id = %s", job) == "orders"


def test_an_edit_is_set_back_and_the_change_is_shown(web: Web, rows: Rows, job: int) -> None:
    rows.connection.execute("UPDATE schedule_jobs SET specific_times = '{10:00}', max_retries = 9 WHERE id = %s", (job,))
    shown = web.page(f"/scheduler/jobs/{job}?tab=revisions").text
    assert "09:00:00" in shown and "10:00:00" in shown and "SQL" in shown
    web.ask["admin"].post(f"/scheduler/job/{job}/restore", headers=HTML, data={"revision": "1"})
    assert rows.one("SELECT specific_times::text, max_retries FROM schedule_jobs") == ("{09:00:00}", 3)


def test_why_and_what_waits_for_what(web: Web, rows: Rows, job: int) -> None:
    former = rows.add_job("former", "orders")
    rows.connection.execute("INSERT INTO job_dependencies (job_id, depends_on) VALUES (%s, %s)", (job, former))
    shown = web.page(f"/scheduler/jobs/{job}?tab=calendar", language="en").text
    assert "after former" in shown and "not yet" in shown and "does not run" in shown
    holiday = web.page(f"/scheduler/jobs/{job}?tab=why&at=2026-01-01T09:00", language="en").text
    assert "<strong>" in holiday and "2026-01-01" in holiday
    assert "is not a moment" in web.page(f"/scheduler/jobs/{job}?tab=why&at=soon", language="en").text


def test_a_job_that_never_ran_says_so(web: Web, job: int) -> None:
    assert "아직 실행 안 됨" in web.page(f"/scheduler/jobs/{job}").text
    assert "Never run" in web.page(f"/scheduler/jobs/{job}?tab=history", language="en").text


def test_workflows_are_listed_run_and_paused(web: Web, rows: Rows) -> None:
    assert "workflows save" in web.page("/scheduler/workflows").text
    rows.connection.execute("INSERT INTO schedule_workflows (name, steps, schedule) VALUES ('morning', %s, %s)", (
        Jsonb([{"name": "first", "job_type": "orders"}, {"name": "second", "job_type": "orders"}]),
        Jsonb({"mode": "recurring", "every": "daily", "at": "09:00"})))
    number = rows.one("SELECT id FROM schedule_workflows")
    path = f"/scheduler/workflows/{number}"
    assert "매일 09:00" in web.page("/scheduler/workflows", "viewer").text
    shown = web.page(path, "viewer", "en").text
    assert "first" in shown and "<form method=\"post\" action=\"/scheduler/workflows" not in shown
    assert web.ask["viewer"].post(f"{path}/run", headers=HTML).status_code == 403
    for deed in ("run", "cancel", "pause", "resume"):
        assert web.ask["operator"].post(f"{path}/{deed}", headers=HTML).status_code == 303
    assert rows.all("SELECT action FROM audit_log ORDER BY id") == [
        "workflow.run", "workflow.cancel", "workflow.pause", "workflow.resume"]
    assert rows.one("SELECT status FROM job_executions") == "cancelled"
