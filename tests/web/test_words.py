"""Words on the pages: none of a machine where people read, and the audit log for those who may read it."""

from __future__ import annotations

import ast
import html
import re
from pathlib import Path

import pytest

import scheduler
from scheduler.web.audit_words import DEEDS, NOUNS, deed_word, deeds_to_choose, object_asked, object_word
from scheduler.web.field_words import length_words, stored_words
from scheduler.web.pages.handlers import fields_of
from scheduler.words import set_language
from tests.support.daemons import Rows
from tests.web.conftest import Web

HANGUL = re.compile("[가-힣]")
BOTH = ("ko", "en")


def main_of(text: str) -> str:
    return html.unescape(re.sub(r"\s+", " ", text.partition("<main")[2].partition("</main>")[0]))


# -- who may read the audit log ------------------------------


def test_the_page_and_rest_let_the_same_people_read_the_audit_log(web: Web) -> None:
    for role, status in (("viewer", 403), ("operator", 200), ("admin", 200)):
        assert web.page("/scheduler/audit", role).status_code == status, role
        assert web.page("/scheduler/audit?tab=edits", role).status_code == status, role
        assert web.ask[role].get("/api/v1/audit").status_code == status, role
        assert ("/scheduler/audit" in web.page("/scheduler/more", role).text) is (status == 200), role


def test_an_operator_reads_the_same_through_both_doors(web: Web, rows: Rows) -> None:
    rows.connection.execute("INSERT INTO audit_log (actor, via, address, action, object, before, after, trace_id) VALUES"
                            " ('kim', 'web', '192.0.2.7', 'session.begin', 'user:1', '\"old-1\"', '\"new-1\"', 'abc123')")
    for role, there in (("operator", False), ("admin", True)):
        page, rest = web.page("/scheduler/audit", role).text, web.ask[role].get("/api/v1/audit").text
        for value in ("192.0.2.7", "old-1", "new-1", "abc123"):
            assert (value in page) is there and (value in rest) is there, (role, value)
        assert "kim" in page and "kim" in rest


# -- words of the audit log ------------------------------


def noted() -> set[str]:
    """Return every deed that the source writes down as a whole text."""
    found: set[str] = set()
    for file in Path(scheduler.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) == "note":
                found |= {each.value for each in node.args if isinstance(each, ast.Constant) and isinstance(each.value, str)
                          and re.fullmatch(r"[a-z]+\.[a-z_]+", each.value)}
    return found


def test_every_deed_that_is_written_down_has_words() -> None:
    assert {"job.pause", "session.begin", "token.revoke", "node.drain"} <= noted()
    assert noted() <= set(DEEDS)
    assert {each.partition(".")[0] for each in DEEDS} <= set(NOUNS)
    for korean, english in (*DEEDS.values(), *NOUNS.values()):
        assert (HANGUL.search(korean) or korean == "REST") and not HANGUL.search(english)
    assert deed_word("thing.unheard_of") == "thing.unheard_of" and object_word("x") == "x"


@pytest.mark.parametrize("language", BOTH)
def test_the_audit_log_says_deeds_in_words_and_offers_them(web: Web, rows: Rows, language: str) -> None:
    job = rows.add_job("재고")
    rows.connection.execute("INSERT INTO audit_log (actor, role, via, action, object) VALUES"
                            " ('kim', 'admin', 'rest', 'job.pause', %s), ('kim', 'admin', 'web', 'session.begin', 'user:1')",
                            (f"job:{job}",))
    text = main_of(web.page("/scheduler/audit", "operator", language).text)
    words = {"ko": ("작업 일시정지", "로그인", "REST · 관리", f"작업 {job}"),
             "en": ("job paused", "logged in", "REST · admin", f"Job {job}")}
    for each in words[language]:
        assert each in text, each
    assert "<code>" not in text.partition("<table")[2], "no raw deed stands in the table"
    one = main_of(web.page("/scheduler/audit?action=session.begin", "operator", language).text)
    assert '<option value="session.begin" selected>' in one and words[language][1] in one
    assert f'href="/scheduler/jobs/{job}"' not in one
    unknown = main_of(web.page("/scheduler/audit?action=old.deed", "operator", language).text)
    assert '<option value="old.deed" selected>old.deed</option>' in unknown


def test_an_object_is_asked_for_as_people_say_it(web: Web, rows: Rows) -> None:
    for text, wanted in (("작업 17", "job:17"), ("Job #17", "job:17"), ("17", "job:17"), ("실행 9", "execution:9"),
                         ("job:17", "job:17"), ("calendar:kr", "calendar:kr"), ("무엇 3", "무엇 3"), ("", "")):
        assert object_asked(text) == wanted, text
    rows.connection.execute("INSERT INTO audit_log (actor, via, action, object) VALUES ('kim', 'web', 'job.run', 'job:17')")
    assert "작업 17</bdi>" in web.page("/scheduler/audit?object=작업 17", "operator").text
    assert "작업 17</bdi>" not in web.page("/scheduler/audit?object=작업 18", "operator").text


def test_all_of_a_noun_can_be_chosen() -> None:
    set_language("ko")
    values = [value for _, choices in deeds_to_choose("") for value, _ in choices]
    assert len(values) == len(set(values)) and {"job", "job.pause", "user"} <= set(values)


@pytest.mark.parametrize(("language", "column"), [("ko", "겹칠 때"), ("en", "On overlap")])
def test_edits_name_their_columns_in_words(web: Web, rows: Rows, language: str, column: str) -> None:
    job = rows.add_job("재고")
    rows.connection.execute("UPDATE schedule_jobs SET overlap_policy = 'allow' WHERE id = %s", (job,))
    text = main_of(web.page("/scheduler/audit?tab=edits", "admin", language).text)
    assert column in text and "overlap_policy" not in text


