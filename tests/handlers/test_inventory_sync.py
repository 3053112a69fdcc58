"""Shops are made equal to the master: never too much, never twice, never without a way back."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from handlers.inventory_sync import synchronise
from handlers.markets.base import MarketError
from handlers.stock import undo
from scheduler.handler import GiveUp
from tests.handlers import stock_support
from tests.handlers.stock_support import FakeShop, cancel, count, events, list_item, one, open_shop, order, run
from tests.handlers.support import Cancelled, a_context

Connection = psycopg.Connection[Any]
shops = stock_support.shops
pytestmark = pytest.mark.usefixtures("shops")

BOTH = ("coupang", "naver")
PUSHES = "SELECT item_id, former, value, ok FROM erp.pushes ORDER BY id"


def figures(result: dict[str, Any], label: str = "coupang") -> tuple[int, int, int]:
    mine = result["markets"][label]
    return mine["differing"], mine["pushed"], mine["failed"]


async def sync(database: str, *markets: str, **more: Any) -> dict[str, Any]:
    result, _ = await run(synchronise, database, markets or ("coupang",), **more)
    return result


def many(number: int, value: int = 10) -> dict[str, int]:
    return {f"SKU-{each:04}": value for each in range(1, number + 1)}


async def test_a_sale_at_one_shop_lowers_the_other(database: str, connection: Connection) -> None:
    coupang, naver = open_shop(connection, stock={"A": 17}), open_shop(connection, "naver", stock={"A": 17})
    await sync(database, *BOTH)
    order(connection, "A", 1)
    coupang.stock["c-A"] = 16
    result = await sync(database, *BOTH)

    assert (coupang.stock, naver.stock) == ({"c-A": 16}, {"n-A": 16})
    assert (coupang.pushed, naver.pushed) == ([], [("n-A", 16)])
    assert result["markets"]["naver"]["sold_first"] == 1 and figures(result) == (0, 0, 0)
    assert connection.execute(PUSHES).fetchall() == [("n-A", 17, 16, True)]
    assert connection.execute("SELECT stock FROM erp.product_options").fetchall() == [(16,), (16,)]


async def test_a_second_run_asks_the_shops_nothing(database: str, connection: Connection) -> None:
    shop = open_shop(connection, stock=many(20))
    count(connection, **many(20, 7))
    await sync(database)
    shop.reads.clear()
    result = await sync(database)

    assert shop.reads == [] and result["stock"] == 0 and result["markets"]["coupang"]["checked"] == 20


# -- taking over


async def test_an_unknown_sku_is_taken_over_with_the_lowest_stock_of_any_shop(database: str, connection: Connection) -> None:
    open_shop(connection, stock={"A": 9, "B": 3})
    naver = open_shop(connection, "naver", stock={"A": 5, "B": 4})
    result = await sync(database)

    assert connection.execute("SELECT sku, quantity, adopted FROM erp.stock ORDER BY sku").fetchall() == [
        ("A", 5, True), ("B", 3, True)]
    assert result["markets"]["coupang"]["adopted"] == 2 and figures(result) == (1, 1, 0)
    assert naver.pushed == []
    assert connection.execute("SELECT DISTINCT reason FROM erp.stock_moves").fetchall() == [("adopt",)]


async def test_what_was_ordered_since_the_shops_were_read_is_taken_off(database: str, connection: Connection) -> None:
    shop = open_shop(connection, stock={"A": 9})
    connection.execute("UPDATE erp.product_options SET seen_at = now() - interval '1 hour'")
    order(connection, "A", 2, ago="10 minutes")
    shop.stock["c-A"] = 7
    await sync(database)

    assert one(connection, "SELECT quantity FROM erp.stock") == 7 and shop.pushed == []


async def test_nothing_is_taken_over_where_that_is_not_wanted(database: str, connection: Connection) -> None:
    shop = open_shop(connection, stock={"A": 9, "B": 2})
    count(connection, A=4)
    result = await sync(database, adopt=False)

    assert shop.pushed == [("c-A", 4)] and result["markets"]["coupang"]["without_master"] == 1


# -- buffer and order


@pytest.mark.parametrize(("own", "expected"), [(None, 7), (0, 10), (4, 6), (20, 0)])
async def test_the_buffer_is_kept_back(database: str, connection: Connection, own: int | None, expected: int) -> None:
    shop = open_shop(connection, stock={"A": 99})
    connection.execute("INSERT INTO erp.stock (sku, quantity, buffer) VALUES ('A', 10, %s)", (own,))
    await sync(database, buffer=3)

    assert shop.stock == {"c-A": expected}


async def test_what_was_sold_goes_first(database: str, connection: Connection) -> None:
    shop = open_shop(connection, stock=many(120))
    count(connection, **many(120, 8))
    order(connection, "SKU-0119", 1)
    await sync(database)

    assert shop.pushed[0] == ("c-SKU-0119", 7) and len(shop.pushed) == 120


async def test_only_sold_reads_nothing_else_and_each_shop_on_its_own(database: str, connection: Connection) -> None:
    coupang, naver = open_shop(connection, stock=many(60)), open_shop(connection, "naver", stock=many(60))
    await sync(database, *BOTH)
    count(connection, **{"SKU-0002": 3})
    order(connection, "SKU-0001", 2)
    await sync(database, "coupang", only_sold=True)
    await sync(database, "naver", only_sold=True)
    await sync(database, *BOTH, only_sold=True)

    assert coupang.reads == [["c-SKU-0001"]] and naver.reads == [["n-SKU-0001"]]
    assert coupang.stock["c-SKU-0001"] == naver.stock["n-SKU-0001"] == 8


async def test_a_sale_while_the_pass_goes_on_is_in_what_is_sent(database: str, connection: Connection) -> None:
    shop = open_shop(connection, stock=many(60))
    count(connection, **many(60, 8))

    def sell(verb: str, items: list[str]) -> None:
        if verb == "push" and "c-SKU-0001" in items:
            order(connection, "SKU-0060", 5)

    shop.before = sell
    await sync(database)

    assert ("c-SKU-0060", 3) in shop.pushed and ("c-SKU-0060", 8) not in shop.pushed


async def test_a_shop_that_sold_something_uncollected_is_not_raised_again(database: str, connection: Connection) -> None:
    shop = open_shop(connection, stock={"A": 17})
    connection.execute("INSERT INTO erp.watermarks VALUES ('coupang', 'default', 'orders', now() - interval '1 minute')")
    await sync(database)
    shop.stock["c-A"] = 16
    connection.execute("UPDATE erp.product_options SET stock = 16")
    result = await sync(database)
    assert shop.stock["c-A"] == 16 and result["markets"]["coupang"]["waiting"] == 1

    connection.execute("UPDATE erp.watermarks SET reached_at = now() + interval '11 minutes'")
    await sync(database)
    assert shop.stock["c-A"] == 17


async def test_a_new_count_raises_a_shop_at_once(database: str, connection: Connection) -> None:
    shop = open_shop(connection, stock={"A": 17})
    connection.execute("INSERT INTO erp.watermarks VALUES ('coupang', 'default', 'orders', now())")
    await sync(database)
    count(connection, A=40)
    await sync(database)

    assert shop.stock["c-A"] == 40


# -- caps


@pytest.mark.parametrize(("zeros", "refused"), [(29, False), (30, False), (31, True)])
async def test_more_than_the_cap_may_not_go_to_nothing(
    database: str, connection: Connection, zeros: int, refused: bool
) -> None:
    shop = open_shop(connection, stock=many(100))
    count(connection, **{sku: 0 if number < zeros else 10 for number, sku in enumerate(many(100))})
    if not refused:
        await sync(database)
        assert list(shop.stock.values()).count(0) == zeros
        return
    with pytest.raises(GiveUp, match=r"31 of 100 items .*max_zero_percent"):
        await sync(database)

    assert shop.reads == [] and one(connection, "SELECT count(*) FROM erp.pushes") == 0
    assert ("stock.refused", "coupang") in events(connection)


async def test_four_items_are_never_too_many(database: str, connection: Connection) -> None:
    shop = open_shop(connection, stock=many(4))
    count(connection, **many(4, 0))
    await sync(database)
    assert set(shop.stock.values()) == {0}


async def test_a_refused_shop_does_not_hold_up_the_other_and_the_event_goes_when_it_is_right(
    database: str, connection: Connection
) -> None:
    coupang, naver = open_shop(connection, stock=many(10)), open_shop(connection, "naver", stock=many(3))
    count(connection, **many(10, 0))
    for _ in range(2):
        with pytest.raises(GiveUp, match=r"refused: coupang: .*\(done: naver\)"):
            await sync(database, *BOTH)
    assert set(naver.stock.values()) == {0} and coupang.pushed == []
    assert [event for event in events(connection) if event[0] == "stock.refused"] == [("stock.refused", "coupang")]

    await sync(database, *BOTH, max_zero_percent=100)
    assert set(coupang.stock.values()) == {0}
    assert one(connection, "SELECT count(*), count(cleared_at) FROM erp.events WHERE kind = 'stock.refused'") == (1, 1)


async def test_the_checkpoint_of_a_refused_account_says_so_and_a_retry_looks_again(
    database: str, connection: Connection
) -> None:
    shop = open_shop(connection, stock=many(10))
    count(connection, **many(10, 0))
    async with a_context(database, ["coupang"]) as (context, link):
        with pytest.raises(GiveUp):
            await synchronise(context)
    assert "would go to 0" in link.checkpoints[-1]["done"]["coupang"]["refused"]

    count(connection, **many(10, 9))
    await run(synchronise, database, checkpoint=link.checkpoints[-1], attempt=2)
    assert set(shop.stock.values()) == {9}


async def test_what_the_shop_shows_counts_where_the_catalogue_was_wrong(database: str, connection: Connection) -> None:
    shop = open_shop(connection, stock=many(10))
    connection.execute("UPDATE erp.product_options SET stock = 0 WHERE item_id <> 'c-SKU-0010'")
    count(connection, **many(10, 0))
    with pytest.raises(GiveUp, match="would go to 0"):
        await sync(database, check_all=True)
    assert shop.pushed == []


@pytest.mark.parametrize(("catalogue", "master", "words"), [
    (False, True, "the catalogue of the shop is empty"), (True, False, "erp.stock knows none"),
])
async def test_an_empty_feed_changes_nothing(
    database: str, connection: Connection, catalogue: bool, master: bool, words: str
) -> None:
    shop = open_shop(connection, stock=many(10), catalogue=catalogue)
    if master:
        count(connection, **many(10, 1))
    with pytest.raises(GiveUp, match=words):
        await sync(database, adopt=False)
    assert shop.pushed == [] and events(connection) == [("stock.refused", "coupang")]


async def test_too_many_changes_are_refused_where_that_is_asked_for(database: str, connection: Connection) -> None:
    shop = open_shop(connection, stock=many(10))
    count(connection, **many(6, 9))
    with pytest.raises(GiveUp, match=r"6 of 10 items \(60.0 %\) would change"):
        await sync(database, max_changed_percent=50)
    assert shop.pushed == []


# -- dry run


async def test_a_dry_run_says_what_would_be_set_and_sets_nothing(database: str, connection: Connection) -> None:
    shop = open_shop(connection, stock={"SKU-0001": 17, "SKU-0002": 4})
    count(connection, **{"SKU-0001": 16})
    async with a_context(database, ["coupang"]) as (context, link):
        result = await synchronise(context, dry_run=True)

    assert result["markets"]["coupang"]["diff"] == ["SKU-0001 coupang 17 → 16"] and result["stock"] == 1
    assert "SKU-0001 coupang 17 → 16" in [fields.get("difference") for _, _, fields in link.lines]
    assert shop.pushed == [] and events(connection) == []
    tables = ("pushes", "stock_checks")
    assert [one(connection, f"SELECT count(*) FROM erp.{table}") for table in tables] == [0, 0]
    assert connection.execute("SELECT sku FROM erp.stock").fetchall() == [("SKU-0001",)]


async def test_a_dry_run_says_that_it_would_be_refused(database: str, connection: Connection) -> None:
    open_shop(connection, stock=many(10))
    count(connection, **many(10, 0))
    result = await sync(database, dry_run=True)
    assert "would go to 0" in result["markets"]["coupang"]["refused"] and events(connection) == []


# -- failures


async def test_only_what_failed_is_tried_again(database: str, connection: Connection) -> None:
    shop = open_shop(connection, stock=many(8))
    count(connection, **many(8, 9))
    shop.stumbles = {"c-SKU-0003": 1}
    async with a_context(database, ["coupang"]) as (context, link):
        with pytest.raises(MarketError, match="1 of 8 pushes failed"):
            await synchronise(context)
    shop.reads.clear()
    count(connection, **{"SKU-0001": 5})
    result, left = await run(synchronise, database, checkpoint=link.checkpoints[-1], attempt=2)

    assert shop.reads == [["c-SKU-0003"]] and figures(result) == (1, 1, 0)
    assert left["failed"] == {} and set(shop.stock.values()) == {9}
    counted = one(connection, "SELECT count(DISTINCT run), count(*), count(*) FILTER (WHERE ok IS NULL) FROM erp.pushes")
    assert counted == (1, 9, 1)
    await sync(database)
    assert shop.stock["c-SKU-0001"] == 5


async def test_an_item_the_shop_refuses_is_an_event_and_not_a_failed_execution(database: str, connection: Connection) -> None:
    shop = open_shop(connection, stock=many(8))
    count(connection, **many(8, 9))
    shop.refuses = {"c-SKU-0003": "the product is deleted"}
    result = await sync(database)
    assert figures(result) == (8, 7, 1) and events(connection) == [("stock.refused", "coupang/c-SKU-0003")]

    shop.refuses = {}
    await sync(database)
    assert events(connection) == [] and shop.stock["c-SKU-0003"] == 9


async def test_a_shop_that_goes_away_leaves_what_was_done(database: str, connection: Connection) -> None:
    shop = open_shop(connection, stock=many(60))
    count(connection, **many(60, 9))

    def leave(verb: str, items: list[str]) -> None:
        shop.down = verb == "read" and bool(shop.pushed)

    shop.before = leave
    with pytest.raises(MarketError, match="away"):
        await sync(database)
    done = len(shop.pushed)
    shop.before = FakeShop().before
    shop.down = False
    await sync(database)

    assert 0 < done < 60 == len(shop.pushed) == len(set(shop.pushed))


async def test_an_interrupted_pass_goes_on_where_it_was(database: str, connection: Connection) -> None:
    shop = open_shop(connection, stock=many(60))
    count(connection, **many(60, 9))
    with pytest.raises(Cancelled):
        await sync(database, ends_after=1)
    assert 0 < len(shop.pushed) < 60
    await sync(database)
    assert len(shop.pushed) == len(set(shop.pushed)) == 60


async def test_a_push_without_an_answer_is_on_record(database: str, connection: Connection) -> None:
    shop = open_shop(connection, stock={"A": 17})
    count(connection, A=16)

    def die(verb: str, items: list[str]) -> None:
        if verb == "push":
            raise KeyboardInterrupt

    shop.before = die
    with pytest.raises(KeyboardInterrupt):
        await sync(database)
    assert connection.execute(PUSHES).fetchall() == [("c-A", 17, 16, None)]


async def test_an_item_that_is_gone_at_the_shop_is_left_out(database: str, connection: Connection) -> None:
    shop = open_shop(connection, stock={"A": 17, "B": 17})
    count(connection, A=16, B=16)
    del shop.stock["c-A"]
    result = await sync(database)
    assert result["markets"]["coupang"]["gone"] == 1 and shop.stock == {"c-B": 16}


async def test_an_older_answer_of_the_catalogue_does_not_overwrite_what_was_set(database: str, connection: Connection) -> None:
    open_shop(connection, stock={"A": 17})
    before = one(connection, "SELECT clock_timestamp()")
    count(connection, A=16)
    await sync(database)
    assert one(connection, "SELECT seen_at > %s FROM erp.product_options", before)


# -- events about levels


async def test_sold_out_and_low_are_told_once_and_cleared(database: str, connection: Connection) -> None:
    open_shop(connection, stock={"A": 5, "B": 5, "C": 50})
    count(connection, A=0, B=3, C=40)
    for _ in range(2):
        await sync(database)
    assert events(connection) == [("stock.low", "B"), ("stock.sold_out", "A")]
    assert one(connection, "SELECT count(*) FROM erp.events") == 2
    assert one(connection, "SELECT ko, en FROM erp.events WHERE subject = 'B'") == (
        "B: 재고가 3개 남았습니다 (기준 5개)", "B: 3 left (low at 5)")

    count(connection, A=2, B=0, C=6)
    connection.execute("UPDATE erp.stock SET low_at = 10 WHERE sku = 'C'")
    await sync(database)
    assert events(connection) == [("stock.low", "A"), ("stock.low", "C"), ("stock.sold_out", "B")]


# -- the way back


async def test_undoing_restores_what_the_shops_had(database: str, connection: Connection) -> None:
    coupang, naver = open_shop(connection, stock=many(8, 10)), open_shop(connection, "naver", stock=many(8, 12))
    count(connection, **many(8, 1))
    await sync(database, *BOTH)
    number = str(one(connection, "SELECT DISTINCT run FROM erp.pushes"))
    result = await sync(database, *BOTH, undo=number)

    assert set(coupang.stock.values()) == {10} and set(naver.stock.values()) == {12}
    assert result["undo"] == number and result["stock"] == 16
    assert one(connection, "SELECT count(*) FROM erp.pushes AS a JOIN erp.pushes AS b ON a.undone_by = b.id "
               "WHERE a.former = b.value AND a.value = b.former AND a.item_id = b.item_id") == 16
    assert [sku for sku, _ in coupang.pushed[8:]] == [sku for sku, _ in reversed(coupang.pushed[:8])]
    assert connection.execute("SELECT DISTINCT quantity FROM erp.stock").fetchall() == [(10,)]
    assert one(connection, "SELECT reason FROM erp.stock_moves ORDER BY id DESC LIMIT 1") == "undo"

    again = await sync(database, *BOTH, undo=number)
    assert again["stock"] == 0


async def test_what_was_ordered_since_is_not_given_back(database: str, connection: Connection) -> None:
    shop = open_shop(connection, stock={"A": 10})
    count(connection, A=1)
    await sync(database)
    order(connection, "A", 1)
    await sync(database, undo=str(one(connection, "SELECT run FROM erp.pushes")))

    assert shop.stock == {"c-A": 9} and one(connection, "SELECT quantity FROM erp.stock") == 9


async def test_a_count_made_after_the_run_stands(database: str, connection: Connection) -> None:
    open_shop(connection, stock={"A": 10})
    count(connection, A=1)
    await sync(database)
    count(connection, A=6)
    await sync(database, undo=str(one(connection, "SELECT run FROM erp.pushes")))
    assert one(connection, "SELECT quantity FROM erp.stock") == 6


async def test_undoing_can_be_tried_dry_and_for_one_market(database: str, connection: Connection) -> None:
    coupang, naver = open_shop(connection, stock={"A": 10}), open_shop(connection, "naver", stock={"A": 12})
    count(connection, A=1)
    await sync(database, *BOTH)
    number = str(one(connection, "SELECT DISTINCT run FROM erp.pushes"))
    dry = await sync(database, *BOTH, undo=number, dry_run=True)
    assert dry["markets"]["naver"]["diff"] == ["A naver 1 → 12"]
    assert coupang.stock["c-A"] == naver.stock["n-A"] == one(connection, "SELECT quantity FROM erp.stock") == 1

    await sync(database, "naver", undo=number)
    assert (coupang.stock["c-A"], naver.stock["n-A"]) == (1, 12)


async def test_a_retried_undoing_does_only_what_failed(database: str, connection: Connection) -> None:
    shop = open_shop(connection, stock=many(3))
    count(connection, **many(3, 1))
    await sync(database)
    shop.stumbles = {"c-SKU-0002": 1}
    number = str(one(connection, "SELECT DISTINCT run FROM erp.pushes"))
    async with a_context(database, ["coupang"]) as (context, link):
        with pytest.raises(MarketError, match="1 of 3"):
            await synchronise(context, undo=number)
    del shop.pushed[:]
    await run(synchronise, database, checkpoint=link.checkpoints[-1], attempt=2, undo=number)
    assert shop.pushed == [("c-SKU-0002", 10)] and set(shop.stock.values()) == {10}


@pytest.mark.parametrize("text", ["yesterday", "7f2c8a52-0000-4000-8000-000000000000"])
async def test_an_unknown_run_is_not_tried_again(database: str, connection: Connection, text: str) -> None:
    open_shop(connection, stock={"A": 10})
    with pytest.raises(GiveUp, match="undo: "):
        await sync(database, undo=text)


def test_a_run_has_a_name() -> None:
    with pytest.raises(GiveUp, match="is not a run"):
        undo.run_named("1; DROP TABLE erp.pushes")


async def test_a_cancel_goes_back_to_the_shops_at_the_next_full_run(database: str, connection: Connection) -> None:
    shop = open_shop(connection, stock={"A": 10})
    await sync(database)
    order(connection, "A", 4)
    await sync(database, only_sold=True)
    cancel(connection, "A", 4)
    await sync(database)
    assert shop.stock == {"c-A": 10}


async def test_an_item_that_is_new_at_a_shop_gets_the_master(database: str, connection: Connection) -> None:
    naver = open_shop(connection, "naver", stock={"A": 1})
    count(connection, A=8, B=6)
    list_item(connection, "naver", "B")
    naver.stock["n-B"] = 999
    await sync(database, "naver")
    assert naver.stock == {"n-A": 8, "n-B": 6}
