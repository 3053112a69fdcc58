"""Faults of rows in Korean: every one that a trigger of schedule_jobs can list, and what a job's last_error says."""

from __future__ import annotations

import re
from typing import Any

import psycopg
import pytest

from scheduler.database.fault_words import in_words, split_faults
from scheduler.database.refusals import in_our_words
from scheduler.words import set_language

Connection = psycopg.Connection[Any]
HANGUL = re.compile("[가-힣]")
LITERAL = re.compile(r"faults \|\| (?:format\()?'((?:[^']|'')*)'((?:\s*'(?:[^']|'')*')*)")
FUNCTIONS = "SELECT pg_get_functiondef(oid) FROM pg_proc WHERE proname IN ('schedule_jobs_validate', 'schedule_rule_faults')"
# What stands for %s: a quoted text, as the function writes one, or a number.
VALUES = ("'x y'", "500", "nothing")


def test_every_fault_of_a_job_has_korean_words(connection: Connection) -> None:
    set_language("ko")
    found = [first.replace("''", "'") for text, in connection.execute(FUNCTIONS).fetchall()
             for first, _ in LITERAL.findall(text)]
    assert len(found) > 35
    silent = []
    for fault in found:
        told = [in_words(fault.replace("%s", value)) for value in VALUES]
        if not any(HANGUL.search(each) for each in told):
            silent.append(fault)
    assert not silent, "scheduler/database/fault_words.py has no words for these"


@pytest.mark.parametrize(("values", "korean", "column"), [
    ("max_retries = 500", "max_retries 500: 0에서 100 사이여야 합니다", "max_retries"),
    ("name = ''", "name 항목이 비었습니다", "name"),
    ("name = repeat('x', 201)", "name 이름이 201자입니다. 200자까지 쓸 수 있습니다", "name"),
    ("misfire_policy = 'never'", "misfire_policy 'never': run_once, skip or run_all 중 하나여야 합니다", "misfire_policy"),
    ("timezone = 'Mars/Base'", "timezone 'Mars/Base': 모르는 시간대입니다. Asia/Seoul이나 UTC처럼 쓰세요", "timezone"),
    ("calendar = 'mars'", "calendar 'mars': 모르는 달력입니다. 있는 것: ", "calendar"),
])
def test_a_refused_row_is_told_in_the_readers_language(connection: Connection, values: str, korean: str, column: str) -> None:
    connection.execute("INSERT INTO schedule_jobs (name, job_type) VALUES ('주문', 'order_collection')")
    with pytest.raises(psycopg.errors.CheckViolation) as raised:
        connection.execute(f"UPDATE schedule_jobs SET {values}".encode())
    set_language("ko")
    words = str(in_our_words(raised.value))
    assert korean in words and "cannot be saved" not in words and "작업 '" in words
    assert in_words(split_faults(raised.value.diag.message_detail or "")[0]).startswith(f"{column} ")
    set_language("en")
    first = str(in_our_words(raised.value)).splitlines()[0]
    assert "cannot be saved" in first and not HANGUL.search(first.replace("주문", ""))


def test_several_faults_are_listed_each_in_words(connection: Connection) -> None:
    with pytest.raises(psycopg.errors.CheckViolation) as raised:
        connection.execute("INSERT INTO schedule_jobs (name, job_type, max_retries, interval, run_at)"
                           " VALUES (repeat('x', 201), 'a', 500, '1 hour', '2030-01-01')")
    faults = split_faults(raised.value.diag.message_detail or "")
    assert len(faults) == 3 and faults[0].endswith("at most 200") and faults[1].endswith("2 are set")
    set_language("ko")
    listed = [line for line in str(in_our_words(raised.value)).splitlines() if line.startswith("- ")]
    assert len(listed) == 3 and all(HANGUL.search(line) for line in listed)


@pytest.mark.parametrize(("last_error", "korean"), [
    ("no live node knows job type own_backup", "작업 유형 own_backup을 아는 살아 있는 노드가 없습니다"),
    ("no planned time is left before end_at", "end_at 전에 남은 예정 시각이 없습니다"),
    ("cron_expression cannot be read", "cron_expression 크론식을 읽을 수 없습니다"),
    ("calendar mars is not known", "calendar mars: 모르는 달력입니다"),
    ("parameters: days: 0 is less than the minimum of 1", "parameters 매개변수: days: 0 is less than the minimum of 1"),
    ("something that nobody foresaw", "something that nobody foresaw"), ("이미 우리말입니다", "이미 우리말입니다"), ("", ""),
])
def test_the_last_error_of_a_job_that_cannot_run(last_error: str, korean: str) -> None:
    set_language("ko")
    assert in_words(last_error) == korean
    set_language("en")
    assert in_words(last_error) == last_error


def test_what_postgresql_itself_says_follows_the_korean_words(connection: Connection) -> None:
    with pytest.raises(psycopg.Error) as raised:
        connection.execute("SELECT 'x'::integer")
    set_language("ko")
    lines = str(in_our_words(raised.value)).splitlines()
    assert lines[0] == "값을 읽을 수 없습니다" and lines[1].startswith("PostgreSQL: invalid input syntax")
    set_language("en")
    assert str(in_our_words(raised.value)).startswith("invalid input syntax")
