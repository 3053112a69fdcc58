"""One execution: its state, error and hint, attempts, log, and what can be done with it."""

from __future__ import annotations

import pytest

from scheduler.web.harmless import harmless
from scheduler.web.hints import hint_of
from scheduler.words import set_language
from tests.support.daemons import Rows
from tests.web.conftest import HTML, Web
from tests.web.test_executions_page import an_execution


def lines(rows: Rows, execution: int, *messages: str, first: int = 0, level: str = "INFO") -> None:
    for place, message in enumerate(messages):
        rows.connection.execute(
            "INSERT INTO execution_logs (execution_id, line, logged_at, level, message) VALUES (%s, %s, now(), %s, %s)",
            (execution, first + place, level, message))


def test_a_failed_execution_says_what_happened_and_what_to_do(web: Web, rows: Rows) -> None:
    job = rows.add_job("11번가", parameters='{"days": 3}')
    failed = an_execution(rows, job, "failed", error_class="AuthFailed", parameters='{"days": 3}',
                          error_message="HTTP 401 <i>만료\nTraceback\n  File x", result='{"orders": 1234, "by": {"a": 1}}')
    text = web.page(f"/scheduler/executions/{failed}", "operator").text
    assert "HTTP 401 &lt;i&gt;만료" in text and "Traceback" in text and "키가 만료" in text and "1,234" in text
    assert "다시 시도" in text and "&#34;days&#34;: 3" in text
    shown = web.page(f"/scheduler/executions/{failed}", "viewer", "en").text
    assert "a key has expired" in shown and "/retry" not in shown and "Parameters" in shown


@pytest.mark.parametrize(("kind", "message", "word"), [
    ("", "psycopg.errors.QueryCanceled: 57014", "57014"), ("HTTPError", "HTTP 429 Too Many Requests", "limit of calls"),
    ("timeout", "did not end", "time limit"), ("crashed", "signal 9", "memory"), ("lost", "", "heartbeats"),
    ("parameters", "days", "parameters"), ("GiveUp", "HTTP 401", "credentials"), ("ValueError", "who knows", None),
])
def test_known_signs_are_explained_and_unknown_ones_are_not_guessed(kind: str, message: str, word: str | None) -> None:
    set_language("en")
    hint = hint_of({"error_class": kind, "error_message": message})
    assert (hint is None) is (word is None)
    assert hint is None or (word or "") in hint.cause_words()


def test_all_attempts_are_drawn_and_stand_in_a_table(web: Web, rows: Rows) -> None:
    job = rows.add_job("j")
    first = an_execution(rows, job, "failed", scheduled_for="2026-01-01")
    second = an_execution(rows, job, "success", scheduled_for="2026-01-01", attempt=2, retry_of=first)
    text = web.page(f"/scheduler/executions/{second}", language="en").text
    assert 'role="img" aria-label="2 attempts: 1 ✕ Failed 1.5 s; 2 ✓ Succeeded 1.5 s"' in text
    assert f'href="/scheduler/executions/{first}"' in text
    assert f"attempt 2 #{second}" in web.page(f"/scheduler/executions/{first}", language="en").text


def test_the_log_is_followed_by_what_comes_after_and_does_no_harm(web: Web, rows: Rows) -> None:
    running = an_execution(rows, rows.add_job("j"), "queued")
    lines(rows, running, "한글 \x1b[31mred\x1b[0m <script>alert(1)</script>", "two")
    page = web.page(f"/scheduler/executions/{running}").text
    assert "한글 <span class=\"a31\">red</span> &lt;script&gt;" in page and f"/scheduler/executions/{running}/log?after=1" in page
    lines(rows, running, "three", first=2, level="ERROR")
    more = web.page(f"/scheduler/executions/{running}/log?after=1").text
    assert "three" in more and "two" not in more and "after=2" in more and "<html" not in more
    rows.connection.execute("UPDATE job_executions SET status = 'success', finished_at = now() WHERE id = %s", (running,))
    ended = web.page(f"/scheduler/executions/{running}/log?after=2").text
    assert "hx-get" not in ended and "three" not in ended
    narrowed = web.page(f"/scheduler/executions/{running}?level=ERROR").text
    assert "three" in narrowed and "two</div>" not in narrowed
    assert "two" in web.page(f"/scheduler/executions/{running}?find=TWO").text
    file = web.ask["viewer"].get(f"/scheduler/executions/{running}/log.txt")
    assert "\x1b" not in file.text and "한글 red" in file.text and file.headers["content-type"] == "text/plain; charset=utf-8"


