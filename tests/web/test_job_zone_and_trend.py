"""The page of a job: times of another zone are marked, and its durations are drawn with the line of the timeout."""

from __future__ import annotations

import html
import json
import re
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from scheduler.web.job_pictures import trend, trend_values
from scheduler.web.zone_words import short_name, zone_mark
from scheduler.words import set_language
from tests.support.daemons import Rows
from tests.web.conftest import Web
from tests.web.test_executions_page import an_execution

WINTER, SUMMER = datetime(2026, 11, 22, 6, 30, tzinfo=UTC), datetime(2026, 7, 1, 6, 30, tzinfo=UTC)


def test_a_zone_has_its_short_name_of_that_day_and_the_korean_time() -> None:
    assert str(zone_mark(WINTER, "America/New_York")) == (
        ' <abbr class="zone" title="America/New_York · 한국 11-22 15:30">EST</abbr>')
    set_language("en")
    assert "07-01 15:30 in Seoul" in zone_mark(SUMMER, "America/New_York") and ">EDT<" in zone_mark(SUMMER, "America/New_York")
    assert zone_mark(WINTER, "Asia/Seoul") == "" and zone_mark(None, "UTC") == "" and ">UTC<" in zone_mark(WINTER, "UTC")


@pytest.mark.parametrize(("zone", "name"), [
    ("Asia/Tokyo", "JST"), ("America/Sao_Paulo", "UTC-03"), ("Asia/Kathmandu", "UTC+05:45"), ("Asia/Kolkata", "IST")])
def test_a_zone_without_letters_is_named_by_its_distance(zone: str, name: str) -> None:
    assert short_name(WINTER.astimezone(ZoneInfo(zone))) == name


@pytest.mark.parametrize("tab", ["", "?tab=history", "?tab=calendar"])
def test_each_time_of_a_job_abroad_is_marked(web: Web, rows: Rows, tab: str) -> None:
    job = rows.add_job("뉴욕 새벽", interval="1 day", timezone="America/New_York")
    home = rows.add_job("서울 새벽", interval="1 day")
    for each in (job, home):
        an_execution(rows, each, "success", result='{"orders": 3}')
        rows.connection.execute("INSERT INTO schedule_forecast (job_id, planned_at, run_at) SELECT %s, at, at FROM"
                                " (SELECT now() + interval '20 hours' AS at) AS each", (each,))
    for language in ("ko", "en"):
        abroad = web.page(f"/scheduler/jobs/{job}{tab}", language=language).text
        shown = re.findall(r'<time [^>]*>.*?</time>(.{0,30})', abroad[abroad.index('id="head"'):])
        assert shown and all(each.startswith(' <abbr class="zone"') for each in shown), shown
        assert 'class="zone"' not in web.page(f"/scheduler/jobs/{home}{tab}", language=language).text


def test_reasons_name_another_zone_too(rows: Rows) -> None:
    assert rows.one("SELECT schedule_local('2026-11-22 15:30+09', 'America/New_York')") == "2026-11-22 01:30 (America/New_York)"
    assert rows.one("SELECT schedule_local('2026-11-22 15:30+09')") == "2026-11-22 15:30"


DAYS = [{"day": date(2026, 11, 20) + timedelta(each), "p50_ms": 40_000 + each, "p95_ms": 60_000} for each in range(3)]


def test_the_line_of_the_timeout_is_always_there_near_or_far() -> None:
    near, far = str(trend(DAYS, 120_000)), str(trend(DAYS, 1_800_000))
    assert 'class="limit"' in near and ">제한 시간 2분" in near
    assert 'class="limit" d="M70 8.0H' in far and ">↑ 제한 시간 30분" in far
    values = trend_values(DAYS, 1_800_000)
    assert values["at"][0] == int(datetime(2026, 11, 20, tzinfo=UTC).timestamp()) and values["p50"] == [40000.0, 40001.0, 40002.0]
    assert values["limit"] == 1_800_000 and values["isNear"] is False and trend_values(DAYS, 120_000)["isNear"] is True
    set_language("en")
    assert trend_values(DAYS, 1_800_000)["limitWords"].startswith("↑ time limit 30 min")
    assert trend_values([], 1.0)["at"] == []


def test_the_trend_is_a_chart_with_a_picture_and_a_table_for_want_of_one(web: Web, rows: Rows) -> None:
    job = rows.add_job("재고")
    for number in range(4):
        an_execution(rows, job, "success", scheduled_for=f"2026-01-0{number + 1}")
    rows.connection.execute("UPDATE job_executions SET finished_at = now() - attempt * interval '1 day' - (id %% 3) * interval"
                            " '1 day', started_at = now() - attempt * interval '1 day' - (id %% 3) * interval '1 day'", ())
    for language, words in (("ko", "끌어서 확대"), ("en", "Drag to zoom")):
        text = web.page(f"/scheduler/jobs/{job}", language=language).text
        found = re.search(r'data-trend="([^"]*)"', text)
        assert found is not None
        data = json.loads(html.unescape(found[1]))
        assert len(data["at"]) == len(data["p95"]) >= 2 and data["limit"] > 0 and words in text
        assert 'class="trend-chart hidden"' in text and '<svg class="trend"' in text and "job_trend.js" in text
    assert "job_trend.js" not in web.page(f"/scheduler/jobs/{job}?tab=history").text


def test_a_type_that_a_live_node_runs_is_known(web: Web, rows: Rows) -> None:
    rows.connection.execute("INSERT INTO scheduler_nodes (instance_id, name, host, pid, version, workers, lease_seconds,"
                            " job_types) VALUES (gen_random_uuid(), 'a', 'h', 1, '1', 1, 30, '{own_backup}')")
    job = rows.add_job("백업", "own_backup")
    assert "아는 노드 없음" not in web.page(f"/scheduler/jobs/{job}").text
    assert "어느 노드도 모르는 유형" not in web.page("/scheduler/handlers").text
    assert "No node has announced" not in web.page(f"/scheduler/jobs/{job}/edit", language="en").text
    rows.connection.execute("UPDATE scheduler_nodes SET seen_at = now() - interval '1 hour'")
    assert "아는 노드 없음" in web.page(f"/scheduler/jobs/{job}").text


def test_settings_of_a_job_are_said_in_words(web: Web, rows: Rows) -> None:
    job = rows.add_job("재고", interval="30 minutes", overlap_policy="skip", misfire_policy="run_once", on_holiday="run")
    korean = web.page(f"/scheduler/jobs/{job}?tab=parameters").text
    english = web.page(f"/scheduler/jobs/{job}?tab=parameters", language="en").text
    assert "한 번만 실행" in korean and "그대로 실행" in korean and ">run_once<" not in korean and "30.0" not in korean
    assert "run once for all" in english and "run anyway" in english and ">run_once<" not in english
