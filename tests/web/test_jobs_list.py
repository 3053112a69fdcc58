"""The list of jobs: filters, orders and pages in the address, and deeds on all that match."""

from __future__ import annotations

import re

import pytest

from scheduler.queries import web_jobs
from tests.support.daemons import Rows
from tests.web.conftest import HTML, Web

NAMES = re.compile(r'<td class="lead"><a href="/scheduler/jobs/\d+">([^<]*)</a>')
HANGUL = re.compile(r"[가-힣]")


def names(web: Web, query: str = "", role: str = "viewer") -> list[str]:
    return NAMES.findall(web.page(f"/scheduler/jobs{query}", role).text)


def add_some(rows: Rows) -> None:
    rows.add_job("a 100%", interval="30 minutes", market_codes=["coupang"], tags=["야간"])
    rows.add_job("b", "order_collection", cron_expression="0 9 * * *", market_codes=["naver"])
    rows.add_job("c", status="paused", interval="1 hour")
    rows.connection.execute("UPDATE schedule_jobs SET last_run_at = now(), last_status = 'failed', consecutive_failures = 2,"
                            " run_count = 1 WHERE name = 'b'")
    rows.connection.execute("UPDATE schedule_jobs SET last_run_at = now() - interval '1 hour', last_status = 'success',"
                            " run_count = 1 WHERE name = 'c'")


def test_filters_live_in_the_address(web: Web, rows: Rows) -> None:
    add_some(rows)
    assert names(web) == ["b", "c", "a 100%"]
    assert names(web, "?q=%25") == ["a 100%"]
    assert names(web, "?status=paused") == ["c"]
    assert names(web, "?type=order_collection&market=naver") == ["b"]
    assert names(web, "?tag=야간") == ["a 100%"]
    assert names(web, "?health=failing") == ["b"]
    assert names(web, "?health=never") == ["a 100%"]
    assert names(web, "?health=well") == ["c"]
    assert names(web, "?health=running") == [] == names(web, "?health=overdue")
    shown = web.page("/scheduler/jobs?q=%3Cscript%3E&type=x", language="en").text
    assert "No job matches" in shown and 'href="/scheduler/jobs"' in shown and "<script>" not in shown
    assert 'value="&lt;script&gt;"' in shown


def test_words_of_a_row(web: Web, rows: Rows) -> None:
    add_some(rows)
    shown = web.page("/scheduler/jobs").text
    for words in ("아직 실행 안 됨", "2회 연속 실패", "30분마다", "매일 09:00", "#야간"):
        assert words in shown
    rows.connection.execute("UPDATE schedule_jobs SET tags = '{}'")
    english = web.page("/scheduler/jobs", "admin", "en").text
    assert "Never run" in english and "2 failures in a row" in english and "New job" in english and not HANGUL.search(english)


@pytest.mark.parametrize("sort", [*web_jobs.ORDERS, *(f"-{each}" for each in web_jobs.ORDERS)])
def test_every_order_goes_on_where_the_page_ended(web: Web, rows: Rows, sort: str) -> None:
    rows.connection.execute(
        "INSERT INTO schedule_jobs (name, job_type, interval, status)"
        " SELECT 'job ' || lpad(n::text, 3, '0'), 'noop', '30 minutes', CASE WHEN n % 3 = 0 THEN 'paused' ELSE 'active' END"
        " FROM generate_series(1, 120) AS n")
    rows.connection.execute(
        "UPDATE schedule_jobs SET last_run_at = CASE WHEN id % 4 = 0 THEN now() - id % 5 * interval '1 hour' END,"
        " next_run_at = CASE WHEN status = 'active' AND id % 2 = 0 THEN now() + id % 7 * interval '1 hour' END,"
        " consecutive_failures = id % 3")
    address, seen, pages = f"/scheduler/jobs?sort={sort}", [], 0
    while address:
        shown = web.page(address, "viewer").text
        seen += NAMES.findall(shown)
        following = re.search(r'rel="next" href="([^"]*)"', shown)
        address = following[1].replace("&amp;", "&") if following else ""
        pages += 1
    assert (pages, len(seen), len(set(seen))) == (3, 120, 120)
    if sort.endswith("name"):
        assert seen == sorted(seen, reverse=sort.startswith("-"))


def test_a_cursor_of_another_list_is_refused(web: Web, rows: Rows) -> None:
    add_some(rows)
    assert web.page("/scheduler/jobs?cursor=abc").status_code == 400
    assert web.page("/scheduler/jobs?sort=nonsense").status_code == 200


