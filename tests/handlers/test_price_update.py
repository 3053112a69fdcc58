"""Prices follow the rules: as the shop shows them just before, within caps, and with a way back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import psycopg
import pytest

from handlers.markets.base import MarketError
from handlers.price_update import update_prices
from handlers.stock import competitors
from scheduler.handler import Context, GiveUp
from tests.handlers import stock_support
from tests.handlers.stock_support import events, one, open_shop, run
from tests.handlers.support import a_context

Connection = psycopg.Connection[Any]
shops = stock_support.shops
pytestmark = pytest.mark.usefixtures("shops")

HISTORY = "SELECT item_id, price, source FROM erp.prices ORDER BY id"


def rule(connection: Connection, **columns: Any) -> None:
    values = {"margin_percent": 0, "fee_percent": 0, **columns}
    names, marks = ", ".join(values), ", ".join(f"%({name})s" for name in values)
    connection.execute(f"INSERT INTO erp.price_rules ({names}) VALUES ({marks})", values)


async def update(database: str, *markets: str, **more: Any) -> dict[str, Any]:
    result, _ = await run(update_prices, database, markets or ("coupang",), **more)
    return result


def many(number: int, value: int = 10000) -> dict[str, int]:
    return {f"SKU-{each:04}": value for each in range(1, number + 1)}


async def test_each_shop_gets_the_price_of_its_most_specific_rule(database: str, connection: Connection) -> None:
    coupang, naver = open_shop(connection, prices={"A": 10000, "B": 10000}), open_shop(
        connection, "naver", prices={"A": 10000, "B": 10000})
    rule(connection, cost=9000)
    rule(connection, cost=9000, fee_percent=10, market_code="naver", margin_percent="5")
    rule(connection, cost=8200, sku="B", margin_percent=10)
    rule(connection, cost=8800, sku="B", market_code="naver", enabled=False)
    rule(connection, cost=8800, sku="B", market_code="naver", valid_to="2020-01-01")
    result = await update(database, "coupang", "naver", max_changed_percent=100)

    assert coupang.prices == {"c-A": 9000, "c-B": 9020} and naver.prices == {"n-A": 10500, "n-B": 9020}
    assert result["price"] == 4 and result["markets"]["coupang"]["changed_percent"] == 100.0
    assert one(connection, "SELECT count(*) FROM erp.pushes WHERE kind = 'price' AND ok AND former = 10000") == 4
    assert connection.execute(HISTORY + " OFFSET 4").fetchall() == [
        ("c-A", 9000, "pushed"), ("c-B", 9020, "pushed"), ("n-A", 10500, "pushed"), ("n-B", 9020, "pushed")]


async def test_the_cost_of_the_stock_serves_a_rule_without_one(database: str, connection: Connection) -> None:
    shop = open_shop(connection, prices={"A": 10000, "B": 10000})
    connection.execute("INSERT INTO erp.stock (sku, quantity, cost) VALUES ('A', 1, 8100), ('B', 1, NULL)")
    rule(connection, margin_percent=10)
    result = await update(database)

    assert shop.prices == {"c-A": 8910, "c-B": 10000} and result["markets"]["coupang"]["without_cost"] == 1


async def test_items_without_a_rule_stay_as_they_are(database: str, connection: Connection) -> None:
    shop = open_shop(connection, prices={"A": 10000})
    result = await update(database)
    assert shop.reads == [] and result["markets"]["coupang"]["without_rule"] == 1


async def test_a_second_run_sets_nothing(database: str, connection: Connection) -> None:
    shop = open_shop(connection, prices={"A": 10000})
    rule(connection, cost=9000)
    await update(database)
    shop.reads.clear()
    await update(database)
    assert shop.reads == [] and shop.pushed == [("c-A", 9000)]


async def test_a_change_seen_by_the_collection_is_history_too(connection: Connection) -> None:
    open_shop(connection, prices={"A": 10000})
    connection.execute("UPDATE erp.product_options SET price = 12000")
    connection.execute("UPDATE erp.product_options SET price = 12000, stock = 3")
    assert connection.execute(HISTORY).fetchall() == [("c-A", 10000, "collected"), ("c-A", 12000, "collected")]


# -- caps


@pytest.mark.parametrize(("cost", "refused"), [(12000, False), (12010, True), (8000, False), (7990, True)])
async def test_a_change_beyond_the_limit_is_refused_for_its_item(
    database: str, connection: Connection, cost: int, refused: bool
) -> None:
    shop = open_shop(connection, prices={"A": 10000, "B": 10000})
    rule(connection, cost=cost, sku="A")
    rule(connection, cost=9900, sku="B")
    result = await update(database)

    assert shop.prices == {"c-A": 10000 if refused else cost, "c-B": 9900}
    assert result["markets"]["coupang"]["too_far"] == int(refused)
    assert events(connection) == ([("price.refused", "coupang/c-A")] if refused else [])


async def test_the_event_goes_when_the_limit_allows_it_and_the_rule_goes_before_the_job(
    database: str, connection: Connection
) -> None:
    shop = open_shop(connection, prices={"A": 10000})
    rule(connection, cost=15000)
    for _ in range(2):
        await update(database)
    assert one(connection, "SELECT count(*), min(subject) FROM erp.events") == (1, "coupang/c-A")
    connection.execute("UPDATE erp.price_rules SET max_change_percent = 50")
    await update(database)
    assert shop.prices == {"c-A": 15000} and events(connection) == []


@pytest.mark.parametrize(("changed", "refused"), [(5, False), (6, True)])
async def test_too_many_changes_at_once_are_refused(
    database: str, connection: Connection, changed: int, refused: bool
) -> None:
    shop = open_shop(connection, prices=many(10))
    for sku in list(many(10))[:changed]:
        rule(connection, cost=9500, sku=sku)
    if refused:
        with pytest.raises(GiveUp, match=r"6 of 10 items \(60.0 %\) would change .*max_changed_percent"):
            await update(database)
        assert events(connection) == [("price.refused", "coupang")]
    else:
        await update(database)
    assert list(shop.prices.values()).count(9500) == (0 if refused else 5)


async def test_a_dry_run_sets_nothing(database: str, connection: Connection) -> None:
    shop = open_shop(connection, prices={"A": 10000, "B": 10000})
    rule(connection, cost=9000, sku="A")
    rule(connection, cost=1000, sku="B")
    result = await update(database, dry_run=True)

    mine = result["markets"]["coupang"]
    assert mine["diff"] == ["A coupang 10000 → 9000"] and mine["too_far"] == 1
    assert shop.pushed == [] and events(connection) == [] and one(connection, "SELECT count(*) FROM erp.pushes") == 0


async def test_an_empty_catalogue_is_refused(database: str, connection: Connection) -> None:
    open_shop(connection, prices={"A": 10000}, catalogue=False)
    with pytest.raises(GiveUp, match="catalogue of the shop is empty"):
        await update(database)


async def test_only_what_failed_is_tried_again(database: str, connection: Connection) -> None:
    shop = open_shop(connection, prices=many(4))
    rule(connection, cost=9500)
    shop.stumbles = {"c-SKU-0002": 1}
    shop.refuses = {"c-SKU-0004": "the option is deleted"}
    async with a_context(database, ["coupang"]) as (context, link):
        with pytest.raises(MarketError, match="1 of 3 pushes failed"):
            await update_prices(context)
    shop.reads.clear()
    result, _ = await run(update_prices, database, checkpoint=link.checkpoints[-1], attempt=2)
    assert shop.reads == [["c-SKU-0002"]] and result["price"] == 1
    assert events(connection) == [("price.refused", "coupang/c-SKU-0004")]


# -- competitors


def seen(connection: Connection, price: int, source: str = "a", ago: str = "1 hour", sku: str = "A") -> None:
    connection.execute(
        "INSERT INTO erp.competitor_prices (sku, source, price, seen_at) VALUES (%s, %s, %s, now() - %s::interval)",
        (sku, source, price, ago))


@pytest.mark.parametrize(("parameters", "price"), [
    ({}, 10500),
    ({"competitor": "match_lowest"}, 9800),
    ({"competitor": "undercut", "undercut_won": 50}, 9750),
    ({"competitor": "match_lowest", "competitor_hours": 100}, 9000),
    ({"competitor": "match_lowest", "competitor_hours": 0.5}, 10500),
])
async def test_the_lowest_price_of_a_competitor_that_is_not_too_old(
    database: str, connection: Connection, parameters: dict[str, Any], price: int
) -> None:
    shop = open_shop(connection, prices={"A": 10000})
    rule(connection, cost=9000, margin_percent="16.67", round_how="down")
    seen(connection, 9800)
    seen(connection, 9900, "b")
    seen(connection, 5000, "old", "3 days")
    await update(database, **parameters)
    assert shop.prices == {"c-A": price}


async def test_a_registered_source_is_asked_before(
    database: str, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def look(context: Context, skus: Sequence[str]) -> Iterable[tuple[str, int]]:
        return [(sku, 9700) for sku in skus]

    monkeypatch.setattr(competitors, "SOURCES", {})
    competitors.competitor_source("town")(look)
    shop = open_shop(connection, prices={"A": 10000})
    rule(connection, cost=9000, margin_percent=20)
    await update(database, competitor="match_lowest", competitor_source="town")

    assert shop.prices == {"c-A": 9700}
    assert connection.execute("SELECT sku, source, price FROM erp.competitor_prices").fetchall() == [("A", "town", 9700)]
    with pytest.raises(GiveUp, match="no source 'moon'; known: town"):
        await update(database, competitor_source="moon")


# -- the way back


async def test_undoing_restores_the_former_prices(database: str, connection: Connection) -> None:
    shop = open_shop(connection, prices=many(4))
    rule(connection, cost=9500)
    await update(database)
    number = str(one(connection, "SELECT DISTINCT run FROM erp.pushes"))
    result = await update(database, undo=number)

    assert set(shop.prices.values()) == {10000} and result["price"] == 4
    assert one(connection, "SELECT count(*) FROM erp.pushes WHERE undone_by IS NOT NULL") == 4
    assert one(connection, "SELECT count(*) FROM erp.prices WHERE source = 'pushed' AND price = 10000") == 4


@pytest.mark.parametrize("columns", [
    {"round_to": 15}, {"round_to": 0}, {"min_price": 105}, {"min_price": 200, "max_price": 100}, {"fee_percent": 100},
    {"round_how": "off"}, {"cost": 0}, {"max_change_percent": 0}, {"margin_percent": -100},
])
def test_a_rule_that_makes_no_sense_is_refused(connection: Connection, columns: dict[str, Any]) -> None:
    with pytest.raises(psycopg.errors.CheckViolation, match="price_rules: "):
        rule(connection, **columns)
