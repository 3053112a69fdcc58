"""The hub: hints for whoever looks, nothing for nobody, and what it asks of a long history."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import psycopg
import pytest

from scheduler.web.hub import AWAY, ENDED, LOOK, MOST, RESYNC, RUNNING, Hub, Page
from tests.support.daemons import LIMIT, Rows, wait_for
from tests.web.conftest import Web

OURS = " FROM pg_stat_activity WHERE application_name = 'erp-scheduler web hub' AND datname = current_database()"
SESSIONS = "SELECT count(*)" + OURS
HISTORY = """
INSERT INTO job_executions (job_id, job_name, job_type, status, scheduled_for, started_at, finished_at, duration_ms)
SELECT %s, 'a', 'noop', 'success', at, at, at, 1 FROM generate_series(1, 50000) AS number,
       LATERAL (SELECT now() - number * interval '1 second') AS past (at)
"""


class Listener:
    """A tab: collects the hints of one stream, as they come."""

    def __init__(self, web: Web, role: str = "viewer") -> None:
        self.hints: list[str] = []
        self.kinds: list[str] = []
        self.is_open = threading.Event()
        self._client = httpx.Client(base_url=web.url, headers=web.ask[role].headers, timeout=httpx.Timeout(LIMIT, read=None))
        self._stopped = False
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()
        assert self.is_open.wait(LIMIT)

    def _listen(self) -> None:
        with self._client.stream("GET", "/scheduler/events") as answer:
            self.kinds.append(answer.headers["content-type"])
            try:
                for line in answer.iter_lines():
                    self._take(line)
                    if self._stopped:
                        return
            except httpx.HTTPError:
                return

    def _take(self, line: str) -> None:
        if line == "event: hello":
            self.is_open.set()
        elif line.startswith("data: ["):
            self.hints += json.loads(line.removeprefix("data: "))

    def close(self) -> None:
        """Leave, as a tab that is closed does: without a word."""
        self._stopped = True
        self._client.close()


@pytest.fixture
def tab(web: Web) -> Iterator[Listener]:
    made = Listener(web)
    yield made
    made.close()


def test_edits_ends_and_progress_reach_an_open_page(web: Web, rows: Rows, tab: Listener) -> None:
    assert tab.kinds == ["text/event-stream; charset=utf-8"]
    wait_for(lambda: rows.one(SESSIONS) == 1 and web.app.state.place.hub.seen, what="the hub looks")
    job = rows.add_job("재고")
    wait_for(lambda: "jobs" in tab.hints, what="an edit is told")
    execution = rows.run_now(job)
    wait_for(lambda: "executions" in tab.hints, what="a new execution is told")
    rows.connection.execute("SET application_name = 'erp-scheduler daemon test'")  # it announces nothing of its own work
    for change in ("status = 'running', started_at = now()", "progress = '{\"done\": 1}'",
                   "status = 'success', finished_at = now(), duration_ms = 1"):
        tab.hints.clear()
        rows.connection.execute(f"UPDATE job_executions SET {change} WHERE id = %s", (execution,))
        wait_for(lambda: {f"execution-{execution}", f"job-{job}", "status"} <= set(tab.hints), what=change)


def test_nobody_looking_costs_no_connection_and_one_is_enough_for_many(web: Web, rows: Rows) -> None:
    hub: Hub = web.app.state.place.hub
    assert rows.one(SESSIONS) == 0
    tabs = [Listener(web) for _ in range(5)]
    wait_for(lambda: rows.one(SESSIONS) == 1 and len(hub.pages) == 5, what="one connection for five")
    for tab in tabs:
        tab.close()
    for page in tuple(hub.pages):
        web_loop(web).call_soon_threadsafe(page.add, ("jobs",))   # a closed tab is noticed when something is sent to it
    wait_for(lambda: rows.one(SESSIONS) == 0 and not hub.pages, what="nothing is left open")


def web_loop(web: Web) -> asyncio.AbstractEventLoop:
    """Return the loop that serves."""
    loop: asyncio.AbstractEventLoop = web.server.servers[0].get_loop()
    return loop


def test_an_outage_is_told_once_and_its_end_as_a_new_beginning(web: Web, rows: Rows, tab: Listener) -> None:
    wait_for(lambda: web.app.state.place.hub.seen, what="the hub looks")
    rows.connection.execute("SELECT pg_terminate_backend(pid)" + OURS)
    wait_for(lambda: RESYNC in tab.hints, what="resync")
    assert tab.hints.index(AWAY) < tab.hints.index(RESYNC) and tab.hints.count(AWAY) == 1


def test_a_page_that_does_not_keep_up_begins_anew() -> None:
    page = Page()
    page.add(tuple(f"execution-{number}" for number in range(MOST + 1)))
    assert asyncio.run(page.next()) == [RESYNC]
    page.add((AWAY,))
    page.add((RESYNC,))
    assert asyncio.run(page.next()) == [RESYNC]
    page.close()
    assert asyncio.run(page.next()) == []


@pytest.mark.parametrize("statement", [LOOK, ENDED, RUNNING])
def test_a_look_reads_no_history(connection: psycopg.Connection[Any], rows: Rows, statement: str) -> None:
    connection.execute(HISTORY, (rows.add_job("a"),))
    connection.execute("ANALYZE job_executions")
    row = connection.execute("EXPLAIN (ANALYZE, FORMAT JSON) " + statement, {"since": "2999-01-01"}).fetchone()
    assert row is not None
    for node in nodes(row[0][0]["Plan"]):
        if node.get("Relation Name") == "job_executions":
            assert node["Node Type"] != "Seq Scan", node
            assert node["Actual Rows"] * node["Actual Loops"] <= 1, node


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield every node of a plan."""
    yield plan
    for child in plan.get("Plans", []):
        yield from nodes(child)