def test_a_viewer_sees_no_buttons_and_programs_get_json(web: Web, rows: Rows) -> None:
    add_some(rows)
    viewer = web.page("/scheduler/jobs", "viewer").text
    assert "/scheduler/jobs-export" in viewer and 'type="checkbox" name="id"' not in viewer
    assert "/scheduler/quick/" not in viewer and "jobs-bulk" not in viewer and "/scheduler/jobs/new" not in viewer
    assert web.page("/scheduler/jobs-bulk?action=run&all=true", "viewer").status_code == 403
    listed = web.ask["viewer"].get("/scheduler/jobs", headers={"Accept": "application/json"})
    assert isinstance(listed.json(), list) and listed.headers["vary"] == "Accept"
    assert "Accept" in web.page("/scheduler/jobs").headers["vary"]


def test_all_of_a_filter_are_paused_after_the_number_was_shown(web: Web, rows: Rows) -> None:
    add_some(rows)
    asked = web.page("/scheduler/jobs-bulk?action=pause&all=true&health=failing", "operator").text
    assert "작업 1개: 일시정지" in asked and 'name="expect" value="1"' in asked and 'name="typed"' not in asked
    done = web.ask["operator"].post("/scheduler/jobs-bulk?health=failing", headers=HTML,
                                    data={"action": "pause", "all": "true", "expect": "1"})
    assert done.status_code == 303
    assert rows.all("SELECT name FROM schedule_jobs WHERE status = 'paused' ORDER BY name") == ["b", "c"]
    assert "1개 했습니다" in web.page(done.headers["location"], "operator").text
    stranger = web.page(done.headers["location"], "admin")
    assert stranger.status_code == 404 and "이 결과는 남아 있지 않습니다" in stranger.text
    assert rows.one("SELECT action FROM audit_log") == "job.pause"


def test_a_filter_that_moved_is_refused_and_nothing_is_done(web: Web, rows: Rows) -> None:
    add_some(rows)
    refused = web.ask["operator"].post("/scheduler/jobs-bulk", headers={**HTML, "Accept-Language": "en"},
                                       data={"action": "run", "all": "true", "expect": "2"})
    assert refused.status_code == 409 and "meant 2 and now means 3" in refused.text
    assert "Run now: 3 jobs" in refused.text and 'name="expect" value="3"' in refused.text
    assert rows.one("SELECT count(*) FROM job_executions") == 0


def test_more_than_ten_ask_for_the_number_and_refusals_are_told_job_by_job(web: Web, rows: Rows) -> None:
    rows.connection.execute("INSERT INTO schedule_jobs (name, job_type, status) SELECT 'job ' || n, 'noop',"
                            " CASE WHEN n <= 2 THEN 'paused' ELSE 'active' END FROM generate_series(1, 12) AS n")
    assert 'name="typed"' in web.page("/scheduler/jobs-bulk?action=pause&all=true", "operator").text
    given = {"action": "pause", "all": "true", "expect": "12"}
    refused = web.ask["operator"].post("/scheduler/jobs-bulk", headers=HTML, data={**given, "typed": "11"})
    assert refused.status_code == 422 and rows.one("SELECT count(*) FROM schedule_jobs WHERE status = 'paused'") == 2
    english = {**HTML, "Accept-Language": "en"}
    done = web.ask["operator"].post("/scheduler/jobs-bulk", headers=english, data={**given, "typed": "12"})
    told = web.page(done.headers["location"], "operator", "en").text
    assert "10 done" in told and "2 not done" in told and "it is so already" in told
    assert rows.one("SELECT count(*) FROM schedule_jobs WHERE status = 'paused'") == 12


def test_ticked_jobs_only_and_one_refusal_does_not_undo_the_others(web: Web, rows: Rows) -> None:
    kept, run = rows.add_job("kept"), rows.add_job("run")
    over = rows.add_job("over", run_at="2020-01-01 00:00+00")
    rows.connection.execute("UPDATE schedule_jobs SET status = 'completed' WHERE id = %s", (over,))
    page = web.page(f"/scheduler/jobs-bulk?action=resume&id={over}&id={run}&q=kept", "operator").text
    assert "작업 2개: 재개" in page and "kept" not in page
    rows.connection.execute("UPDATE schedule_jobs SET status = 'paused' WHERE id = %s", (run,))
    done = web.ask["operator"].post("/scheduler/jobs-bulk", headers=HTML,
                                    data={"action": "resume", "id": [str(over), str(run)], "expect": "2"})
    told = web.page(done.headers["location"], "operator").text
    assert "1개 했습니다" in told and "1개는 하지 않았습니다" in told and ">over<" in told
    assert rows.one("SELECT status FROM schedule_jobs WHERE id = %s", run) == "active" and kept
    none = web.page("/scheduler/jobs-bulk?action=run", "operator").text
    assert "고른 작업이 없습니다" in none and "<form method=\"post\" action=\"/scheduler/jobs-bulk" not in none
    assert web.page("/scheduler/jobs-bulk?action=drop&all=true", "operator").status_code == 404
