"""The calendar: the week by the hour, the day by job, overlays and closed days."""

from __future__ import annotations

import html
import re
from datetime import UTC, date, datetime, timedelta

import pytest

from scheduler.web.pictures.weekgrid import by_hour, week_grid
from tests.support.daemons import Rows
from tests.web.conftest import HTML, Web
from tests.web.test_executions_page import an_execution, numbers


def test_the_week_counts_what_ran_and_what_comes_and_shades_holidays(web: Web, rows: Rows) -> None:
    job = rows.add_job("주문", interval="1 hour")
    an_execution(rows, job, "failed")
    rows.connection.execute(
        "INSERT INTO schedule_forecast (job_id, planned_at, run_at) SELECT %s, at, at FROM generate_series("
        "now() + interval '1 day', now() + interval '12 days', interval '1 hour') AS at", (job,))
    assert "✕1" in web.page("/scheduler/calendar").text
    coming = web.page(f"/scheduler/calendar?week={date.today() + timedelta(7)}", "viewer", "en").text
    assert "<rect class=\"running\"" in coming and "Korean time" in coming
    assert "설날" in web.page("/scheduler/calendar?week=2026-02-17").text
    assert web.page("/scheduler/calendar?week=nonsense").status_code == 200


def test_an_hour_with_more_than_the_pool_holds_is_marked(web: Web, rows: Rows) -> None:
    for number in range(10):
        job = rows.add_job(f"j{number}", interval="1 day")
        rows.connection.execute(
            "INSERT INTO schedule_forecast (job_id, planned_at, run_at) "
            "SELECT %s, at, at FROM (SELECT date_trunc('hour', now()) + interval '7 days' AS at) AS one", (job,))
    when = datetime.now(UTC) + timedelta(7)
    assert "!10" in web.page(f"/scheduler/calendar?week={(when + timedelta(hours=9)).date()}").text


def test_how_many_run_at_once_is_counted_over_full_hours_too() -> None:
    long, short = {"offsets": [1800], "seconds": 9000.0}, {"offsets": [0, 3600, 7260], "seconds": 60.0}
    assert by_hour([long, short], 4) == ([2, 1, 1, 0], [1, 2, 2, 1 if 1800 + 9000 > 3 * 3600 else 0])
    assert by_hour([{"offsets": [0, 60, 120], "seconds": 60.0}], 2) == ([3, 0], [1, 0])
    assert by_hour([], 2) == ([0, 0], [0, 0])


def test_what_is_known_for_a_part_of_the_week_goes_on_at_its_pace() -> None:
    monday = date(2026, 11, 16)
    begin = datetime(2026, 11, 15, 15, tzinfo=UTC)
    cut = [{"known_until": begin + timedelta(hours=10), "per_hour": 12.0, "seconds": 60.0}]
    days = week_grid(monday, begin, [], [], cut, {monday: "휴일"})
    assert days[0].closed == "휴일" and days[0].cells[9].runs == 0
    assert (days[0].cells[10].runs, days[0].cells[10].most, days[0].cells[10].is_estimate) == (12, 1, True)
    assert days[1].runs == 24 * 12


def test_a_day_lists_each_job_and_why_something_does_not_run(web: Web, rows: Rows) -> None:
    job = rows.add_job("주문")
    an_execution(rows, job, "skipped", skip_reason="overlap")
    rows.connection.execute(
        "INSERT INTO schedule_forecast (job_id, planned_at, reason, reason_ko, reason_en) "
        "VALUES (%s, '2030-01-01 12:00+09', 'holiday', '쉬는 날: 신정', 'closed: New Year')", (job,))
    today = rows.one("SELECT (now() AT TIME ZONE 'Asia/Seoul')::date")
    assert "주문" in web.page(f"/scheduler/calendar/day/{today}").text
    assert "closed: New Year" in web.page("/scheduler/calendar/day/2030-01-01", language="en").text
    assert web.page("/scheduler/calendar/day/2030-13-01").status_code == 404


