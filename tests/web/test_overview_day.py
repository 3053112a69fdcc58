"""The day on the overview counts every job, says how many it draws, and draws those that run first."""

from __future__ import annotations

from tests.support.daemons import Rows
from tests.web.conftest import Web
from tests.web.test_overview import add_run, without_links


def test_the_day_counts_all_jobs_and_says_how_many_are_drawn(web: Web, rows: Rows) -> None:
    for number in range(20):
        add_run(rows, rows.add_job(f"실패 {number}"), "failed", "1 second", error_message="x")
    rows.connection.execute("UPDATE schedule_jobs SET consecutive_failures = 3")
    skipping = rows.add_job("놓침")
    add_run(rows, skipping, "skipped", "1 second", skip_reason="misfire")
    add_run(rows, skipping, "skipped", "2 seconds", skip_reason="overlap")
    rows.connection.execute("UPDATE job_executions SET finished_at = now()")
    running = rows.add_job("한창")
    rows.connection.execute("INSERT INTO job_executions (job_id, status, started_at) VALUES (%s, 'running', now())", (running,))
    korean, english = web.page("/scheduler/overview/day").text, web.page("/scheduler/overview/day", "viewer", "en").text
    day = rows.one("SELECT (now() AT TIME ZONE 'Asia/Seoul')::date")
    assert "작업 22개: 성공 0, 실패 20, 건너뜀 1, 놓침 1, 실행 중 1, 앞으로 0" in without_links(korean)
    assert "22 jobs: 0 succeeded, 20 failed, 1 skipped, 1 missed, 1 running, 0 to come" in without_links(english)
    assert "그림은 작업 22개 가운데 16개" in korean and "The picture shows 16 of 22 jobs" in english
    assert f'<a href="/scheduler/calendar/day/{day}">하루를 작업별로 모두</a>' in korean
    lanes = korean[korean.index('<ul class="lane-names">'):]
    assert lanes.index(f"/scheduler/jobs/{running}") < lanes.index("실패 0")


def test_a_day_that_is_drawn_whole_says_no_more(web: Web, rows: Rows) -> None:
    rows.add_job("재고")
    text = web.page("/scheduler/overview/day", language="en").text
    assert "1 job: 0 succeeded" in text and "The picture shows" not in text
