"""Maintenance of markets: windows typed by people, windows met by calls, and what an execution does with a closed market."""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest

from handlers.markets.base import Account, BadRequest, Closed, MarketDown
from handlers.markets.budget import DatabaseBudget
from handlers.markets.each import MarketsFailed, each_account
from handlers.order_collection import collect_orders
from scheduler.handler import Context, GiveUp, Skip
from tests.handlers.support import a_context, a_shop
from tests.handlers.test_budget import a_budget, call, open_account

KOREA = ZoneInfo("Asia/Seoul")
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def at(text: str) -> datetime:
    """Return the instant at which a clock in Korea shows *text*."""
    return datetime.fromisoformat(text).replace(tzinfo=KOREA)


def weekly(connection: psycopg.Connection[Any], days: str, start: str, end: str, account: str | None = None) -> None:
    connection.execute(
        "INSERT INTO market_windows (market_code, account, days_of_week, from_time, to_time, reason) "
        "VALUES ('naver', %s, %s, %s, %s, 'weekly works')", (account, days, start, end))


def once(connection: psycopg.Connection[Any], start: datetime, end: datetime, market: str = "naver") -> None:
    connection.execute("INSERT INTO market_windows (market_code, starts_at, ends_at, reason) VALUES (%s, %s, %s, 'notice 123')",
                       (market, start, end))


def closed_until(connection: psycopg.Connection[Any], moment: datetime, account: str = "default") -> datetime | None:
    row = connection.execute("SELECT market_closed_until('naver', %s, %s)", (account, moment)).fetchone()
    assert row is not None
    return None if row[0] is None else row[0].astimezone(KOREA)


# -- windows

def test_a_window_holds_from_its_start_to_before_its_end(connection: psycopg.Connection[Any]) -> None:
    once(connection, at("2026-11-20T02:00"), at("2026-11-20T05:30"))

    assert closed_until(connection, at("2026-11-20T01:59:59.999")) is None
    assert closed_until(connection, at("2026-11-20T02:00")) == at("2026-11-20T05:30")
    assert closed_until(connection, at("2026-11-20T05:29:59.999")) == at("2026-11-20T05:30")
    assert closed_until(connection, at("2026-11-20T05:30")) is None


def test_a_weekly_window_may_pass_midnight(connection: psycopg.Connection[Any]) -> None:
    weekly(connection, "fri", "23:00", "02:30")

    assert closed_until(connection, at("2026-11-20T22:59")) is None
    assert closed_until(connection, at("2026-11-20T23:00")) == at("2026-11-21T02:30")
    assert closed_until(connection, at("2026-11-21T02:29")) == at("2026-11-21T02:30")
    assert closed_until(connection, at("2026-11-21T02:30")) is None
    assert closed_until(connection, at("2026-11-20T01:00")) is None


def test_windows_that_touch_are_one(connection: psycopg.Connection[Any]) -> None:
    weekly(connection, "fri", "22:00", "24:00")
    weekly(connection, "sat", "00:00", "03:00")
    once(connection, at("2026-11-21T02:00"), at("2026-11-21T04:00"))

    assert closed_until(connection, at("2026-11-20T22:00")) == at("2026-11-21T04:00")


def test_windows_around_the_whole_week_come_to_an_end(connection: psycopg.Connection[Any]) -> None:
    weekly(connection, "*", "00:00", "24:00")

    until = closed_until(connection, at("2026-11-20T12:00"))
    assert until is not None and until > at("2026-12-04T00:00")


def test_a_window_of_one_account_leaves_the_others_open(connection: psycopg.Connection[Any]) -> None:
    open_account(connection)
    weekly(connection, "*", "01:00", "02:00", account="default")

    assert closed_until(connection, at("2026-11-20T01:00")) == at("2026-11-20T02:00")
    assert closed_until(connection, at("2026-11-20T01:00"), "second") is None


def test_at_any_moment_a_weekly_window_is_what_the_calendar_says(connection: psycopg.Connection[Any]) -> None:
    dice = random.Random(8)
    for _ in range(300):
        days = sorted(dice.sample(DAYS, dice.randint(1, 3)))
        start, end = dice.sample(range(0, 24 * 60, 30), 2)
        moment = at("2026-11-20T00:00") + timedelta(minutes=dice.randrange(0, 14 * 24 * 60, 15))
        connection.execute("DELETE FROM market_windows")
        weekly(connection, ",".join(days), clock_time(start), clock_time(end))
        assert closed_until(connection, moment) == by_calendar(days, start, end, moment), (days, start, end, moment)


