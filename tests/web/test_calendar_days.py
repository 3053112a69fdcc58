"""The calendar on a phone and on a full day: a list of days instead of seven columns, the worst first, and not too much."""

from __future__ import annotations

import re
from pathlib import Path

from tests.support.daemons import Rows
from tests.web.conftest import Web
from tests.web.test_executions_page import an_execution

STATIC = Path(__file__).parents[2] / "scheduler" / "web" / "static"


def today(rows: Rows) -> object:
    return rows.one("SELECT (now() AT TIME ZONE 'Asia/Seoul')::date")


def test_a_full_day_shows_fifty_the_worst_first_and_all_by_a_link(web: Web, rows: Rows) -> None:
    for number in range(60):
        an_execution(rows, rows.add_job(f"작업 {number:02}"), "success")
    an_execution(rows, rows.add_job("하하 실패"), "failed")
    path = f"/scheduler/calendar/day/{today(rows)}"
    short, every = web.page(path).text, web.page(path + "?all=1").text
    assert short.count("<tr data-row>") == 50 and every.count("<tr data-row>") == 61
    assert short.index("하하 실패") < short.index("작업 00") and "작업 59" not in short and "작업 59" in every
    assert f'href="{path}?all=1">모두 보기' in short and "61개 가운데 50개" in short
    english = web.page(path, language="en").text
    assert "50 of 61, those with trouble first" in english and "Show all" in english
    assert "실패한 작업 1개" in short and "1 job with failures" in english and '<h2 id="ended">' in short
    assert f'hx-get="{path}?all=1"' in every and "처음 50개만" in every
    assert "모두 보기" not in web.page("/scheduler/calendar/day/2001-01-01").text


def test_jobs_that_do_not_run_stand_before_those_that_do(web: Web, rows: Rows) -> None:
    early, late = rows.add_job("이른"), rows.add_job("늦은")
    rows.connection.execute("INSERT INTO schedule_forecast (job_id, planned_at, run_at) VALUES (%s, '2030-01-02 09:00+09',"
                            " '2030-01-02 09:00+09')", (early,))
    rows.connection.execute(
        "INSERT INTO schedule_forecast (job_id, planned_at, reason, reason_ko, reason_en) "
        "VALUES (%s, '2030-01-02 12:00+09', 'holiday', '쉬는 날', 'closed')", (late,))
    text = web.page("/scheduler/calendar/day/2030-01-02").text
    assert text.index("늦은") < text.index("이른")


def test_zeros_are_not_shown_on_a_phone(web: Web, rows: Rows) -> None:
    an_execution(rows, rows.add_job("j"), "success")
    text = web.page(f"/scheduler/calendar/day/{today(rows)}", language="en").text
    cells = {label: marks for marks, label in re.findall(r'<td class="number([^"]*)" data-label="(\w+)"', text)}
    assert cells == {"Succeeded": "", "Failed": " none", "Skipped": " none", "Cancelled": " none"}
    css = (STATIC / "calendar.css").read_text("utf-8").partition("max-width: 760px")[2]
    assert "td.none { display: none !important; }" in css


def test_the_week_is_a_list_of_days_too_with_today_open(web: Web, rows: Rows) -> None:
    job = rows.add_job("주문")
    an_execution(rows, job, "failed")
    korean, english = web.page("/scheduler/calendar").text, web.page("/scheduler/calendar", "viewer", "en").text
    here = korean[korean.index(f'id="day-{today(rows)}"'):]
    assert here.startswith(f'id="day-{today(rows)}" open>') and korean.count("<details") - korean.count('class="menu"') == 7
    assert '1회 <span class="bad">✕1</span>' in here[:here.index("</details>")]
    assert '1 run <span class="bad">✕1</span>' in english and "This day by job" in english
    css = (STATIC / "calendar.css").read_text("utf-8").partition("max-width: 760px")[2]
    assert "table.week { display: none; }" in css and ".agenda-days { display: block; }" in css


def test_the_kind_of_a_holiday_does_not_break(web: Web) -> None:
    text = web.page("/scheduler/calendar/days?year=2026").text
    assert '<td class="kind">공휴일</td>' in text
    assert "td.kind { white-space: nowrap; }" in (STATIC / "calendar.css").read_text("utf-8")
