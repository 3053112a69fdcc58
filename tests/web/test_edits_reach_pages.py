"""An edit through plain SQL reaches an open page, also one that no daemon has to know of."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from tests.support.daemons import Rows, wait_for
from tests.web.conftest import Web
from tests.web.test_hub import Listener, web_loop

SECONDS = 2.0
OF_DAEMONS, OF_PAGES = "erp_scheduler", "erp_scheduler_pages"
QUIET = ("description = '설명'", "owner = 'kim'", "max_retries = 5", "timeout_minutes = 7", "important = true",
         "pause_reason = 'x'", "misfire_grace = '1 hour'")
PLANNED = ("interval = '20 minutes'", "priority = 3", "parameters = '{\"days\": 2}'", "tags = '{a}'")


@pytest.fixture
def ear(database: str) -> Iterator[psycopg.Connection[Any]]:
    """Listen to both channels, as nobody does but this test."""
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(f"LISTEN {OF_DAEMONS}; LISTEN {OF_PAGES}")
        yield connection


def heard(rows: Rows, ear: psycopg.Connection[Any], statement: str) -> set[str]:
    """Return the channels on which *statement* is told; a word of our own says that all before it has come."""
    rows.connection.execute(statement)
    rows.connection.execute(f"NOTIFY {OF_PAGES}, 'done'")
    found = set()
    for notice in ear.notifies(timeout=10):
        if notice.payload == "done":
            return found
        found.add(notice.channel)
    raise AssertionError("nothing was heard")


def test_what_does_not_concern_planning_is_told_to_pages_alone(rows: Rows, ear: psycopg.Connection[Any]) -> None:
    rows.add_job("재고", interval="10 minutes")
    heard(rows, ear, "SELECT 1")
    for change in QUIET:
        assert heard(rows, ear, f"UPDATE schedule_jobs SET {change}") == {OF_PAGES}, change
    for change in PLANNED:
        assert heard(rows, ear, f"UPDATE schedule_jobs SET {change}") == {OF_DAEMONS}, change
    assert heard(rows, ear, "UPDATE schedule_jobs SET run_count = 3") == set()


def test_a_daemon_tells_nobody_of_its_own_writes(rows: Rows, ear: psycopg.Connection[Any]) -> None:
    rows.add_job("재고", interval="10 minutes")
    heard(rows, ear, "SET application_name = 'erp-scheduler daemon test'")
    assert heard(rows, ear, "UPDATE schedule_jobs SET important = true, last_status = 'success'") == set()


def test_a_new_description_reaches_an_open_page_in_two_seconds(web: Web, rows: Rows) -> None:
    job = rows.add_job("재고")
    tab = Listener(web)
    try:
        wait_for(lambda: web.app.state.place.hub.seen, what="the hub looks")
        tab.hints.clear()
        began = time.monotonic()
        rows.connection.execute("UPDATE schedule_jobs SET description = '새 설명' WHERE id = %s", (job,))
        wait_for(lambda: "jobs" in tab.hints, what="the edit is told")
        assert time.monotonic() - began < SECONDS
        tab.hints.clear()
        rows.connection.execute("INSERT INTO schedule_words (job_id, ko, en, spec_version, known_until)"
                                " VALUES (%s, '매일', 'daily', 1, now())", (job,))
        wait_for(lambda: {"jobs", "calendar"} <= set(tab.hints), what="a schedule that was put in words is told")
    finally:
        tab.close()
        web_loop(web).call_soon_threadsafe(web.app.state.place.hub.close)