@pytest.mark.parametrize("path", [
    "/scheduler/calendar?week=2026-11-02", "/scheduler/calendar/day/2026-11-04", "/scheduler/overview/day?day=2026-11-04"])
def test_each_number_of_the_past_leads_to_as_many_executions(web: Web, rows: Rows, path: str) -> None:
    job, other = rows.add_job("주문"), rows.add_job("재고")
    for minute, status, whose in ((0, "failed", job), (1, "timed_out", job), (2, "success", job), (59, "skipped", job),
                                  (30, "success", other), (31, "cancelled", other)):
        an_execution(rows, whose, status, finished_at=f"2026-11-04 09:{minute:02}+09")
    an_execution(rows, job, "failed", finished_at="2026-11-04 08:59:59.9+09")
    an_execution(rows, job, "failed", finished_at="2026-11-05 00:00+09")
    leads = re.findall(r'href="(/scheduler/executions\?[^"]*until[^"]*)"[^>]*>(?:✕ ?|↷)?(\d+)<', web.page(path).text)
    assert len(leads) >= 2
    for address, number in leads:
        assert len(numbers(web.page(html.unescape(address)).text)) == int(number), address


def test_an_overlay_is_previewed_then_added_ended_and_removed_by_an_admin(web: Web, rows: Rows) -> None:
    rows.add_job("자주", interval="1 hour")
    url, client = "/scheduler/calendar/overlays", web.ask["admin"]
    form = {"name": "행사", "starts_at": "2030-11-27T00:00", "ends_at": "2030-11-28T00:00", "action": "multiply", "factor": "3"}
    seen = client.post(url, data={**form, "step": "preview"}, headers=HTML)
    assert "24번 → 72번" in seen.text and rows.one("SELECT count(*) FROM schedule_overlays") == 0
    wrong = client.post(url, data={**form, "factor": "many", "step": "save"}, headers=HTML)
    assert wrong.status_code == 422 and "배수" in wrong.text and 'value="행사"' in wrong.text
    saved = client.post(url, data={**form, "step": "save"}, headers=HTML)
    assert saved.status_code == 303
    assert client.post(url, data={**form, "step": "save"}, headers=HTML).status_code == 409
    assert web.ask["operator"].post(url, data=form, headers=HTML).status_code == 403
    number = rows.one("SELECT id FROM schedule_overlays")
    viewed = web.page(f"{url}/{number}", "viewer", "en").text
    assert "24 runs in the period" in viewed and "New overlay" not in viewed
    rows.connection.execute("UPDATE schedule_overlays SET starts_at = now() - interval '1 hour'")
    assert client.post(f"{url}/{number}/end", headers=HTML).status_code == 303
    assert rows.one("SELECT ends_at <= now() FROM schedule_overlays") is True
    assert client.post(f"{url}/{number}/remove", headers=HTML).status_code == 303
    assert rows.all("SELECT action FROM audit_log ORDER BY id") == ["overlay.add", "overlay.end", "overlay.remove"]


def test_days_are_closed_and_forgotten_by_an_admin(web: Web, rows: Rows) -> None:
    url, client = "/scheduler/calendar/days", web.ask["admin"]
    assert "추석" in web.page(url + "?year=2026").text
    data = {"calendar": "kr", "day": "2026-05-06", "name": "임시공휴일"}
    assert web.ask["operator"].post(url, data=data, headers=HTML).status_code == 403
    assert client.post(url, data=data, headers=HTML).status_code == 303
    assert "임시공휴일" in web.page(url + "?year=2026", "viewer").text
    assert client.post(url, data={**data, "day": "x"}, headers=HTML).status_code == 422
    assert client.post(url + "/remove", data=data, headers=HTML).status_code == 303
    assert client.post(url + "/calendars", data={"name": "ours", "base": "kr", "closed": "sun"}, headers=HTML).status_code == 303
    assert rows.one("SELECT base, closed_weekdays FROM calendars WHERE name = 'ours'") == ("kr", "sun")
    assert client.post(url + "/calendars", data={"name": "Bad Name"}, headers=HTML).status_code in (409, 422)
    assert web.page(url + "?calendar=none").status_code == 404
