"""A list that looks no further than a moment's look loses nothing: whoever follows ``next`` sees every match, once."""

from __future__ import annotations

from typing import Any

import pytest

from scheduler.queries import filtered_executions, rest_executions
from scheduler.queries.filtered_executions import FAILED, Filter
from tests.support.daemons import Rows
from tests.web.conftest import Web

PATH = "/api/v1/executions"
HISTORY = """
INSERT INTO job_executions (job_id, job_name, job_type, trigger, status, scheduled_for, started_at, finished_at, duration_ms,
                            market_codes)
SELECT %(job)s + n %% 2, '재고', 'noop', CASE WHEN n %% 30 = 0 THEN 'manual' ELSE 'schedule' END,
       (ARRAY['success', 'success', 'success', 'failed', 'skipped', 'lost', 'cancelled'])[1 + n %% 7], at, at,
       '2026-11-01'::timestamptz + n %% 97 * interval '1 hour', 1000, CASE WHEN n %% 41 = 0 THEN ARRAY['naver'] ELSE '{}' END
  FROM (SELECT n, '2026-10-01'::timestamptz + n * interval '1 minute' AS at FROM generate_series(1, 400) AS n) AS each
"""
ASKED: list[tuple[dict[str, Any], str]] = [
    ({}, "true"), ({"status": ["lost", "lost"]}, "status = 'lost'"), ({"market": "naver"}, "'naver' = ANY (market_codes)"),
    ({"status": ["failed", "lost", "queued"]}, "status IN ('failed', 'lost', 'queued')"),
    ({"status": ["success", "lost"], "trigger": "manual"}, "status IN ('success', 'lost') AND trigger = 'manual'"),
    ({"market": "coupang"}, "false"), ({"q": "nothing"}, "false"),
    ({"since": "2026-11-04T00:00:00Z", "market": "naver"},
     "(finished_at >= '2026-11-04' OR finished_at IS NULL) AND 'naver' = ANY (market_codes)"),
    ({"until": "2026-11-02T00:00:00Z", "trigger": "manual"}, "finished_at <= '2026-11-02' AND trigger = 'manual'"),
]


@pytest.fixture
def job(rows: Rows, monkeypatch: pytest.MonkeyPatch) -> int:
    """Make four hundred executions whose ends come in another order than they were made; return the first of two jobs."""
    made = rows.add_job("재고")
    rows.add_job("주문")
    rows.connection.execute(HISTORY, {"job": made})
    rows.run_now(made)
    monkeypatch.setattr(rest_executions, "LOOKED", 20)
    monkeypatch.setattr(filtered_executions, "LOOKED", 20)
    return made


def followed(web: Web, given: dict[str, Any]) -> tuple[list[int], int]:
    """Return what all pages hold, and how many pages there were."""
    seen: list[int] = []
    cursor: str | None = None
    for number in range(1, 200):
        answer = web.ask["viewer"].get(PATH, params={**given, "limit": 7, **({"cursor": cursor} if cursor else {})})
        assert answer.status_code == 200, answer.text
        seen += [each["id"] for each in answer.json()["items"]]
        cursor = answer.json()["next"]
        assert (cursor is None) == ("next" not in answer.links)
        if cursor is None:
            return seen, number
    raise AssertionError("the list has no end")


@pytest.mark.parametrize("sort", ["-id", "-finished_at"])
def test_following_next_finds_every_match_once_and_in_order(web: Web, rows: Rows, job: int, sort: str) -> None:
    pages = 0
    for given, where in [*ASKED, ({"job_id": job, "status": "lost"}, f"job_id = {job} AND status = 'lost'")]:
        ended = " AND finished_at IS NOT NULL" if sort == "-finished_at" else ""
        order = f"{sort[1:]} DESC" + (", id DESC" if ended else "")
        expected = [each[0] for each in rows.connection.execute(
            f"SELECT id FROM job_executions WHERE ({where}){ended} ORDER BY {order}").fetchall()]
        seen, number = followed(web, {**given, "sort": sort})
        assert seen == expected, given
        pages += number
    assert pages > 100


def test_a_span_that_is_short_is_read_whole(web: Web, rows: Rows, job: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rest_executions, "LOOKED", 100)
    given = {"since": "2026-11-04T00:00:00Z", "until": "2026-11-04T06:00:00Z", "trigger": "manual"}
    seen, pages = followed(web, given)
    assert pages == 1 and len(seen) == rows.one("SELECT count(*) FROM job_executions WHERE trigger = 'manual'"
                                                " AND finished_at BETWEEN '2026-11-04' AND '2026-11-04 06:00'")


@pytest.mark.parametrize("wanted", [Filter(statuses=FAILED), Filter(statuses=("lost", "queued")), Filter(market="naver"),
                                    Filter(statuses=("cancelled",), trigger="manual"), Filter(q="nothing")])
def test_the_page_goes_on_from_where_it_stopped(rows: Rows, job: int, wanted: Filter) -> None:
    seen: list[int] = []
    before: int | None = None
    for _ in range(100):
        listed = filtered_executions.list_page(rows.connection, wanted, before, 7)
        seen += [each["id"] for each in listed.rows]
        before = listed.next
        if before is None:
            break
    unbounded = filtered_executions.LIST.replace("LIMIT %(looked)s", "").replace("LIMIT %(limit)s", "")
    whole = rows.connection.execute(unbounded.format(walk="SELECT * FROM job_executions"), wanted.values(None)).fetchall()
    assert before is None and seen == [each[0] for each in whole]
