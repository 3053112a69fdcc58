"""From the catalogue to the shop and back, at every market, over HTTP against its sandbox."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from handlers.inventory_sync import synchronise
from handlers.markets.base import Item
from handlers.order_collection import collect_orders
from handlers.price_update import update_prices
from handlers.product_collection import collect_products
from handlers.stock.differences import Wanted
from handlers.stock.passes import chunks
from tests.handlers.stock_support import one, run
from tests.handlers.support import Shop, a_shop

Connection = psycopg.Connection[Any]
MARKETS = ("coupang", "naver", "11st")


def at_the_shop(shop: Shop) -> dict[str, tuple[int, int]]:
    """Return stock and price of each sku as the shop itself counts them."""
    return {item.sku: (shop.shop.stock(item), shop.shop.price(item)) for item in shop.shop.items()}


def listed(connection: Connection) -> set[str]:
    return {sku for (sku,) in connection.execute("SELECT sku FROM erp.market_items").fetchall()}


@pytest.mark.parametrize("code", MARKETS)
async def test_a_whole_shop_is_collected_synchronised_priced_and_undone(
    database: str, connection: Connection, code: str
) -> None:
    with a_shop(code, per_minute=0.001) as shop:
        shop.open_account(connection)
        await run(collect_products, database, [code])
        skus = listed(connection)
        before = {sku: values for sku, values in at_the_shop(shop).items() if sku in skus}
        first, _ = await run(synchronise, database, [code])
        assert first["stock"] == 0 and len(skus) > 10

        connection.execute("UPDATE erp.stock SET quantity = quantity + 1")
        pushed, _ = await run(synchronise, database, [code])
        shown = at_the_shop(shop)
        assert pushed["stock"] == len(skus)
        assert {sku: shown[sku][0] for sku in skus} == {sku: before[sku][0] + 1 for sku in skus}

        connection.execute(
            "INSERT INTO erp.price_rules (sku, cost, max_change_percent) "
            "SELECT sku, price / 10 * 10 + 100, 100 FROM erp.market_items")
        priced, _ = await run(update_prices, database, [code], max_changed_percent=100)
        shown = at_the_shop(shop)
        assert priced["price"] == len(skus)
        assert {sku: shown[sku][1] for sku in skus} == {sku: before[sku][1] + 100 for sku in skus}

        for kind, function in (("price", update_prices), ("stock", synchronise)):
            number = one(connection, "SELECT DISTINCT run FROM erp.pushes WHERE kind = %s AND undone_by IS NULL", kind)
            await run(function, database, [code], undo=str(number))
        shown = at_the_shop(shop)
        assert {sku: shown[sku] for sku in skus} == before
        assert one(connection, "SELECT count(*) FROM erp.pushes WHERE ok IS NOT TRUE") == 0


async def test_a_sale_at_one_market_lowers_the_others_and_nothing_is_sold_twice(database: str, connection: Connection) -> None:
    with ExitStack() as stack:
        shops = {
            code: stack.enter_context(a_shop(code, per_minute=2, history=timedelta(minutes=90))) for code in MARKETS
        }
        beginning = max(shop.start for shop in shops.values()) + timedelta(minutes=5)
        for shop in shops.values():
            shop.stand(beginning)
            shop.open_account(connection)
        await run(collect_products, database, MARKETS)
        connection.execute("UPDATE erp.product_options SET seen_at = %s", (beginning,))
        await run(synchronise, database, MARKETS, max_changed_percent=None)

        for shop in shops.values():
            shop.stand(beginning + timedelta(minutes=60))
        await run(collect_orders, database, MARKETS)
        sold = connection.execute("SELECT count(*) FROM erp.sold_unpushed").fetchone()
        await run(synchronise, database, MARKETS, only_sold=True, max_zero_percent=100)

        assert sold is not None and sold[0] > 0
        assert one(connection, "SELECT count(*) FROM erp.sold_unpushed") == 0
        master = dict(connection.execute("SELECT sku, quantity FROM erp.stock WHERE sold_revision > 0").fetchall())
        assert len(master) > 10
        for shop in shops.values():
            shown = at_the_shop(shop)
            assert {sku: shown[sku][0] for sku in master if sku in shown} == {sku: master[sku] for sku in master if sku in shown}


def test_items_of_one_product_stay_together_and_what_was_sold_stays_first() -> None:
    wanted = [Wanted(Item("1", "p"), 1, sold=True)] + [
        Wanted(Item(str(number), f"p{number % 30}"), 1) for number in range(2, 122)]
    parts = list(chunks(wanted))

    assert parts[0][0].sold and sorted(each.item.item_id for part in parts for each in part) == sorted(
        each.item.item_id for each in wanted)
    products = [{each.item.product_id for each in part} for part in parts]
    assert len(parts) == 3 and all(len(part) <= 50 for part in parts)
    assert not any(one & other for number, one in enumerate(products) for other in products[number + 1:])
