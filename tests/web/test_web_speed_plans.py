"""What pages and programs ask reads by an index, and never more of a long history than a moment's look."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from types import ModuleType
from typing import Any

import psycopg
import pytest

from scheduler.queries import (
    filtered_executions,
    forecast,
    rest_calendar,
    rest_executions,
    web_audit,
    web_calendar,
    web_jobs,
    web_overview,
)
from scheduler.queries import rows as reading
from scheduler.queries.execution_walk import LOOKED_AT_FEW
from scheduler.queries.filtered_executions import Filter
from tests.support.daemons import Rows

LOOKED = 2_000
JOBS = 40
HISTORY = """
INSERT INTO job_executions (job_id, job_name, job_type, trigger, status, scheduled_for, started_at, finished_at, duration_ms,
                            node, market_codes, created_at)
SELECT %(first)s + n %% 40, '재고', 'type ' || n %% 40 %% 7, 'schedule',
       CASE WHEN n %% 40 = 1 THEN 'failed' WHEN n = 29000 THEN 'lost' WHEN n %% 50 = 0 THEN 'skipped' ELSE 'success' END,
       at, at, at + interval '1 second', 1000, 'node', ARRAY['coupang'], at
  FROM (SELECT n, now() - n * interval '5 minutes' AS at FROM generate_series(30000, 1, -1) AS n) AS each
