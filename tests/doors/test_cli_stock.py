"""`erp-scheduler stock`: what it shows, what it writes down, and what it asks for to be undone."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import psycopg
import pytest

from tests.doors.conftest import Cli, a_job, document

Connection = psycopg.Connection[Any]
FIRST, SECOND = UUID(int=0xA1 << 120), UUID(int=0xB2 << 120)


def an_item(connection: Connection, market: str, sku: str, stock: int | None, account: str = "default") -> None:
    connection.execute(
        "INSERT INTO erp.products (market_code, account, product_id, name, seen_at) VALUES (%s, %s, %s, '컵', now())",
        (market, account, sku))
    connection.execute(
        "INSERT INTO erp.product_options (market_code, account, item_id, product_id, sku, name, stock, seen_at) "
        "VALUES (%s, %s, %s, %s, %s, '', %s, now())", (market, account, f"{market}-{sku}", sku, sku, stock))


def a_push(
    connection: Connection, run: UUID, kind: str = "stock", market: str = "coupang", ok: bool | None = True, sold: bool = False
) -> int:
    row = connection.execute(
        "INSERT INTO erp.pushes (run, kind, market_code, account, item_id, product_id, former, value, ok, sold) "
        "VALUES (%s, %s, %s, 'default', 'i', 'p', 10, 1, %s, %s) RETURNING id", (run, kind, market, ok, sold)).fetchone()
    assert row is not None
    return int(row[0])


def test_a_counted_quantity_is_written_down_and_listed(cli: Cli, connection: Connection) -> None:
    assert "SKU-1: 12, counted" in cli("stock", "set", "SKU-1", 12, "--buffer", 2, "--cost", 900).stdout
    cli("stock", "set", "SKU-1", 7)
    cli("stock", "set", "TEA-1", 3)

    assert [(row["sku"], row["quantity"], row["buffer"], row["cost"]) for row in document(cli("stock", "list", "--json"))] == [
        ("SKU-1", 7, 2, 900), ("TEA-1", 3, None, None)]
    assert cli("stock", "list", "TEA").stdout.split()[-1] == "-" and "SKU-1" not in cli("stock", "list", "TEA").stdout
    assert connection.execute("SELECT sku, delta FROM erp.stock_moves ORDER BY id").fetchall() == [
        ("SKU-1", 12), ("SKU-1", -5), ("TEA-1", 3)]


@pytest.mark.parametrize("words", [("SKU-1", "-1"), ("SKU-1", "many"), ("SKU-1", "1", "--cost", "0"), (" ", "1")])
def test_a_wrong_quantity_is_refused(cli: Cli, connection: Connection, words: tuple[str, ...]) -> None:
    assert cli("stock", "set", *words, code=2).stdout == ""
    assert connection.execute("SELECT count(*) FROM erp.stock").fetchone() == (0,)


def test_an_empty_master_names_the_command_that_fills_it(cli: Cli) -> None:
    assert "erp-scheduler stock set" in cli("stock", "list").stderr
    assert document(cli("stock", "list", "--json")) == []


def test_the_master_and_the_shops_stand_side_by_side(cli: Cli, connection: Connection) -> None:
    cli("stock", "set", "A", 17)
    for market, stock in (("coupang", 17), ("naver", 19), ("11st", None)):
        an_item(connection, market, "A", stock)
    an_item(connection, "coupang", "A", 15, "second")
    cli("stock", "set", "B", 4)
    an_item(connection, "coupang", "B", 4)
    an_item(connection, "coupang", "C", 5)
    an_item(connection, "naver", "C", 3)

    lines = cli("stock", "diff").stdout.splitlines()
    assert lines[0].split() == ["SKU", "MASTER", "BUFFER", "WANTED", "11st", "coupang", "coupang/second", "naver"]
    assert lines[1].split("  ")[0] == "A" and "? → 17" in lines[1] and "15 → 17" in lines[1] and "19 → 17" in lines[1]
    assert "5 → 3" in lines[2] and len(lines) == 3
    assert "B " in cli("stock", "diff", "--all").stdout

    found = document(cli("stock", "diff", "--market", "naver", "--json"))
    assert [(row["sku"], row["quantity"], row["wanted"]) for row in found] == [("A", 17, 17)]
    assert found[0]["shops"] == [
        {"market_code": "naver", "account": "default", "item_id": "naver-A", "stock": 19, "differs": True}]
    assert document(cli("stock", "diff", "--buffer", 2, "--market", "naver", "--json"))[0]["wanted"] == 15


def test_nothing_that_differs_is_said_in_words(cli: Cli) -> None:
    assert "the shops show what the master says" in cli("stock", "diff").stderr
    assert "원장과 가게의 재고가 같습니다" in cli("stock", "diff", "--lang", "ko").stderr


# -- undoing


def test_the_last_run_is_undone_by_an_execution_of_a_job(cli: Cli, connection: Connection) -> None:
    job = a_job(connection, "재고 맞추기", job_type="inventory_sync", parameters='{"buffer": 2, "only_sold": true}')
    a_push(connection, FIRST)
    a_push(connection, SECOND, market="naver")
    a_push(connection, SECOND, ok=None)
    said = cli("stock", "undo", "--last")

    assert f"undoes run {SECOND}" in said.stdout and "no daemon is running" in said.stderr
    row = connection.execute(
        "SELECT job_id, job_type, status, trigger, parameters, market_codes FROM job_executions").fetchone()
    assert row == (job, "inventory_sync", "queued", "manual", {"buffer": 2, "undo": str(SECOND), "dry_run": False},
                   ["coupang", "naver"])


def test_a_run_may_be_named_by_its_beginning_and_for_one_market(cli: Cli, connection: Connection) -> None:
    a_job(connection, job_type="inventory_sync")
    for market in ("coupang", "naver"):
        a_push(connection, FIRST, market=market)
    a_push(connection, SECOND)
    made = document(cli("stock", "undo", "a1", "--market", "naver", "--dry-run", "--json"))

    assert (made["run"], made["markets"], made["kind"]) == (str(FIRST), ["naver"], "stock")
    assert connection.execute("SELECT parameters ->> 'dry_run', market_codes FROM job_executions").fetchall() == [
        ("true", ["naver"])]
    assert "nothing to undo at 11st" in cli("stock", "undo", "a1", "--market", "11st", code=5).stderr


def test_prices_are_undone_by_a_job_of_their_own(cli: Cli, connection: Connection) -> None:
    a_job(connection, "a", job_type="inventory_sync")
    prices = a_job(connection, "b", job_type="price_update")
    a_push(connection, FIRST, "price")
    a_push(connection, SECOND)
    said = cli("stock", "undo", "--last", "--kind", "price")

    assert "erp.price_rules" in said.stderr
    assert connection.execute("SELECT job_id FROM job_executions").fetchall() == [(prices,)]


def test_an_undoing_is_not_undone_by_last_and_nothing_is_undone_twice(cli: Cli, connection: Connection) -> None:
    a_job(connection, job_type="inventory_sync")
    former, later = a_push(connection, FIRST), a_push(connection, SECOND)
    connection.execute("UPDATE erp.pushes SET undone_by = %s WHERE id = %s", (later, former))

    assert "no such run" in cli("stock", "undo", "--last", code=5).stderr
    assert "undone already" in cli("stock", "undo", str(FIRST), code=4).stderr
    listed = cli("stock", "runs").stdout
    assert "an undoing" in listed and str(FIRST) in listed
    assert [row["undone"] for row in document(cli("stock", "runs", "--json"))] == [0, 1]


def test_what_followed_a_sale_is_neither_the_last_run_nor_undone(cli: Cli, connection: Connection) -> None:
    a_job(connection, job_type="inventory_sync")
    a_push(connection, FIRST)
    a_push(connection, FIRST, market="naver", sold=True)
    a_push(connection, SECOND, sold=True)

    assert "nothing to undo; all of it followed sales" in cli("stock", "undo", "b2", code=4).stderr
    assert "모두 판매를 따라 보낸 값입니다" in cli("stock", "undo", "b2", "--lang", "ko", code=4).stderr
    assert "nothing to undo at naver" in cli("stock", "undo", "a1", "--market", "naver", code=5).stderr
    made = document(cli("stock", "undo", "--last", "--json"))
    assert (made["run"], made["markets"]) == (str(FIRST), ["coupang"])
    assert [(row["pushed"], row["sold"]) for row in document(cli("stock", "runs", "--json"))] == [(1, 1), (2, 1)]
    assert "SOLD" in cli("stock", "runs").stdout


@pytest.mark.parametrize(("words", "code"), [
    ((), 2), (("a1", "--last"), 2), (("--last", "--kind", "both"), 2), (("ffff",), 5), (("",), 5), (("%",), 5),
])
def test_an_undoing_that_cannot_be_meant_is_refused(
    cli: Cli, connection: Connection, words: tuple[str, ...], code: int
) -> None:
    a_job(connection, job_type="inventory_sync")
    a_push(connection, FIRST)
    assert "stock runs" in cli("stock", "undo", *words, code=code).stderr or code == 2
    assert connection.execute("SELECT count(*) FROM job_executions").fetchone() == (0,)


def test_without_a_job_the_command_that_makes_one_is_named(cli: Cli, connection: Connection) -> None:
    a_push(connection, FIRST)
    a_job(connection, job_type="inventory_sync", market_codes=["naver"])
    refused = cli("stock", "undo", "--last", code=5)
    assert "jobs add --name inventory_sync --type inventory_sync --by-hand" in refused.stderr


def test_two_runs_that_begin_alike_are_not_guessed(cli: Cli, connection: Connection) -> None:
    a_push(connection, FIRST)
    a_push(connection, UUID(int=(0xA1 << 120) + 1))
    assert "several runs begin with 'a1'" in cli("stock", "undo", "a1", code=6).stderr