# -- values in words ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("column", "value", "korean", "english"), [
    ("overlap_policy", "skip", "건너뜀", "skipped"), ("misfire_policy", "run_once", "한 번만 실행", "run once for all"),
    ("on_holiday", "run", "그대로 실행", "run anyway"), ("misfire_grace", "00:01:00", "1분", "1 minute"),
    ("misfire_grace", "1 day 02:00:00", "1일 2시간", "1 day 2 hours"), ("interval", "1 mon", "1개월", "1 month"),
    ("timeout_minutes", 30.0, "30분", "30 minutes"), ("timeout_minutes", "0.5", "0.5분", "0.5 minutes"),
    ("jitter_seconds", 1, "1초", "1 second"), ("status", "paused", "일시정지", "Paused"),
    ("closed_weekdays", "sat,sun", "주말(토·일)", "Saturdays and Sundays"),
    ("days_of_week", "mon-fri", "평일(월~금)", "Monday to Friday"),
])
def test_a_stored_value_is_told_in_words(column: str, value: object, korean: str, english: str) -> None:
    for language, words in (("ko", korean), ("en", english)):
        set_language(language)
        assert stored_words(column, value) == words


def test_a_value_without_words_keeps_its_own() -> None:
    for column, value in (("name", "재고"), ("overlap_policy", "unheard_of"), ("misfire_grace", "soon"),
                          ("days_of_week", "someday"), ("timeout_minutes", "many"), ("interval", None), ("status", "")):
        assert stored_words(column, value) is None, column
    assert length_words("") is None


@pytest.mark.parametrize(("language", "words"), [
    ("ko", ("앞 실행이 끝나지 않음", "제한 시간 30분 안에 끝나지 않음", "노드 node-b에서 소식이 끊김: silent",
            "취소: 그만")),
    ("en", ("the former was not done", "did not end within its time limit of 30 min", "lost on node node-b: silent",
            "cancelled: 그만")),
])
def test_the_history_of_a_job_says_why_in_words(web: Web, rows: Rows, language: str, words: tuple[str, ...]) -> None:
    job = rows.add_job("재고")
    for number, (status, column, reason) in enumerate((
            ("skipped", "skip_reason", "overlap"), ("timed_out", "error_message", "did not end within timeout_minutes = 30"),
            ("lost", "error_message", "lost on node node-b: silent"), ("cancelled", "cancel_reason", "그만"))):
        rows.connection.execute(
            f"INSERT INTO job_executions (job_id, job_name, job_type, status, trigger, scheduled_for, finished_at, {column})"
            " VALUES (%s, '재고', 'order_collection', %s, 'schedule', now() - make_interval(mins => %s), now(), %s)".encode(),
            (job, status, number, reason))
    text = main_of(web.page(f"/scheduler/jobs/{job}?tab=history", "viewer", language).text)
    for each in words:
        assert each in text, each
    assert "timeout_minutes" not in text and ">overlap<" not in text


@pytest.mark.parametrize(("language", "words"), [
    ("ko", ["정수, 1 이상, 9 이하", "예/아니요", "목록 (글, 3자까지)", "수 또는 비움", '"a", "b" 중 하나', "날짜"]),
    ("en", ["whole number, 1 or more, 9 or less", "yes or no", "list (text, at most 3 characters)", "number or nothing",
            '"a", "b" (one of these)', "day"]),
])
def test_the_types_of_parameters_are_told_in_words(language: str, words: list[str]) -> None:
    set_language(language)
    schema = {"properties": {
        "a": {"type": "integer", "minimum": 1, "maximum": 9}, "b": {"type": "boolean"},
        "c": {"type": "array", "items": {"type": "string", "maxLength": 3}},
        "d": {"anyOf": [{"type": "number"}, {"type": "null"}]},
        "e": {"enum": ["a", "b"]}, "f": {"type": "string", "format": "date"}}}
    assert [each["kind"] for each in fields_of(schema)] == words


@pytest.mark.parametrize(("language", "word", "days"), [("ko", "품절", "토, 일"), ("en", "sold out", "Sat, Sun")])
def test_markets_and_calendars_name_things_in_words(web: Web, rows: Rows, language: str, word: str, days: str) -> None:
    rows.connection.execute("INSERT INTO erp.events (kind, subject, ko, en)"
                            " VALUES ('stock.sold_out', 'A1', 'A1 품절', 'A1 is out')")
    text = main_of(web.page("/scheduler/markets", "viewer", language).text)
    assert f">{word}</span>" in text and "stock.sold_out" not in text
    calendars = main_of(web.page("/scheduler/calendar/days", "viewer", language).text)
    assert days in calendars and "sat,sun" not in calendars


def test_one_korean_word_for_a_handler() -> None:
    source = Path(scheduler.__file__).parent
    found = [str(file) for kind in ("*.py", "*.html", "*.js") for file in source.rglob(kind)
             if "핸들러" in file.read_text(encoding="utf-8")]
    assert not found


@pytest.mark.parametrize("language", BOTH)
def test_why_a_job_cannot_run_is_told_in_the_readers_language(web: Web, rows: Rows, language: str) -> None:
    job = rows.add_job("재고")
    rows.connection.execute(
        "UPDATE schedule_jobs SET status = 'invalid', last_error = 'calendar mars is not known' WHERE id = %s", (job,))
    for path in (f"/scheduler/jobs/{job}", "/scheduler"):
        text = main_of(web.page(path, "viewer", language).text)
        assert ("calendar mars: 모르는 달력입니다" in text) is (language == "ko"), path
        assert ("calendar mars is not known" in text) is (language == "en"), path
