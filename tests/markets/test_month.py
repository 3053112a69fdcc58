"""A month of three shops, collected over HTTP, comes out in three reports whose totals are those of the tables."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import openpyxl

from tests.markets.conftest import Make, Open
from tests.markets.shops import PATHS
from tests.support.daemons import Rows

MARKETS = list(PATHS)
MINUTES_OF_75_DAYS = 75 * 24 * 60
SALES = """
SELECT sum(item.amount)::bigint, count(DISTINCT (item.market_code, item.order_id))
  FROM erp.order_items AS item JOIN erp.orders AS ordered USING (market_code, account, order_id)
 WHERE date_trunc('month', ordered.ordered_at AT TIME ZONE 'Asia/Seoul') = %s::date
"""
STOCK = "SELECT sum(stock)::bigint, sum(stock * price)::bigint FROM erp.market_items"


def test_three_reports_of_a_month_agree_with_the_tables(rows: Rows, open_shops: Open, make_daemon: Make) -> None:
    shops = open_shops(orders_per_minute=0.01, history_minutes=MINUTES_OF_75_DAYS)
    shops.open_accounts(rows.connection, calls_per_second=500)
    make_daemon(workers=3).start()
    ran(rows, "product_collection")
    ran(rows, "order_collection", days=31)
    ran(rows, "order_collection", **{"from": (datetime.now(UTC) - timedelta(days=74)).isoformat()})

    made = {report: ran(rows, "report_generation", report=report, period="monthly", language="en")
            for report in ("sales", "orders", "stock")}

    gross, orders = rows.one(SALES, made["sales"]["from"])
    assert orders > 300 and gross > 1_000_000
    assert {gross, orders} <= cells(made["sales"], "Summary")
    assert orders in cells(made["orders"], "Summary")
    assert set(rows.one(STOCK)) <= cells(made["stock"], "Summary")
    assert {(each["from"], len(each["artefacts"])) for each in made.values()} == {(made["sales"]["from"], 2)}


def ran(rows: Rows, job_type: str, **parameters: Any) -> dict[str, Any]:
    """Run a job of that type once and return its result."""
    markets = [] if job_type == "report_generation" else MARKETS
    job = rows.add_job(f"{job_type} {json.dumps(parameters)}", job_type, market_codes=markets, parameters=json.dumps(parameters))
    ended = rows.ended(rows.run_now(job), 120)
    assert ended["status"] == "success", ended
    return dict(ended["result"])


def cells(result: dict[str, Any], sheet: str) -> set[Any]:
    """Return every value on a sheet of the workbook that a report has made."""
    path = next(Path(made["path"]) for made in result["artefacts"] if made["kind"] == "xlsx")
    book = openpyxl.load_workbook(path, read_only=True)
    return {value for row in book[sheet].iter_rows(values_only=True) for value in row}