def clock_time(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def by_calendar(days: list[str], start: int, end: int, moment: datetime) -> datetime | None:
    day: date = moment.date() - timedelta(days=1)
    for _ in range(2):
        midnight = datetime.combine(day, time(), KOREA)
        begins = midnight + timedelta(minutes=start)
        ends = midnight + timedelta(minutes=end, days=1 if end <= start else 0)
        if DAYS[day.weekday()] in days and begins <= moment < ends:
            return ends
        day += timedelta(days=1)
    return None


@pytest.mark.parametrize(("columns", "values", "name"), [
    ("reason", "'nothing'", "either starts_at and ends_at, or days_of_week"),
    ("starts_at, ends_at, days_of_week", "now(), now() + interval '1 h', 'fri'", "either starts_at and ends_at"),
    ("starts_at", "now()", "either starts_at and ends_at"),
    ("days_of_week, from_time", "'fri', '01:00'", "either starts_at and ends_at"),
    ("starts_at, ends_at", "now(), now()", "starts_at before ends_at"),
    ("days_of_week, from_time, to_time", "'fri', '01:00', '01:00'", "from_time is not to_time"),
    ("days_of_week, from_time, to_time", "'friday', '01:00', '02:00'", "days_of_week such as fri"),
    ("starts_at, ends_at, source", "now(), now() + interval '1 h', 'guessed'", "source is manual or detected"),
])
def test_a_window_that_makes_no_sense_is_refused(
    connection: psycopg.Connection[Any], columns: str, values: str, name: str
) -> None:
    with pytest.raises(psycopg.errors.CheckViolation, match=name):
        connection.execute(f"INSERT INTO market_windows (market_code, {columns}) VALUES ('naver', {values})")


# -- calls

async def test_no_call_is_made_during_maintenance(database: str, connection: psycopg.Connection[Any]) -> None:
    open_account(connection)
    end = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
    once(connection, end - timedelta(hours=2), end)
    async with a_budget(database) as (budget, _):
        with pytest.raises(Closed, match=r"naver: maintenance until .*\+09:00 \(notice 123\)") as failure:
            await call(budget)
        assert failure.value.until == end

        connection.execute("DELETE FROM market_windows")
        await call(budget)
    assert connection.execute("SELECT used FROM market_budgets").fetchone() == (1,)


async def test_a_maintenance_that_many_calls_meet_is_one_window(database: str, connection: psycopg.Connection[Any]) -> None:
    open_account(connection)
    async with a_budget(database) as (one, _), a_budget(database) as (other, _):
        await asyncio.gather(*(budget.close_until(None, "HTTP 503") for budget in (one, other) for _ in range(5)))
        rows = detected(connection)
        assert len(rows) == 1 and 1790 < rows[0] <= 1800

        until = datetime.now(UTC) + timedelta(hours=3)
        await one.close_until(until, "until five")
        await other.close_until(None, "HTTP 503")
        rows = detected(connection)
        assert len(rows) == 1 and 10790 < rows[0] <= 10800

        with pytest.raises(Closed) as failure:
            await call(other)
        assert failure.value.until == until


async def test_a_market_is_asked_again_after_a_day_at_most(database: str, connection: psycopg.Connection[Any]) -> None:
    open_account(connection)
    async with a_budget(database) as (budget, _):
        await budget.close_until(datetime.now(UTC) - timedelta(hours=1), "its clock is wrong")
        assert 1790 < detected(connection)[0] <= 1800
        await budget.close_until(datetime(2099, 1, 1, tzinfo=UTC), "for good")
        assert 86390 < detected(connection)[0] <= 86400


async def test_a_maintenance_that_is_over_is_another_window_than_the_next(
    database: str, connection: psycopg.Connection[Any]
) -> None:
    open_account(connection)
    for age in ("100 days", "1 day"):
        connection.execute(
            "INSERT INTO market_windows (market_code, account, starts_at, ends_at, source) "
            "VALUES ('naver', 'default', now() - %(age)s::interval, now() - %(age)s::interval + interval '1 h', 'detected')",
            {"age": age})
    async with a_budget(database) as (budget, _):
        await budget.close_until(None, "HTTP 503")

    left = connection.execute("SELECT ends_at > now() FROM market_windows ORDER BY ends_at").fetchall()
    assert left == [(False,), (True,)]


def detected(connection: psycopg.Connection[Any]) -> list[float]:
    rows = connection.execute("SELECT extract(epoch FROM ends_at - clock_timestamp())::float8 FROM market_windows "
                              "WHERE source = 'detected' AND account = 'default'").fetchall()
    return [row[0] for row in rows]


# -- executions

async def collect_all(context: Context, failing: dict[str, Exception] | None = None) -> dict[str, Any]:
    """Let every account make one call through its budget."""

    async def collect(account: Account) -> dict[str, Any]:
        budget = DatabaseBudget(context, account)
        try:
            await call(budget)
        finally:
            await budget.close()
        if failing and account.label in failing:
            raise failing[account.label]
        return {"orders": 3}

    return await each_account(context, collect)


def open_shops(connection: psycopg.Connection[Any]) -> datetime:
    """Open two accounts at naver and one at coupang, with naver under maintenance; return its end."""
    open_account(connection)
    connection.execute("INSERT INTO market_accounts (market_code, account, base_url) VALUES "
                       "('naver', 'second', 'http://127.0.0.1:9'), ('coupang', 'default', 'http://127.0.0.1:9')")
    end = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
    once(connection, end - timedelta(hours=2), end)
    return end


async def test_a_closed_market_is_held_and_the_others_go_on(database: str, connection: psycopg.Connection[Any]) -> None:
    end = open_shops(connection)
    async with a_context(database, ["naver", "coupang"]) as (context, link):
        result = await collect_all(context)

    assert result["coupang"] == {"orders": 3}
    assert set(result) == {"coupang", "naver", "naver/second"}
    held = result["naver"]
    assert held["held"].startswith("naver: maintenance until ") and held["until"] == end.isoformat(timespec="seconds")
    assert link.checkpoints == [{"done": {"coupang": {"orders": 3}}}]
    assert [fields["market"] for _, message, fields in link.lines if message == "market.held"] == ["naver", "naver/second"]


async def test_an_execution_of_which_all_is_held_is_skipped(database: str, connection: psycopg.Connection[Any]) -> None:
    open_shops(connection)
    async with a_context(database, ["naver"]) as (context, link):
        with pytest.raises(Skip, match=r"^held: naver: maintenance until .*; naver/second: maintenance until"):
            await collect_all(context)
    assert link.checkpoints == []


@pytest.mark.parametrize(("failure", "kind"), [(MarketDown("coupang: HTTP 502"), MarketsFailed),
                                               (BadRequest("coupang: no"), GiveUp)])
async def test_a_failure_beside_a_held_market_is_judged_as_without_it(
    database: str, connection: psycopg.Connection[Any], failure: Exception, kind: type[Exception]
) -> None:
    open_shops(connection)
    async with a_context(database, ["naver", "coupang"]) as (context, _):
        with pytest.raises(kind, match=r"failed: coupang: .* \(done: none; held: naver, naver/second\)"):
            await collect_all(context, {"coupang": failure})


async def test_what_an_earlier_attempt_has_done_is_not_skipped(database: str, connection: psycopg.Connection[Any]) -> None:
    open_shops(connection)
    done = {"done": {"coupang": {"orders": 5}}}
    async with a_context(database, ["naver", "coupang"], checkpoint=done, attempt=2) as (context, _):
        result = await collect_all(context)

    assert result["coupang"] == {"orders": 5} and "held" in result["naver"]


async def test_the_collection_after_a_maintenance_takes_in_what_was_held(
    database: str, connection: psycopg.Connection[Any]
) -> None:
    async def collect() -> datetime:
        async with a_context(database) as (context, _):
            await collect_orders(context)
        return reached()

    def reached() -> datetime:
        row = connection.execute("SELECT reached_at FROM erp.watermarks").fetchone()
        assert row is not None
        mark: datetime = row[0]
        return mark

    with a_shop() as shop:
        shop.open_account(connection)
        before = await collect()
        once(connection, before - timedelta(minutes=1), before + timedelta(hours=1), market="coupang")
        calls = shop.sandbox.requests.total()
        with pytest.raises(Skip, match="held: coupang"):
            await collect()
        assert reached() == before and shop.sandbox.requests.total() == calls

        connection.execute("DELETE FROM market_windows")
        assert await collect() > before
    first = connection.execute("SELECT min(from_at) FROM erp.collection_windows WHERE to_at > %s", (before,)).fetchone()
    assert first is not None and first[0] <= before
    assert connection.execute("SELECT count(*) FROM erp.collection_gaps").fetchone() == (0,)
