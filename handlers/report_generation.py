"""Make reports on sales, stock and orders: a spreadsheet and a page of one day, week or month, from one snapshot."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import psycopg

from handlers.backup.safe_files import open_folder
from handlers.reports import completeness, files
from handlers.reports.about_orders import orders_document
from handlers.reports.about_sales import sales_document
from handlers.reports.about_stock import stock_document
from handlers.reports.completeness import Reason
from handlers.reports.document import Document
from handlers.reports.frame import REASONS, Frame
from handlers.reports.html import make_page
from handlers.reports.lines import read_lines
from handlers.reports.orders import read_orders
from handlers.reports.periods import KOREA, Length, Span, before, span_at, span_of
from handlers.reports.stock import base_of, read_stock
from handlers.reports.words import Language, Words
from handlers.reports.xlsx import make_workbook
from scheduler.handler import Context, Field, GiveUp, handler

Report = Literal["sales", "stock", "orders"]
Format = Literal["xlsx", "html"]

NOW = "SELECT now()"
UNKNOWN_MARKETS = """
SELECT array_agg(code ORDER BY code)
  FROM unnest(%(markets)s::text[]) AS code
 WHERE NOT EXISTS (SELECT FROM market_accounts WHERE market_code = code)
   AND NOT EXISTS (SELECT FROM erp.orders WHERE market_code = code)
   AND NOT EXISTS (SELECT FROM erp.products WHERE market_code = code)
"""


@handler("report_generation", timeout="30m", retries=2)
def generate_report(
    context: Context,
    report: Report = "sales",
    period: Length = "daily",
    day: Annotated[date | None, Field(description="any day of the period; none means the last complete one")] = None,
    language: Language = "ko",
    formats: Annotated[tuple[Format, ...], Field(min_length=1, max_length=2)] = ("xlsx", "html"),
    keep_days: Annotated[int, Field(ge=1, le=3650, description="reports made longer ago are deleted")] = 365,
    current: Annotated[bool, Field(description="without a day: the period that is not over yet")] = False,
) -> dict[str, Any]:
    """Make a report on sales, stock or orders of a day, a week (from Monday) or a month.

    A report whose period is not wholly collected is marked provisional; running it again replaces its files.
    """
    kinds = sorted(set(formats), reverse=True)
    steps = len(kinds) + 2
    with snapshot(context.db()) as connection:
        order = take_order(connection, context, report, period, day, current, language)
        context.progress(0, steps, "figures")
        frame, document = read(connection, order)
    contents: dict[str, bytes] = {}
    for number, kind in enumerate(kinds, start=1):
        context.progress(number, steps, kind)
        contents[kind] = make_page(document, frame.words) if kind == "html" else make_workbook(document, frame.words, frame.now)
    context.progress(steps - 1, steps, "files")
    artefacts, deleted = store(context, order, contents, keep_days)
    context.count(files=len(artefacts), bytes=sum(made.size for made in artefacts), deleted=len(deleted))
    context.progress(steps, steps, "done")
    return result(frame, document, artefacts, deleted)


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be reported, and the moment of the snapshot."""

    report: Report
    period: Length
    span: Span
    language: Language
    markets: list[str] | None
    now: datetime


@contextmanager
def snapshot(connection: psycopg.Connection[Any]) -> Iterator[psycopg.Connection[Any]]:
    """Show one state of the database for the length of a block, whatever is collected meanwhile."""
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield connection


def take_order(
    connection: psycopg.Connection[Any], context: Context, report: Report, period: Length, day: date | None, current: bool,
    language: Language,
) -> Order:
    """Settle which days are meant: without a day those before the planned time, so that a late attempt means the same.

    Raises  GiveUp for a period that has not begun and for a market that nobody knows
    """
    row = connection.execute(NOW).fetchone()
    now: datetime = row[0] if row else datetime.now(UTC)
    try:
        span = span_of(period, day) if day else span_at(period, min(context.scheduled_for, now), current)
        before(period, span)
    except OverflowError:
        raise GiveUp(f"day {day} lies outside the calendar") from None
    if span.from_at > now:
        raise GiveUp(f"the {period} period from {span.first} has not begun; today is {now.astimezone(KOREA).date()} in Korea")
    markets = sorted(context.market_codes) or None
    if markets:
        row = connection.execute(UNKNOWN_MARKETS, {"markets": markets}).fetchone()
        if row and row[0]:
            raise GiveUp(f"no account, order or product of {', '.join(row[0])} is known; check the job's market_codes")
    return Order(report, period, span, language, markets, now)


def read(connection: psycopg.Connection[Any], order: Order) -> tuple[Frame, Document]:
    """Read all figures and put them into words."""
    return read_stock_report(connection, order) if order.report == "stock" else read_order_report(connection, order)


def read_order_report(connection: psycopg.Connection[Any], order: Order) -> tuple[Frame, Document]:
    """Read what was ordered in the period and in the one before."""
    span, past, markets = order.span, before(order.period, order.span), order.markets
    frame = frame_of(
        order, completeness.reasons(connection, span, order.now, markets),
        compares_well=not completeness.reasons(connection, past, order.now, markets),
    )
    lines = read_lines(connection, span, frame.step, markets)
    earlier = read_lines(connection, past, frame.step, markets)
    if order.report == "sales":
        return frame, sales_document(frame, lines, earlier)
    return frame, orders_document(frame, read_orders(connection, span, frame.step, order.now, markets), lines, earlier)


def read_stock_report(connection: psycopg.Connection[Any], order: Order) -> tuple[Frame, Document]:
    """Read the stock of now and the sales of the weeks up to the end of the period."""
    base = base_of(connection, order.span, order.now.astimezone(KOREA).date())
    relied_on = Span(min(order.span.first, base.first), order.span.end)
    frame = frame_of(order, completeness.reasons(connection, relied_on, order.now, order.markets))
    articles = read_stock(connection, base, order.markets)
    return frame, stock_document(frame, articles, read_lines(connection, base, "day", order.markets), base)


def frame_of(order: Order, reasons: list[Reason], compares_well: bool = True) -> Frame:
    return Frame(Words(order.language), order.report, order.period, order.span, order.now, order.markets, reasons, compares_well)


def store(
    context: Context, order: Order, contents: dict[str, bytes], keep_days: int
) -> tuple[list[files.Artefact], list[str]]:
    """Put the files in their place and let go of those that are past their time."""
    root = Path(str(context.settings.get("report_dir") or "reports")).absolute()
    name = files.stem(order.report, order.span.first, order.language, order.markets)
    with open_folder(root, f"{order.report}/{order.period}") as folder:
        artefacts = files.publish(folder, name, contents)
        kept = [made.name for made in artefacts]
        deleted = files.prune(folder, order.report, keep_days, datetime.now(UTC), kept)
    context.log.info("report.made", files=kept, deleted=len(deleted))
    return artefacts, deleted


def result(frame: Frame, document: Document, artefacts: list[files.Artefact], deleted: list[str]) -> dict[str, Any]:
    """Make the result; *to* is the last day of the period, included."""
    return {
        "report": frame.report, "period": frame.period, "from": frame.span.first.isoformat(),
        "to": frame.span.last.isoformat(), "language": document.language, "provisional": said(frame.reasons) or None,
        "totals": document.totals, "artefacts": [made.as_result() for made in artefacts], "deleted": deleted,
    }


def said(reasons: list[Reason]) -> list[dict[str, Any]]:
    """Return the first reasons; a result is no place for hundreds."""
    return [reason.as_result() for reason in reasons[:REASONS]]
