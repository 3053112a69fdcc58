"""Three shops and the daemon as people run it: pace, stock after a sale, and secrets that stay secret."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import psycopg

from tests.markets.conftest import Make, Open
from tests.markets.shops import PATHS, Shops
from tests.support.daemons import Rows, wait_for

MARKETS = list(PATHS)
LOWER_THE_FLOOR = """
INSERT INTO scheduler_settings (name, value) VALUES ('minimum_interval', '1 second')
ON CONFLICT (name) DO UPDATE SET value = excluded.value
"""
ALL_TABLES = """
SELECT quote_ident(schemaname) || '.' || quote_ident(tablename) FROM pg_tables
 WHERE schemaname NOT IN ('pg_catalog', 'information_schema')
"""
SOON = 30.0


def test_four_processes_on_one_account_never_pass_its_limit(
    rows: Rows, open_shops: Open, make_daemon: Make
) -> None:
    shops = open_shops(orders_per_minute=6, calls_per_second=5)
    shops.open_accounts(rows.connection, calls_per_second=5)
    make_daemon(workers=4).start()
    jobs = [rows.add_job(f"products {number}", "product_collection", market_codes=["coupang"]) for number in range(4)]
    for job in jobs:
        rows.run_now(job)
    wait_for(lambda: shops.ask("coupang", "requests")["total"] >= 60, 40, "sixty calls")

    said = shops.ask("coupang", "requests")
    assert rows.one("SELECT count(DISTINCT id) FROM job_executions WHERE status = 'running'") == 4
    assert said["most_in_a_second"] <= 5
    assert "429" not in said["by_status"]


def test_a_sale_in_one_shop_lowers_the_others_soon_under_load(rows: Rows, open_shops: Open, make_daemon: Make) -> None:
    shops = open_shops(orders_per_minute=20, late_seconds=2, history_minutes=10)
    shops.open_accounts(rows.connection, calls_per_second=50)
    rows.connection.execute(LOWER_THE_FLOOR)
    make_daemon(workers=8).start()
    first = rows.ended(rows.run_now(rows.add_job("products", "product_collection", market_codes=MARKETS)), 60)
    assert first["status"] == "success", first
    rows.add_job("orders", "order_collection", market_codes=MARKETS, interval="10 seconds")
    rows.add_job("stock", "inventory_sync", market_codes=MARKETS, interval="1 minute")
    for number in range(40):
        rows.add_job(f"load {number}", "sleep", parameters='{"seconds": 0.05}', interval="1 second")
    rows.ended(rows.run_now(rows.one("SELECT id FROM schedule_jobs WHERE name = 'orders'")), 60)
    rows.ended(rows.run_now(rows.one("SELECT id FROM schedule_jobs WHERE name = 'stock'")), 60)

    known = set(shops.truth())
    sold = wait_for(lambda: new_sales(shops, known), 60, "a sale")
    seen = time.monotonic()
    market, sku, quantity = sold
    others = {other: stock(shops, other, sku) for other in MARKETS if other != market}
    wait_for(
        lambda: all(stock(shops, other, sku) <= max(0, former - quantity) for other, former in others.items()), SOON,
        f"{sku} sold at {market}, lowered at {others}",
    )
    assert time.monotonic() - seen < SOON
    assert rows.one("SELECT count(*) FROM job_executions WHERE job_type = 'sleep' AND status = 'success'") > 40


def new_sales(shops: Shops, known: set[tuple[str, str, str]]) -> tuple[str, str, int] | None:
    """Return market, sku and quantity of a sale that was not there before and is not cancelled."""
    for key, (sku, quantity, cancelled, _) in shops.truth().items():
        if key not in known and cancelled == 0 and all(stock(shops, market, sku) >= quantity for market in MARKETS):
            return key[0], sku, quantity
    return None


def stock(shops: Shops, market: str, sku: str) -> int:
    return int(shops.ask(market, f"stock?sku={sku}")["items"][0]["stock"])


def test_no_credential_is_found_anywhere(
    rows: Rows, open_shops: Open, make_daemon: Make, tmp_path: Path, connection: psycopg.Connection[Any]
) -> None:
    shops = open_shops(orders_per_minute=6)
    shops.open_accounts(rows.connection)
    daemon = make_daemon(workers=4, log_level="DEBUG").start()
    statuses = {}
    for job_type in ("product_collection", "order_collection", "inventory_sync", "price_update"):
        job = rows.add_job(job_type, job_type, market_codes=MARKETS, max_retries=0)
        statuses[job_type] = rows.ended(rows.run_now(job), 60)["status"]
    for market, kind in (("coupang", "html403"), ("naver", "expired"), ("11st", "truncate")):
        shops.fault(market, kind, count=3)
    rows.ended(rows.run_now(rows.one("SELECT id FROM schedule_jobs WHERE name = 'order_collection'")), 60)
    rows.ended(rows.run_now(rows.add_job("report", "report_generation")), 60)
    daemon.stop()

    secrets = {name: value for name, value in shops.secrets().items() if name not in ("coupang/vendor_id", "naver/client_id")}
    token = shops.ask("naver", "requests")
    places = {str(file): file.read_bytes().decode("utf-8", "replace") for file in texts(tmp_path, daemon.output)}
    places |= {table: str(connection.execute(f"SELECT * FROM {table}".encode()).fetchall()) for (table,) in
               connection.execute(ALL_TABLES).fetchall()}
    assert set(statuses.values()) == {"success"}, statuses
    assert len(secrets) == 4 and len(places) > 30 and token
    assert [(name, place) for name, value in secrets.items() for place, text in places.items() if value in text] == []


def texts(folder: Path, output: Path) -> list[Path]:
    """Return the logs, the reports and what the daemon printed."""
    return [output, *(file for name in ("logs-a", "reports") for file in (folder / name).rglob("*") if file.is_file())]
