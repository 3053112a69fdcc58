"""Two months of a company's orders and its stock, written straight into the tables, and a context to report on them."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psycopg

from scheduler.handler import Context

KOREA = ZoneInfo("Asia/Seoul")
SHOPS = (("coupang", "default"), ("naver", "default"), ("naver", "second"), ("11st", "default"))
START = datetime(2025, 2, 1, tzinfo=KOREA)
END = datetime(2025, 4, 1, tzinfo=KOREA)
JUST_AFTER = datetime(2025, 4, 1, 0, 10, tzinfo=KOREA)
STATES = ("paid", "confirmed", "shipping", "delivered", "completed", "exchanged")
EVIL = (
    "=HYPERLINK(\"evil\",\"눌러 보세요\")", "<script>alert(1)</script>", "똠방각하 펲시콜라", "+1+1", "@SUM(A1)",
    "</td><img src=x onerror=alert(1)>", "줄\n바꿈 \x01 \ufffe \u202e뒤집힘", "A & B \"큰따옴표\" '작은따옴표'",
)


def name_of(number: int) -> str:
    return EVIL[number] if number < len(EVIL) else f"상품 {number} 아주 긴 이름 없이"


def fill(connection: psycopg.Connection[Any], orders: int = 2600, seed: int = 11) -> None:
    """Write the orders of February and March 2025 and the stock of four shops of three markets."""
    dice = random.Random(seed)
    heads, items = [], []
    for number in range(orders):
        market, account = SHOPS[dice.choices(range(4), (5, 3, 1, 2))[0]]
        at = START + timedelta(seconds=dice.randrange(int((END - START).total_seconds())))
        if number < 8:  # the edges of March, of a week and of a day
            at = (datetime(2025, 3, 1, tzinfo=KOREA), datetime(2025, 3, 31, tzinfo=KOREA))[number % 2] - timedelta(
                microseconds=number // 4)
        order = f"{market}-{number}"
        heads.append((market, account, order, at, 3000, dice.random() < 0.02, at))
        items += [_item(dice, market, account, order, line) for line in range(dice.choice((1, 1, 2, 3)))]
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO erp.orders (market_code, account, order_id, ordered_at, shipping_price, known_by_claim, seen_at) "
            "VALUES (%s, %s, %s, %s, %s, %s, %s)", heads)
        cursor.executemany(
            "INSERT INTO erp.order_items (market_code, account, order_id, line_id, sku, name, quantity, cancelled_quantity, "
            "held_quantity, returned_quantity, unit_price, amount, state, changed_at) "
            "VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, now())", items)
    fill_stock(connection, dice)


def _item(dice: random.Random, market: str, account: str, order: str, line: int) -> tuple[Any, ...]:
    article = min(int(dice.expovariate(0.09)), 59)
    quantity = dice.choice((1, 1, 1, 2, 3, 7))
    cancelled = dice.randint(0, quantity) if dice.random() < 0.12 else 0
    returned = dice.randint(0, quantity) if dice.random() < 0.08 else 0  # may exceed what is left of the line
    state = "cancelled" if cancelled == quantity else "returned" if returned >= quantity - cancelled > 0 < returned else (
        dice.choice(STATES))
    price: int | None = 1000 * (60 - article) + 90
    amount: int | None = price * quantity - 7 if price else None  # a discount: the sums go by the unit price
    match dice.randrange(20):
        case 0:
            price = None
        case 1:
            price = amount = None
        case 2:
            amount = None
    sku = {57: None, 58: " "}.get(article, f"SKU-{article:03}")
    return (market, account, order, f"{market}-{account}-{article}/{line}", sku, name_of(article), quantity, cancelled,
            dice.choice((0, 0, 0, 1)), returned, price, amount, state)


def fill_stock(connection: psycopg.Connection[Any], dice: random.Random) -> None:
    """Write what each shop offers: sold out, low, unknown, without a price, twice under one code, gone."""
    seen = datetime(2025, 3, 31, 23, 0, tzinfo=KOREA)
    for market, account in SHOPS:
        for article in range(64):
            key = (market, account, f"P{article}")
            connection.execute(
                "INSERT INTO erp.products (market_code, account, product_id, name, seen_at, gone_at) "
                "VALUES (%s, %s, %s, %s, %s, %s)", (*key, name_of(article), seen, seen if article == 63 else None))
            for copy in range(2 if article == 5 else 1):
                stock = dice.choice((0, 3, 5, 6, 40, 900)) if article != 9 else 25
                connection.execute(
                    "INSERT INTO erp.product_options (market_code, account, product_id, item_id, sku, name, price, stock, "
                    "seen_at) VALUES (%s, %s, %s, %s, %s, '', %s, %s, %s)",
                    (*key, f"{article}/{copy}", None if article == 57 else f"SKU-{article:03}",
                     None if article == 7 else 1000 * (article + 1), None if article == 8 else stock,
                     seen + timedelta(seconds=article)))


def collected(connection: psycopg.Connection[Any], start: datetime, *ends: datetime) -> None:
    """Note in the ledger that every shop was collected from *start* up to each of the *ends* in turn."""
    for market, account in SHOPS:
        connection.execute(
            "INSERT INTO market_accounts (market_code, account, base_url) VALUES (%s, %s, 'http://127.0.0.1:9') "
            "ON CONFLICT DO NOTHING", (market, account))
        for begin, end in zip((start, *ends), ends, strict=False):
            a_window(connection, market, account, begin, end)
        connection.execute(
            "INSERT INTO erp.watermarks (market_code, account, kind, reached_at) VALUES (%s, %s, 'orders', %s)",
            (market, account, ends[-1]))


def a_window(connection: psycopg.Connection[Any], market: str, account: str, begin: datetime, end: datetime) -> None:
    connection.execute(
        "INSERT INTO erp.collection_windows (market_code, account, kind, from_at, to_at, lines_read, claims_read, inserted, "
        "updated, unchanged) VALUES (%s, %s, 'orders', %s, %s, 0, 0, 0, 0, 0)", (market, account, begin, end))


class Link:
    """Keeps what the handler says, and gives it a connection."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self.connection = connection
        self.lines: list[tuple[str, dict[str, Any]]] = []
        self.reports: list[dict[str, Any]] = []

    def db(self) -> psycopg.Connection[Any]:
        return self.connection

    def log(self, level: str, message: str, fields: Mapping[str, Any]) -> None:
        self.lines.append((message, dict(fields)))

    def report(self, progress: Mapping[str, Any]) -> None:
        self.reports.append(json.loads(json.dumps(progress)))

    def is_cancelled(self) -> bool:
        return False


@contextmanager
def a_context(
    dsn: str, root: Path, *, markets: list[str] | None = None, scheduled_for: datetime = JUST_AFTER
) -> Iterator[tuple[Context, Link]]:
    """Give a context of an execution planned for just after midnight of the first of April."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        link = Link(connection)
        yield Context(
            job="보고서", job_id=1, job_type="report_generation", execution_id=1, attempt=1,
            scheduled_for=scheduled_for.astimezone(UTC), market_codes=markets or [],
            deadline=time.clock_gettime(time.CLOCK_BOOTTIME) + 600, idempotency_key="1/test", link=link,  # type: ignore[arg-type]
            settings={"report_dir": str(root)},
        ), link
