"""What PostgreSQL refuses, in words: no name of a constraint ever stands for a sentence."""

from __future__ import annotations

import re
from typing import Any

import psycopg
import pytest
from psycopg import sql

from scheduler.cli import exit_codes
from scheduler.database.constraint_words import CHECKS, NOUNS, REFERENCES, check_words, cut, missing_words
from scheduler.database.refusals import in_our_words
from scheduler.errors import Conflict, NotFound, ParameterError, SchedulerError
from scheduler.words import set_language
from tests.doors.conftest import Cli, a_job

Connection = psycopg.Connection[Any]
OURS = """
SELECT constraints.conname, target.relname
  FROM pg_constraint AS constraints
  JOIN pg_namespace AS space ON space.oid = constraints.connamespace
  LEFT JOIN pg_class AS target ON target.oid = constraints.confrelid
 WHERE constraints.contype = %s AND space.nspname NOT IN ('pg_catalog', 'information_schema')
"""
HANGUL = re.compile("[가-힣]")


def refused(connection: Connection, statement: str, language: str = "en") -> SchedulerError:
    set_language(language)
    with pytest.raises(psycopg.Error) as raised:
        connection.execute(sql.SQL(statement))
    found = in_our_words(raised.value)
    assert found is not None
    return found


def test_every_check_of_the_schema_has_words_in_both_languages(connection: Connection) -> None:
    names = [each[0] for each in connection.execute(OURS, ("c",)).fetchall()]
    assert len(names) > 50
    missing = [name for name in names if check_words(name) is None]
    assert not missing, f"scheduler/cli/constraint_words.py has no words for {missing}"
    for name in names:
        korean, english = check_words(name) or ("", "")
        assert HANGUL.search(korean) and english and not HANGUL.search(english), name
    gone = [name for name in CHECKS if cut(name) not in names]
    assert not gone, f"the schema has no such constraint: {gone}"


def test_every_foreign_key_names_what_is_missing(connection: Connection) -> None:
    found = dict(connection.execute(OURS, ("f",)).fetchall())
    assert found == REFERENCES and set(found.values()) == set(NOUNS)
    for name in found:
        assert "'x'" in (missing_words(name, "x") or "")


@pytest.mark.parametrize(("statement", "korean", "english"), [
    ("INSERT INTO calendar_days (day, name) VALUES ('1999-01-01', 'x')", "2000년에서 2200년", "between the years 2000 and 2200"),
    ("INSERT INTO calendars (name) VALUES ('A B')", "영문 소문자", "small letters"),
    ("INSERT INTO schedule_overlays (name, starts_at, ends_at, action) VALUES ('a', '2031-02-01', '2031-01-01', 'stop')",
     "시작이 끝보다 앞서고", "begins before it ends"),
    ("INSERT INTO schedule_overlays (name, starts_at, ends_at, action) VALUES ('a', '2031-01-01', '2031-02-01', 'multiply')",
     "0.01에서 100", "between 0.01 and 100"),
    ("INSERT INTO erp.stock (sku, quantity) VALUES ('a', -1)", "0 이상", "0 or more"),
])
def test_a_check_is_told_in_words(connection: Connection, statement: str, korean: str, english: str) -> None:
    for language, words in (("ko", korean), ("en", english)):
        found = refused(connection, statement, language)
        assert isinstance(found, ParameterError) and exit_codes.code_of(found) == exit_codes.USAGE
        assert words in str(found) and "constraint" not in str(found) and "relation" not in str(found)


def test_what_is_pointed_to_and_missing_is_not_found(connection: Connection) -> None:
    found = refused(connection, "INSERT INTO calendar_days (calendar, day, name) VALUES ('mars', '2031-01-01', 'x')")
    assert isinstance(found, NotFound) and str(found) == "there is no calendar 'mars'\nerp-scheduler calendar list"
    found = refused(connection, "INSERT INTO job_dependencies (job_id, depends_on) VALUES (7, 8)", "ko")
    assert isinstance(found, NotFound) and "작업 '7'이 없습니다" in str(found) and "jobs list" in str(found)


def test_what_is_still_used_is_a_conflict(connection: Connection) -> None:
    a_job(connection, calendar="kr-holidays")
    found = refused(connection, "DELETE FROM calendars WHERE name = 'kr-holidays'")
    assert isinstance(found, Conflict) and "calendar 'kr-holidays' is still in use" in str(found)
    found = refused(connection, "DELETE FROM calendars WHERE name = 'kr'", "ko")        # its own heir points to it
    assert isinstance(found, Conflict) and "달력 'kr'은 아직 쓰이고" in str(found)


def test_a_value_that_is_taken_is_named(connection: Connection) -> None:
    found = refused(connection, "INSERT INTO calendars (name) VALUES ('kr')")
    assert isinstance(found, Conflict) and str(found) == "it exists already: kr"


def test_a_trigger_keeps_its_own_words_and_hint(connection: Connection) -> None:
    found = refused(connection, "DO $$ BEGIN RAISE check_violation USING MESSAGE = 'a -> b -> a', HINT = 'take one away'; END $$")
    assert isinstance(found, ParameterError) and exit_codes.code_of(found) == exit_codes.USAGE
    assert str(found) == "a -> b -> a\n→ take one away"


@pytest.mark.parametrize("language", ["ko", "en"])
def test_a_circle_of_calendars_is_refused_with_the_way_out(cli: Cli, language: str) -> None:
    cli("calendar", "make", "a", "--base", "kr")
    cli("calendar", "make", "b", "--base", "a")
    said = cli("calendar", "make", "a", "--base", "b", "--lang", language, code=2).stderr
    assert "→" in said and "constraint" not in said
    assert bool(HANGUL.search(said.partition("→")[2])) is (language == "ko")