"""
Asking = Callable[[], Any]


@pytest.fixture
def first(rows: Rows, monkeypatch: pytest.MonkeyPatch) -> int:
    """Make a hundred days of forty jobs, of which the second has never succeeded; return the first job."""
    made = [rows.add_job(f"재고 {number}", interval="5 minutes") for number in range(JOBS)]
    rows.connection.execute(HISTORY, {"first": made[0]})
    rows.connection.execute("VACUUM ANALYZE job_executions")
    for module in (filtered_executions, rest_executions):
        monkeypatch.setattr(module, "LOOKED", LOOKED)
    return made[0]


def plans(
    connection: psycopg.Connection[Any], module: ModuleType, ask: Asking, patch: pytest.MonkeyPatch
) -> list[dict[str, Any]]:
    """Return the plans of all that *ask* sends through *module*, as they were carried out."""
    asked: list[tuple[str, Any]] = []

    def noting(read: Callable[..., Any]) -> Callable[..., Any]:
        def note(connection: psycopg.Connection[Any], statement: str, values: Any = None) -> Any:
            asked.append((statement, values))
            return read(connection, statement, values)
        return note

    with patch.context() as patched:
        patched.setattr(module, "rows", noting(reading.rows))
        patched.setattr(module, "row", noting(reading.row), raising=False)
        ask()
    assert asked
    return [plan(connection, statement, values) for statement, values in asked]


def plan(connection: psycopg.Connection[Any], statement: str, values: Any) -> dict[str, Any]:
    row = connection.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", values).fetchone()
    assert row is not None
    found: dict[str, Any] = row[0][0]["Plan"]
    return found


def nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", []):
        yield from nodes(child)


def read_of_history(node: dict[str, Any]) -> int:
    """Return how many rows of the history a plan has met; none may come from reading the table from end to end."""
    total = 0
    for each in nodes(node):
        if each.get("Relation Name") == "job_executions":
            assert each["Node Type"] != "Seq Scan", each
            total += round((each["Actual Rows"] + each.get("Rows Removed by Filter", 0)) * each["Actual Loops"])
    return total


NOW = datetime.now(UTC)
DAY, WEEK, MONTH = (NOW - timedelta(days=days) for days in (1, 7, 30))
PAGES: list[dict[str, Any]] = [
    {}, {"statuses": ("failed",)}, {"statuses": ("lost",)}, {"statuses": ("cancelled",)},
    {"statuses": ("failed", "timed_out", "lost")},
    {"statuses": ("queued", "running")}, {"statuses": ("success",), "since": DAY}, {"since": DAY, "q": "nothing"},
    {"job": 1}, {"job": 0}, {"job": 1, "statuses": ("failed",)}, {"job": 1, "statuses": ("lost",)}, {"job_type": "type 3"},
    {"job_type": "none"}, {"market": "coupang"}, {"market": "none"}, {"market": "none", "statuses": ("failed",)},
    {"market": "none", "statuses": ("success",)}, {"trigger": "manual"}, {"trigger": "backfill", "since": WEEK},
    {"node": "none"}, {"q": "nothing"}, {"statuses": ("failed", "success"), "q": "nothing"},
    {"until": MONTH}, {"until": MONTH, "q": "nothing"}, {"since": MONTH, "until": MONTH + timedelta(days=2)},
    {"since": MONTH, "until": WEEK, "job": 1}, {"since": MONTH, "until": WEEK, "statuses": ("failed",)},
]


def test_no_filter_of_the_list_reads_more_than_a_look(rows: Rows, first: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for given in PAGES:
        wanted = Filter(**({**given, "job": first + 1} if given.get("job") else given))
        asking = partial(filtered_executions.list_page, rows.connection, wanted)
        for each in plans(rows.connection, filtered_executions, asking, monkeypatch):
            assert read_of_history(each) <= LOOKED + 1, given


REST = ("statuses", "job_id", "job_type", "market", "trigger", "node", "since", "until", "q")
ASKED: list[dict[str, Any]] = [
    {}, {"statuses": ["failed"]}, {"statuses": ["lost"]}, {"statuses": ["cancelled"]}, {"statuses": ["failed", "lost"]},
    {"statuses": ["queued"]}, {"job_id": 1}, {"job_id": 2**60}, {"job_id": 1, "statuses": ["success"]}, {"market": "none"},
    {"market": "none", "statuses": ["success"]}, {"job_type": "none"}, {"trigger": "manual"}, {"node": "none"}, {"q": "nothing"},
    {"since": NOW - timedelta(days=1)}, {"since": NOW - timedelta(days=2), "market": "none"},
    {"since": NOW - timedelta(days=50), "market": "none"}, {"until": NOW - timedelta(days=60)},
    {"since": NOW - timedelta(days=60), "until": NOW - timedelta(days=58)},
]


@pytest.mark.parametrize("by_end", [False, True])
def test_no_filter_of_programs_reads_more_than_a_look(
    rows: Rows, first: int, by_end: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for asked in ASKED:
        given = {**dict.fromkeys(REST), **asked, **({"job_id": first + 1} if asked.get("job_id") == 1 else {})}
        asking = partial(rest_executions.list_page, rows.connection, given, by_end, None, 51)
        for each in plans(rows.connection, rest_executions, asking, monkeypatch):
            assert read_of_history(each) <= LOOKED + 2, asked


def test_what_is_few_is_looked_for_less_far() -> None:
    assert Filter(statuses=("failed",)).values(None)["looked"] == LOOKED_AT_FEW
    assert Filter(statuses=("failed", "success")).values(None)["looked"] == filtered_executions.LOOKED


def test_a_job_that_never_succeeds_costs_no_more_than_any_other(rows: Rows, first: int) -> None:
    order = web_jobs.ORDERS["p50"]
    usual = plan(rows.connection, f"SELECT {order.expression} FROM schedule_jobs AS job", {})
    ahead = plan(rows.connection, forecast.DURATIONS, {"ids": [first + 1]})
    assert read_of_history(usual) <= JOBS * 100 and read_of_history(ahead) <= 100


def test_ends_are_counted_out_of_the_index(rows: Rows, first: int) -> None:
    span = {"begin": NOW - timedelta(days=7), "end": NOW}
    for statement in (web_overview.ENDED, web_overview.WEEK, web_calendar.PAST):
        found = {each["Node Type"] for each in nodes(plan(rows.connection, statement, span)) if "Relation Name" in each}
        assert found == {"Index Only Scan"}, statement
    days = web_overview.ended_in_a_week(rows.connection)
    assert len(days) == 7 and sum(each["succeeded"] + each["failed"] for each in days) > 1900
    hours = web_calendar.past(rows.connection, span["begin"], span["end"])
    counted = "SELECT count(*) FROM job_executions WHERE finished_at >= %s AND finished_at < %s"
    assert sum(each["runs"] for each in hours) == rows.one(counted, span["begin"], span["end"])


def test_coming_times_are_read_in_their_order(rows: Rows, first: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rows.connection.execute(
        "INSERT INTO schedule_forecast (job_id, planned_at, run_at, reason) SELECT job.id, at,"
        " CASE WHEN n % 10 > 0 THEN at + interval '1 hour' END, 'moved' FROM schedule_jobs AS job, generate_series(1, 200) AS n,"
        " LATERAL (SELECT now() + n * interval '1 hour' + job.id * interval '1 second' AS at) AS named")
    rows.connection.execute("VACUUM ANALYZE schedule_forecast")
    begin, end = NOW, NOW + timedelta(days=14)
    for job in (None, first):
        asking = partial(rest_calendar.coming, rows.connection, begin, end, 100, job)
        for each in plans(rows.connection, rest_calendar, asking, monkeypatch):
            met = sum(one["Actual Rows"] for one in nodes(each) if one.get("Relation Name") == "schedule_forecast")
            assert met <= 250, each
    found = rest_calendar.coming(rows.connection, begin, end, 100)
    moments = [each["run_at"] or each["planned_at"] for each in found]
    assert len(found) == 100 and moments == sorted(moments)
    assert {each["job_id"] for each in rest_calendar.coming(rows.connection, begin, end, 100, first)} == {first}


def test_what_was_done_is_found_by_who_and_what(rows: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    rows.connection.execute(
        "INSERT INTO audit_log (actor, via, action, object) SELECT 'person ' || n % 5, 'web', 'job.run', 'job:' || n % 50"
        " FROM generate_series(1, 20000) AS n")
    rows.connection.execute("VACUUM ANALYZE audit_log")
    asked: list[dict[str, Any]] = [
        {}, {"actor": "nobody"}, {"actor": "person 1"}, {"action": "lock"}, {"action": "lock.release"}, {"action": "job"},
        {"object_": "job:7"}, {"object_": "job:999"}, {"since": datetime.now(UTC) + timedelta(days=1)},
    ]
    for given in asked:
        for each in plans(rows.connection, web_audit, partial(web_audit.audit_log, rows.connection, **given), monkeypatch):
            for one in nodes(each):
                if one.get("Relation Name") == "audit_log":
                    met = one["Actual Rows"] + one.get("Rows Removed by Filter", 0)
                    assert one["Node Type"] != "Seq Scan" and met <= 3000, (given, one)
