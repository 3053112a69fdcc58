"""The overview and the status card: what they say, in both languages, to whom, and while nothing runs."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest

from scheduler.queries import web_jobs, web_overview, web_problems
from scheduler.web.pages.overview import brought, local, success_rate
from scheduler.web.pages.overview_day import read_day
from scheduler.web.pulse import pulse_of
from tests.support.daemons import Rows
from tests.web.conftest import HTML, Web

HANGUL = re.compile(r"[가-힣]")


def add_node(rows: Rows, name: str = "a", workers: int = 2, silent: str = "0 seconds") -> None:
    rows.connection.execute(
        "INSERT INTO scheduler_nodes (instance_id, name, host, pid, version, workers, lease_seconds, seen_at)"
        " VALUES (gen_random_uuid(), %s, 'h', 1, '1', %s, 30, now() - %s::interval)", (name, workers, silent))


def without_links(text: str) -> str:
    """Return a page with the words of its links as if they led nowhere."""
    return re.sub(r"</?a\b[^>]*>", "", text)


def add_run(rows: Rows, job: int, status: str, ago: str = "5 minutes", **columns: object) -> int:
    given = {"job_id": job, "status": status, **columns}
    names, marks = ", ".join(given), ", ".join(f"%({each})s" for each in given)
    began = "now() - %(ago)s::interval"
    made = rows.connection.execute(
        f"INSERT INTO job_executions ({names}, scheduled_for, started_at, finished_at, duration_ms)"
        f" VALUES ({marks}, {began}, {began}, {began} + interval '1 second', 1000) RETURNING id", {**given, "ago": ago},
    ).fetchone()
    assert made is not None
    return int(made[0])


def test_an_empty_database_teaches_and_says_how_to_start(web: Web) -> None:
    korean, english = web.page("/scheduler").text, web.page("/scheduler", language="en").text
    for shown in (korean, english):
        assert "INSERT INTO schedule_jobs" in shown and "erp-scheduler start -d" in shown and "erp-scheduler demo" in shown
        assert "systemctl start erp-scheduler" in shown and "pm2 start" in shown
    assert "중지됨" in korean and "Stopped" in english and not HANGUL.search(english)


def test_numbers_are_links_and_attention_comes_with_what_can_be_done(web: Web, rows: Rows) -> None:
    add_node(rows)
    job = rows.add_job("<i>11번가</i>", interval="30 minutes")
    failed = add_run(rows, job, "failed", error_message="HTTP 401", error_class="X")
    add_run(rows, job, "success", "10 minutes", result='{"collected": 128}')
    rows.connection.execute("UPDATE schedule_jobs SET consecutive_failures = 3, last_error = 'HTTP 401', last_run_at = now(),"
                            " last_status = 'failed', next_run_at = now() + interval '3 minutes' WHERE id = %s", (job,))
    shown = web.page("/scheduler").text
    assert "3번 이어서 실패: HTTP 401" in shown and "&lt;i&gt;11번가&lt;/i&gt;" in shown and "<i>" not in shown
    assert 'href="/scheduler/executions?status=failed&amp;status=timed_out&amp;status=lost&amp;since=24h"' in shown
    assert f'href="/scheduler/executions/{failed}"' in shown and f'formaction="/scheduler/quick/{job}/run"' in shown
    assert "50.0%" in shown and "collected 128" in shown and "다음 실행:" in shown and "실패 1" in shown
    viewer = web.page("/scheduler", "viewer", "en").text
    assert "/scheduler/quick/" not in viewer and "failed 3 times in a row" in viewer and "Needs attention" in viewer


def test_each_part_is_fetched_by_itself_and_unknown_ones_are_not_there(web: Web, rows: Rows) -> None:
    rows.add_job("재고", interval="30 minutes")
    for part, name in (("now", "now"), ("recent", "recent"), ("day", "day"), ("jobs", "jobs")):
        answer = web.page(f"/scheduler/overview/{part}")
        assert answer.status_code == 200 and f'<section id="{name}"' in answer.text and "<html" not in answer.text
    assert web.page("/scheduler/overview/else").status_code == 404
    assert web.page("/scheduler/overview/now", "none").status_code == 303


def test_the_day_shows_what_ran_what_comes_and_what_was_missed(web: Web, rows: Rows) -> None:
    job = rows.add_job("야간", interval="30 minutes")
    day = rows.one("SELECT (now() AT TIME ZONE 'Asia/Seoul')::date - 1")
    begin = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=9)
    for hour, status, reason in ((1, "success", None), (2, "failed", None), (3, "skipped", "misfire"), (4, "skipped", "overlap")):
        at = begin + timedelta(hours=hour)
        rows.connection.execute(
            "INSERT INTO job_executions (job_id, status, scheduled_for, started_at, finished_at, skip_reason)"
            " VALUES (%s, %s, %s, %s, %s, %s)",
            (job, status, at, None if reason else at, at + timedelta(minutes=2), reason))
    shown = web.page(f"/scheduler?day={day}").text
    assert "작업 1개: 성공 1, 실패 1, 건너뜀 1, 놓침 1, 실행 중 0, 앞으로 0" in without_links(shown)
    assert 'd="M60 7h2v14h-2z"' in shown and 'class="missed"' in shown and 'class="now"' not in shown
    rows.connection.execute("INSERT INTO schedule_forecast (job_id, planned_at, run_at) SELECT %s, at, at FROM"
                            " (SELECT now() + interval '20 hours' AS at) AS each", (job,))
    coming = rows.one("SELECT ((now() + interval '20 hours') AT TIME ZONE 'Asia/Seoul')::date")
    assert "앞으로 1" in without_links(web.page(f"/scheduler?day={coming}").text)
    assert web.page("/scheduler?day=nonsense").status_code == 200


def test_series_are_numbers_of_a_day(web: Web, rows: Rows) -> None:
    job = rows.add_job("재고")
    add_run(rows, job, "success", "40 minutes")
    add_run(rows, job, "failed", "41 minutes", error_message="x", attempt=2)
    found = web.ask["viewer"].get("/scheduler/overview/series").json()
    assert len({len(values) for values in found.values()}) == 1 and 95 <= len(found["at"]) <= 100
    assert (sum(found["succeeded"]), sum(found["failed"])) == (1, 1)
    assert set(found) == {"at", "succeeded", "failed", "busy", "waiting"}


def test_a_button_acts_and_goes_back(web: Web, rows: Rows) -> None:
    job = rows.add_job("재고", interval="30 minutes")
    ask = web.ask["operator"]
    gone = ask.post(f"/scheduler/quick/{job}/pause", data={"back": "/scheduler/jobs?q=a"}, headers=HTML)
    assert (gone.status_code, gone.headers["location"]) == (303, "/scheduler/jobs?q=a")
    assert rows.one("SELECT status FROM schedule_jobs") == "paused"
    assert ask.post(f"/scheduler/quick/{job}/resume", headers=HTML).headers["location"] == "/scheduler"
    assert ask.post(f"/scheduler/quick/{job}/run", data={"back": "//evil"}, headers=HTML).headers["location"] == "/scheduler"
    assert rows.one("SELECT status FROM job_executions") == "queued"
    assert rows.all("SELECT action FROM audit_log ORDER BY id") == ["job.pause", "job.resume", "job.run"]
    assert web.ask["viewer"].post(f"/scheduler/quick/{job}/run", headers=HTML).status_code == 403
    assert ask.post(f"/scheduler/quick/{job}/delete", headers=HTML).status_code == 404
    missing = ask.post("/scheduler/quick/999999/run", headers={**HTML, "Accept-Language": "en"})
    assert missing.status_code == 404 and "999999" in missing.text


def test_card_shows_six_numbers_without_the_header_and_may_be_framed_by_whom_the_settings_name(web: Web, rows: Rows) -> None:
    add_node(rows)
    rows.add_job("재고", interval="30 minutes")
    rows.connection.execute("UPDATE schedule_jobs SET next_run_at = now() + interval '3 minutes 10 seconds'")
    shown = web.page("/scheduler/card", "viewer")
    for words in ("실행 중", "총 작업 수", "대기 중", "완료 (24시간)", "다음 실행:", "재고", "3분"):
        assert words in shown.text
    assert "<nav" not in shown.text and 'hx-trigger="every 30s"' in shown.text
    assert "frame-ancestors" in shown.headers["content-security-policy"]
    rows.connection.execute("DELETE FROM schedule_jobs")
    assert not HANGUL.search(web.page("/scheduler/card", "viewer", "en").text)
    assert web.page("/scheduler/card", "none").status_code == 303


STATE = {"alive": ["a"], "lost": [], "running": 0, "workers": 2, "waiting_since": None, "overdue": 0}
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(("change", "kind"), [
    ({}, "good"), ({"alive": []}, "bad"), ({"lost": ["b"]}, "warn"), ({"overdue": 1}, "warn"),
    ({"running": 2, "waiting_since": LONG_AGO}, "warn"), ({"running": 1, "waiting_since": LONG_AGO}, "good"),
])
def test_pulse_is_green_yellow_or_red(change: dict[str, object], kind: str) -> None:
    judged = pulse_of({**STATE, **change})
    assert judged.kind == kind and bool(judged.why) == (kind == "warn")


def test_a_node_that_fell_silent_is_named_and_one_that_came_back_is_not(web: Web, rows: Rows) -> None:
    add_node(rows, "a")
    add_node(rows, "b", silent="3 minutes")
    assert "응답 없는 노드: b" in web.page("/scheduler").text
    add_node(rows, "b")
    shown = web.page("/scheduler").text
    assert "응답 없는 노드" not in shown and "조치할 일이 없습니다" in shown


def test_the_bare_address_leads_to_the_overview(web: Web) -> None:
    led = web.ask["none"].get("/")
    assert (led.status_code, led.headers["location"]) == (307, "/scheduler")


def test_small_words() -> None:
    assert brought({"flag": True, "pages": 3, "collected": 1280}) == "collected 1,280"
    assert brought({"note": "x"}) == "" and brought(None) == "" and brought({"pages": 3}) == "pages 3"
    assert success_rate({"succeeded": 0, "failed": 0}) is None and success_rate({"succeeded": 2, "failed": 1}) == 66.7
    assert local("/scheduler/jobs?q=1") == "/scheduler/jobs?q=1"
    for elsewhere in ("/login", "//x", "/scheduler.evil", "/scheduler/\\x", "/scheduler/\r\nX: y"):
        assert local(elsewhere) == "/scheduler"
    assert read_day("2026-11-21") is not None and read_day("9999-99-99") is None and read_day("0001-01-01") is None


def test_nothing_reads_the_whole_history(rows: Rows) -> None:
    """Only what an index bounds: a full scan would read all of these rows."""
    jobs = [rows.add_job(f"재고 {number}", interval="30 minutes") for number in range(1, 41)]
    job = jobs[0]
    rows.connection.execute(
        "INSERT INTO job_executions (job_id, job_name, job_type, status, scheduled_for, started_at, finished_at, duration_ms)"
        " SELECT %s + n %% 40, '재고', 'noop', CASE WHEN n %% 7 = 0 THEN 'failed' ELSE 'success' END, at, at,"
        " at + interval '1 second', 1000"
        " FROM (SELECT n, now() - n * interval '10 minutes' AS at FROM generate_series(1, 30000) AS n) AS each", (job,))
    rows.connection.execute("ANALYZE job_executions")
    day = rows.one("SELECT date_trunc('day', now())")
    asked = [(web_overview.ENDED, {}), (web_overview.RECENT, {"most": 12}), (web_overview.RUNNING, {"most": 12}),
             (web_overview.LIVE, {}), (web_problems.GATHERED, {"most": 9, "skip": 0, "alike": 3}),
             (web_overview.SPANS, {"jobs": [job], "day": day}),
             (web_overview.SERIES, {"since": day}), (web_jobs.LAST_RUNS, {"ids": [job]})]
    for statement, values in asked:
        plan = "\n".join(each[0] for each in rows.connection.execute(f"EXPLAIN {statement}", values).fetchall())
        assert "job_executions" in plan and "Seq Scan on job_executions" not in plan, f"{statement}\n{plan}"
