"""The pictures that the server draws: shapes by state, words for those who cannot see them, nothing that grows without bound."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime

from scheduler.web.pictures.daymap import daymap
from scheduler.web.pictures.heatbar import MOST, heatbar, in_words
from scheduler.web.pictures.sparkline import sparkline
from scheduler.web.pictures.timeline import LANE, MINUTES, Lane, timeline
from scheduler.words import set_language


def test_heatbar_has_one_path_a_state_and_a_gap_where_it_was_skipped() -> None:
    drawn = heatbar(["success", "skipped", "failed", "success"], [1000, None, 5000, 3000])
    assert re.findall(r'<path class="(\w+)"', drawn) == ["success", "failed"]
    right = (MOST - 1) * 4
    assert f"M{right} " in drawn and f"M{right - 4} " not in drawn
    assert 'role="img"' in drawn and "성공 2" in drawn and "실패 1" in drawn and "건너뜀 1" in drawn


def test_heatbar_is_as_high_as_the_run_was_long_and_says_its_span() -> None:
    drawn = str(heatbar(["success", "success"], [9000, 10]))
    heights = [int(each) for each in re.findall(r"v(\d+)", drawn)]
    assert heights == [5, 18]
    since, until = datetime(2026, 11, 20, 0, 0, tzinfo=UTC), datetime(2026, 11, 21, 0, 30, tzinfo=UTC)
    assert in_words(["lost"], since, until) == "최근 1회: 유실 1 (11-20 09:00 – 11-21 09:30)"
    set_language("en")
    assert in_words(["timed_out"] * 3) == "Last 3: Timed out 3"


def test_a_job_that_never_ran_is_no_failure() -> None:
    assert "아직 실행 안 됨" in heatbar([]) and "svg" not in heatbar(None)
    assert len(re.findall("M", str(heatbar(["success"] * 400)))) == MOST


def test_sparkline_needs_three_points() -> None:
    assert sparkline([1.0, None, 2.0], "x") == ""
    drawn = sparkline([5.0, 1.0, 3.0], "<걸린 시간>")
    assert 'd="M0 1L40 17L80 9"' in drawn and "&lt;걸린 시간&gt;" in drawn


def test_daymap_tells_good_bad_mixed_and_idle_days_by_shape() -> None:
    rows = [{"day": date(2026, 11, 20), "ended": 3, "failed": 3}, {"day": date(2026, 11, 19), "ended": 4, "failed": 1},
            {"day": date(2026, 11, 18), "ended": 2, "failed": 0}, {"day": date(2026, 11, 18), "ended": 1, "failed": 0}]
    drawn = daymap(rows, date(2026, 11, 21))
    assert sorted(re.findall(r'class="day (\w+)"', drawn)) == ["bad", "good", "mixed", "none"]
    assert "10회 실행, 실패 4회 (마지막 실패 11-20)" in drawn
    shapes = {kind: path[path.index("M"):] for kind, path in re.findall(r'class="day (\w+)"[^>]* d="(M[^M"]*)', drawn)}
    assert len({re.sub(r"M\d+ \d+", "", each) for each in shapes.values()}) >= 3


def test_timeline_gathers_what_touches_and_draws_each_state_once() -> None:
    spans = [("success", minute, minute + 1) for minute in range(1000)] + [("failed", 700, 703), ("running", 1000, 1010)]
    lane = Lane(1, "주문", spans, future=[1100, 1100, 1200], missed=[5])
    drawn = timeline([lane, Lane(2, "재고")], 1005, "요약 <b>")
    drawn_states = re.findall(r'<path class="(\w+)"', drawn)
    assert drawn_states == ["running", "grid", "success", "outline", "failed", "future", "missed", "now"]
    success = re.search(r'<path class="success" d="([^"]*)"', drawn)
    assert success is not None and success[1] == "M0 7h1000v14h-1000z"
    assert f'viewBox="0 0 {MINUTES} {2 * LANE}"' in drawn and 'd="M1005 0V56"' in drawn and "요약 &lt;b&gt;" in drawn
    assert 'class="now"' not in timeline([lane], None, "x")
