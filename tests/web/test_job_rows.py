"""The rows of the lists of jobs: times of other zones are marked, and what holds nothing says so to the style sheet."""

from __future__ import annotations

import re

import pytest

from tests.support.daemons import Rows
from tests.web.conftest import Web


@pytest.mark.parametrize(("language", "hint"), [("ko", "한국 "), ("en", " in Seoul")])
def test_a_next_time_of_another_zone_is_marked(web: Web, rows: Rows, language: str, hint: str) -> None:
    rows.add_job("seoul", interval="1 hour")
    rows.add_job("tokyo", interval="1 hour", timezone="Asia/Tokyo")
    rows.connection.execute("UPDATE schedule_jobs SET next_run_at = now() + interval '5 hours'")
    for path in ("/scheduler/jobs", "/scheduler"):
        found = re.findall(r'<abbr class="zone" title="(Asia/Tokyo · [^"]+)">JST</abbr>', web.page(path, language=language).text)
        assert len(found) == 1 and hint in found[0], path


def test_a_pause_that_ends_in_another_zone_is_marked(web: Web, rows: Rows) -> None:
    rows.add_job("tokyo", interval="1 hour", timezone="Asia/Tokyo", status="paused", paused_until="2099-01-01T00:00:00Z")
    assert ">JST</abbr>" in web.page("/scheduler/jobs").text


def test_cells_that_hold_nothing_are_told_apart(web: Web, rows: Rows) -> None:
    rows.add_job("bare")
    text = web.page("/scheduler/jobs?columns=name,last,runs,next,p50,owner,tags,markets").text
    cells = re.findall(r"<td([^>]*)>–</td>", text)
    assert len(cells) >= 4 and all(re.search(r'class="[^"]*\bnone\b', each) for each in cells)
