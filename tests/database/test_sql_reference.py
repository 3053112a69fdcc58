"""Everything of ours in the database is explained in both languages, and docs/sql.md says the same."""

from __future__ import annotations

import re
from typing import Any

import psycopg

from tests.database.sql_reference import COLUMNS, FUNCTIONS, PAGE, RELATIONS, reference

EXPLAINED = re.compile(r"[^\n]*[가-힣][^\n]*\n[^\n]*[a-zA-Z][^\n]*(\nSELECT [^\n]*)?")
CONTRACT = ("schedule_overview", "schedule_problems", "schedule_job_health", "schedule_running", "schedule_recent",
            "schedule_upcoming_runs", "schedule_history_hourly", "schedule_history_daily", "schedule_locks_live",
            "schedule_nodes_live")


def test_every_table_column_view_and_function_is_explained(connection: psycopg.Connection[Any]) -> None:
    bare = [name for _, name, _, comment in connection.execute(RELATIONS).fetchall() if not EXPLAINED.fullmatch(comment)]
    for oid, name, _, _ in connection.execute(RELATIONS).fetchall():
        bare += [f"{name}.{column}" for column, _, comment in connection.execute(COLUMNS, {"oid": oid}).fetchall()
                 if not EXPLAINED.fullmatch(comment)]
    bare += [name for name, _, _, comment in connection.execute(FUNCTIONS).fetchall() if not EXPLAINED.fullmatch(comment)]
    assert bare == []


def test_english_lines_hold_no_korean_words(connection: psycopg.Connection[Any]) -> None:
    mixed = [name for name, _, _, comment in connection.execute(FUNCTIONS).fetchall()
             if re.search("[가-힣]", comment.split("\n")[1])]
    assert mixed == []


def test_the_page_is_what_the_catalogue_says(connection: psycopg.Connection[Any]) -> None:
    assert PAGE.read_text(encoding="utf-8") == reference(connection), "python -m tests.database.sql_reference"


def test_the_page_names_the_whole_contract_with_an_example(connection: psycopg.Connection[Any]) -> None:
    page = PAGE.read_text(encoding="utf-8")
    for name in CONTRACT:
        assert f"### {name}\n" in page
        comment = connection.execute("SELECT obj_description(%s::regclass)", (name,)).fetchone()
        assert comment is not None
        connection.execute(f"EXPLAIN {comment[0].splitlines()[2]}".encode())
