"""What an execution's page says of where it ran and what may be typed, its log in colour and from its end, its bars."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.web.ansi import coloured
from scheduler.web.harmless import harmless
from scheduler.web.pictures.attempts import attempts_picture
from tests.support.daemons import Rows
from tests.web.conftest import HTML, Web
from tests.web.test_execution_page import lines
from tests.web.test_executions_page import an_execution

STATIC = Path(__file__).parents[2] / "scheduler" / "web" / "static"


@pytest.mark.parametrize(("text", "html"), [
    ("\x1b[31mred\x1b[0m plain", '<span class="a31">red</span> plain'),
    ("\x1b[1;4;92m<b>\x1b[22;24m!\x1b[39m.", '<span class="a92 bold line-under">&lt;b&gt;</span><span class="a92">!</span>.'),
    ("\x1b[38;5;31mx\x1b[48;2;1;4;31my\x1b[m", "xy"),
    ("\x1b[41;7;5mx\x1b[2J\x1b]0;title\x07y", "xy"),
    ("\x1b[031mx", '<span class="a31">x</span>'),
    ("\x1b[9999999999mx\x1b[é<script>", "x␛[é&lt;script&gt;"),
    ('" onclick="x\x1b[32ma"b', '&#34; onclick=&#34;x<span class="a32">a&#34;b</span>'),
])
def test_colours_of_terminals_become_classes_and_nothing_else(text: str, html: str) -> None:
    assert str(coloured(text)) == html


PARTS = ["\x1b[31m", "\x1b[0;1m", "\x1b[4;97m", "\x1b]8;;x\x07", "\x1b[2K", "<i>", '"', "'", "&", "가", "\r\n"]


@given(st.lists(st.sampled_from(PARTS) | st.text(max_size=5), max_size=30))
def test_coloured_text_has_no_markup_but_its_spans(parts: list[str]) -> None:
    text = "".join(parts)
    bare = re.sub(r'<span class="[a-z0-9 -]+">|</span>', "", coloured(text))
    assert not re.search(r"[<>\"'\x1b]", bare)
    if "\x1b]" not in text and "\r" not in text and not re.search(r"\x1b(?!\[[0-9;]*[mK])", text):
        assert re.sub("<[^>]*>", "", coloured(text)) == str(coloured(harmless(text)))


def test_very_many_colours_are_no_flood_of_spans() -> None:
    assert "<span" not in coloured("\x1b[31mx\x1b[0my" * 5000)


def test_colours_of_the_log_can_be_read_in_both_themes() -> None:
    general, own = ((STATIC / name).read_text(encoding="utf-8") for name in ("app.css", "execution.css"))
    tokens = dict(re.findall(r"(--[a-z-]+): light-dark\((#[0-9a-f]{6}, #[0-9a-f]{6})\)", general + own))
    paper = re.search(r"\.log \{ background: light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)", general)
    used = set(re.findall(r"\.a(?:3|9)\d \{ color: var\((--[a-z]+)\)", own))
    assert len(used) == 8 and paper is not None
    for name in used:
        for place, colour in enumerate(tokens[name].split(", ")):
            assert _contrast(colour, paper[place + 1]) >= 4.5, (name, colour)


def _contrast(one: str, other: str) -> float:
    def light(colour: str) -> float:
        parts = [int(colour[each:each + 2], 16) / 255 for each in (1, 3, 5)]
        linear = [each / 12.92 if each <= 0.03928 else ((each + 0.055) / 1.055) ** 2.4 for each in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((light(one), light(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_what_is_offered_to_type_fits_the_state(web: Web, rows: Rows) -> None:
    job = rows.add_job("j")
    failed, done = an_execution(rows, job, "failed"), an_execution(rows, job, "success", scheduled_for="2026-01-01")
    waits = an_execution(rows, job, "queued", scheduled_for="2026-01-02")
    for number, offered in ((failed, f"schedule_retry({failed})"), (done, f"schedule_run_now({job})"),
                            (waits, f"schedule_cancel({waits})")):
        text = web.page(f"/scheduler/executions/{number}", language="en").text
        sql = text[text.index('<pre id="sql">'):]
        assert offered in sql[:sql.index("</pre>")] and sql[:sql.index("</pre>")].count("schedule_") == 1
    assert f'href="/scheduler/jobs/{job}?tab=why"' in web.page(f"/scheduler/executions/{waits}").text


def test_the_process_and_the_request_are_among_the_facts(web: Web, rows: Rows) -> None:
    job = rows.add_job("j")
    answer = web.ask["operator"].post(f"/scheduler/quick/{job}/run", headers=HTML)
    trace = answer.headers["x-trace-id"]
    number = rows.one("SELECT id FROM job_executions")
    instance = rows.one("INSERT INTO scheduler_nodes (instance_id, name, host, pid, version, workers, lease_seconds)"
                        " VALUES (gen_random_uuid(), 'a', 'erp-1', 4711, '1', 1, 30) RETURNING instance_id")
    rows.connection.execute("UPDATE job_executions SET instance_id = %s, node = 'a'", (instance,))
    korean = web.page(f"/scheduler/executions/{number}").text
    english = web.page(f"/scheduler/executions/{number}", "viewer", "en").text
    assert "데몬 pid" in korean and "요청 번호 (trace id)" in korean and "Daemon pid" in english and "Trace id" in english
    for text in (korean, english):
        assert "<code>4711</code> · erp-1" in text and f"<code>{trace}</code>" in text
    planned = an_execution(rows, job, "success", trigger="schedule", scheduled_for="2026-01-01")
    assert trace not in web.page(f"/scheduler/executions/{planned}").text


def test_a_log_that_has_ended_opens_at_its_end_and_in_a_portion(web: Web, rows: Rows) -> None:
    failed = an_execution(rows, rows.add_job("j"), "failed")
    lines(rows, failed, *(f"line {number}." for number in range(1100)))
    text = web.page(f"/scheduler/executions/{failed}").text
    assert '<div class="log from-end" id="log"' in text and "line 1099." in text and "line 99." not in text
    assert "before=100" in text and "line 99." in web.page(f"/scheduler/executions/{failed}?before=100").text
    running = an_execution(rows, rows.add_job("k"), "queued")
    assert '<div class="log" id="log"' in web.page(f"/scheduler/executions/{running}").text


def test_a_row_that_was_written_after_its_run_is_drawn_as_long_as_it_ran() -> None:
    ended = datetime(2026, 11, 19, 12, tzinfo=UTC)
    one = {"id": 1, "attempt": 1, "status": "failed", "created_at": ended + timedelta(days=2), "available_at": ended,
           "started_at": ended - timedelta(seconds=43), "finished_at": ended, "duration_ms": 43000}
    drawn = str(attempts_picture([one], 1, ended + timedelta(days=2)))
    bar = re.search(r'<rect class="failed this" x="([\d.]+)%" y="18" width="([\d.]+)%"', drawn)
    assert bar is not None and float(bar[1]) < 1 and float(bar[2]) > 90 and drawn.count("<rect") == 1


def test_bars_have_the_colour_of_their_state_and_a_short_run_is_seen() -> None:
    begin = datetime(2026, 11, 19, 12, tzinfo=UTC)
    first = {"id": 1, "attempt": 1, "status": "failed", "created_at": begin, "available_at": begin, "duration_ms": 1000,
             "started_at": begin + timedelta(hours=1), "finished_at": begin + timedelta(hours=1, seconds=1)}
    second = {**first, "id": 2, "attempt": 2, "status": "success", "created_at": begin + timedelta(hours=1, seconds=1)}
    second |= {"started_at": begin + timedelta(hours=2), "finished_at": begin + timedelta(hours=2, seconds=1)}
    drawn = str(attempts_picture([first, second], 2, begin + timedelta(days=1)))
    assert '<rect class="failed" ' in drawn and '<rect class="success this" ' in drawn
    assert all(float(each) >= 2 for each in re.findall(r'class="(?:failed|success this)"[^>]* width="([\d.]+)%"', drawn))
    assert ".attempts .this { stroke: var(--ink); }" in (STATIC / "execution.css").read_text("utf-8")