def test_characters_that_act_are_shown_instead(web: Web) -> None:
    assert harmless("a\x07b\x00c") == "a␇b␀c"
    assert harmless("\x1b]0;title\x07x\x1b[2Jy") == "xy"
    assert harmless("pay\u202eexe") == "pay<U+202E>exe"
    assert harmless("줄\n바꿈\t탭") == "줄\n바꿈\t탭"


def test_it_is_tried_again_as_it_was_or_with_other_parameters(web: Web, rows: Rows) -> None:
    job = rows.add_job("j", parameters='{"days": 1}')
    failed = an_execution(rows, job, "failed", parameters='{"days": 1}')
    url, client = f"/scheduler/executions/{failed}/retry", web.ask["operator"]
    assert client.post(url, data={"parameters": "[1"}, headers=HTML).status_code == 422
    assert client.post(url, data={"parameters": "[1]"}, headers=HTML).status_code == 422
    done = client.post(url, data={"parameters": '{"days": 5}'}, headers=HTML)
    again = int(done.headers["location"].rpartition("/")[2])
    assert done.status_code == 303
    assert rows.one("SELECT retry_of, parameters->>'days' FROM job_executions WHERE id = %s", again) == (failed, "5")
    refused = client.post(url, data={}, headers=HTML)
    assert refused.status_code == 409 and str(again) in refused.text
    assert web.ask["viewer"].post(url, data={}, headers=HTML).status_code == 403


def test_an_operator_does_not_choose_parameters_of_a_mighty_type(web: Web, rows: Rows) -> None:
    job = rows.add_job("sql", "sql_statement", parameters='{"statement": "SELECT 1"}')
    failed = an_execution(rows, job, "failed", parameters='{"statement": "SELECT 1"}')
    url = f"/scheduler/executions/{failed}/retry"
    other = {"parameters": '{"statement": "SELECT 2"}'}
    assert web.ask["operator"].post(url, data=other, headers=HTML).status_code == 403
    assert rows.one("SELECT count(*) FROM job_executions") == 1
    assert web.ask["operator"].post(url, data={}, headers=HTML).status_code == 303


def test_what_waits_is_cancelled_with_its_reason(web: Web, rows: Rows) -> None:
    waiting = an_execution(rows, rows.add_job("j"), "queued")
    url = f"/scheduler/executions/{waiting}/cancel"
    assert web.ask["viewer"].post(url, headers=HTML).status_code == 403
    assert web.ask["operator"].post(url, data={"reason": "잘못된 기간"}, headers=HTML).status_code == 303
    assert rows.one("SELECT status, cancel_reason FROM job_executions") == ("cancelled", "잘못된 기간")
    assert "잘못된 기간" in web.page(f"/scheduler/executions/{waiting}").text
    assert web.ask["operator"].post(url, headers=HTML).status_code == 409


def test_secrets_in_parameters_are_masked_and_not_edited(web: Web, rows: Rows) -> None:
    job = rows.add_job("j")
    failed = an_execution(rows, job, "failed", parameters='{"api_key": "hush-hush-hush"}')
    text = web.page(f"/scheduler/executions/{failed}").text
    assert "hush-hush" not in text and "<textarea" not in text


def test_unknown_ones_are_not_found(web: Web) -> None:
    for number in ("9", "99999999999999999999", "x"):
        assert web.page(f"/scheduler/executions/{number}").status_code in (404, 422), number
