"""`/scheduler/markets`: calls used today, pauses and maintenance, orders not collected, stock that differs, what to know."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from scheduler.queries import rest_markets as queries
from scheduler.queries.rows import Row, rows
from scheduler.queries.stock import differences
from scheduler.web.field_words import weekday_words
from scheduler.web.place import place_of
from scheduler.web.render import SEOUL, page
from scheduler.web.rights import viewer
from scheduler.web.status_words import event_word
from scheduler.words import language, say

router = APIRouter(include_in_schema=False)
SHOWN = 100
KEY_DAYS = 14
EVENTS = """
SELECT id, at, kind, market_code, account, subject, ko, en, execution_id
  FROM erp.events WHERE cleared_at IS NULL ORDER BY at DESC LIMIT 100
"""

# Of the newest values only: the whole of a year would be read for ten lines.
RUNS = """
SELECT run, kind, min(at) AS at, max(execution_id) AS execution_id,
       array_agg(DISTINCT market_code ORDER BY market_code) AS markets,
       count(*) FILTER (WHERE ok) AS pushed, count(*) FILTER (WHERE ok IS NOT TRUE) AS failed,
       count(*) FILTER (WHERE undone_by IS NOT NULL) AS undone
  FROM (SELECT * FROM erp.pushes ORDER BY id DESC LIMIT 5000) AS push
 GROUP BY run, kind
 ORDER BY max(push.id) DESC
 LIMIT 10
"""


@router.get("/scheduler/markets", dependencies=[viewer])
def markets(request: Request) -> Response:
    """Show the markets."""
    with place_of(request).reading() as connection:
        accounts = queries.accounts(connection)
        windows = queries.windows(connection)
        gaps = queries.gaps(connection)
        stock = differences(connection)
        events = rows(connection, EVENTS)
        runs = rows(connection, RUNS)
    today = datetime.now(UTC).astimezone(SEOUL).date()
    return page(
        request, "markets.html", windows=windows,
        accounts=[{**each, "share": _share(each), "key": _key(each["key_expires_on"], today)} for each in accounts],
        gaps=gaps, stock=stock[:SHOWN], stock_count=len(stock), events=events, runs=runs,
        window_words=_window_words, said=lambda event: event["ko"] if language() == "ko" else event["en"], label=_label,
        event_word=event_word,
    )


def _share(account: Row) -> float | None:
    """Return how much of the day's calls is used, in per cent; None without a limit."""
    if not account["daily_limit"]:
        return None
    return round(float(min(100.0, 100 * account["used_today"] / account["daily_limit"])), 1)


def _key(expires: date | None, today: date) -> tuple[str, str] | None:
    """Say of a key that it has expired or soon will: the badge's class and the words."""
    if expires is None or expires > today + timedelta(KEY_DAYS):
        return None
    if expires <= today:
        return "bad", say(f"✕ 키 만료됨 ({expires})", f"✕ key expired ({expires})")
    left = (expires - today).days
    return "warn", say(f"! 키가 {left}일 뒤 만료", f"! key expires in {left} days")


def _window_words(window: Row) -> str:
    """Say when a window is that comes every week."""
    days = weekday_words(window["days_of_week"]) or window["days_of_week"]
    return f"{days} {window['from_time']:%H:%M}–{window['to_time']:%H:%M}"


def _label(row: Any) -> str:
    return str(row["market_code"]) if row["account"] in (None, "default") else f"{row['market_code']}/{row['account']}"
