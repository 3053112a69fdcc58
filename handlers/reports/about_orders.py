"""The orders report: how many came in, how far they are, how many were cancelled or came back, and which wait too long."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from handlers.reports.about_sales import line_notes
from handlers.reports.document import Document, Row, Section, Table, Tile, share
from handlers.reports.frame import TOP, Frame, ordered_shops
from handlers.reports.lines import Lines, Sum, others
from handlers.reports.orders import STATES, Orders
from handlers.reports.periods import DAY, KOREA

SHOWN = 50


def orders_document(frame: Frame, orders: Orders, lines: Lines, earlier: Lines) -> Document:
    """Make the document. earlier: the lines of the period before."""
    now, before, words = lines.total, earlier.total, frame.words
    held = sum(group.held for group in orders.groups)
    cancelled = orders.count(state="cancelled")
    return frame.document(
        tiles=[
            Tile(words("order_count"), now.orders, "count", before.orders),
            Tile(words("line_count"), now.lines, "count", before.lines),
            Tile(words("units"), now.quantity, "count", before.quantity),
            Tile(words("cancelled_units"), now.cancelled_quantity, "count", before.cancelled_quantity),
            Tile(words("returned_units"), now.returned_quantity, "count", before.returned_quantity),
            Tile(words("cancel_rate"), cancel_rate(now), "share", cancel_rate(before)),
            Tile(words("return_rate"), return_rate(now), "share", return_rate(before)),
            Tile(words("held_units"), held, "count"), Tile(words("waiting"), orders.waiting, "count"),
        ],
        sections=[
            by_time(frame, orders, lines), by_market(frame, orders, lines), by_item(frame, lines),
            by_state(frame, orders), open_orders(frame, orders),
        ],
        notes=notes(frame, orders, now),
        totals={
            "orders": now.orders, "lines": now.lines, "units": now.quantity, "cancelled_units": now.cancelled_quantity,
            "returned_units": now.returned_quantity, "held_units": held, "cancelled_orders": cancelled,
            "cancel_rate": cancel_rate(now), "return_rate": return_rate(now), "waiting": orders.waiting,
            "states": {state: orders.count(state=state) for state in STATES}, "orders_before": before.orders,
        },
        empty="" if now.lines else words("empty_orders"),
    )


def notes(frame: Frame, orders: Orders, total: Sum) -> list[str]:
    words = frame.words
    said = [words("note_state"), words("note_rates"), words("note_waiting"), words("note_days")]
    if by_claim := sum(group.by_claim for group in orders.groups):
        said.append(words("note_by_claim", count=by_claim))
    if orders.waiting > len(orders.listed):
        said.append(words("note_listed", count=len(orders.listed)))
    return said + line_notes(frame, total)


def cancel_rate(total: Sum) -> float | None:
    return share(total.cancelled_quantity, total.quantity)


def return_rate(total: Sum) -> float | None:
    return share(total.returned_quantity, total.quantity)


def by_time(frame: Frame, orders: Orders, lines: Lines) -> Section:
    found = lines.by_bucket()

    def row(first: Any, one: Sum, moment: datetime | None) -> Row:
        wholly = orders.count(bucket=moment, state="cancelled")
        return (first, one.orders, one.lines, one.quantity, one.cancelled_quantity, one.returned_quantity, wholly)

    table = Table(
        (
            *frame.columns(
                (frame.step, frame.step), ("order_count", "count"), ("line_count", "count"), ("units", "count"),
                ("cancelled_units", "count"), ("returned_units", "count"),
            ),
            frame.column("cancelled_orders", "count"),
        ),
        [row(frame.bucket(moment), found.get(moment, Sum()), moment) for moment in frame.span.buckets(frame.step)],
        row(frame.words("total"), lines.total, None),
    )
    return Section(frame.words(f"by_{frame.step}"), table, (frame.bars(f"orders_by_{frame.step}", table, 1),))


def by_market(frame: Frame, orders: Orders, lines: Lines) -> Section:
    """Count the orders of each shop by state."""
    found = lines.by_shop()

    def row(first: str, one: Sum, states: list[int]) -> Row:
        return (first, one.orders, *states, cancel_rate(one), return_rate(one))

    table = Table(
        frame.columns(
            ("market", "text"), ("order_count", "count"), *((state, "count") for state in STATES),
            ("cancel_rate", "share"), ("return_rate", "share"),
        ),
        [
            row(frame.shop(shop), found[shop], [orders.count(shop=shop, state=state) for state in STATES])
            for shop in ordered_shops([*found])
        ],
        row(frame.words("total"), lines.total, [orders.count(state=state) for state in STATES]),
    )
    return Section(frame.words("by_market"), table, (frame.shares("orders_by_market", table, 1),))


def by_item(frame: Frame, lines: Lines) -> Section:
    """List the items ordered most, and the others in one row so that the column adds up."""
    words = frame.words

    def row(rank: Any, sku: str, name: str, one: Sum) -> Row:
        return (
            rank, sku, name, one.lines, one.quantity, one.cancelled_quantity, one.returned_quantity,
            cancel_rate(one), return_rate(one),
        )

    items = lines.ranked(lambda one: one.quantity)
    rows = [row(rank, item.sku or words("no_sku"), item.name, item.sum) for rank, item in enumerate(items[:TOP], start=1)]
    if left := items[TOP:]:
        rows.append(row(None, "", words("others", count=len(left)), others(left)))
    columns = frame.columns(
        ("rank", "count"), ("sku", "text"), ("name", "text"), ("line_count", "count"), ("units", "count"),
        ("cancelled_units", "count"), ("returned_units", "count"), ("cancel_rate", "share"), ("return_rate", "share"),
    )
    return Section(words("items"), Table(columns, rows, row(words("total"), "", "", lines.total)))


def by_state(frame: Frame, orders: Orders) -> Section:
    whole = orders.count()
    counts = [(frame.words(state), orders.count(state=state)) for state in STATES]
    table = Table(
        frame.columns(("state", "text"), ("order_count", "count"), ("share", "share")),
        [(name, count, share(count, whole)) for name, count in counts],
        (frame.words("total"), whole, share(whole, whole)),
    )
    return Section(frame.words("by_state"), table, (frame.shares("orders_by_state", table, 1),))


def open_orders(frame: Frame, orders: Orders) -> Section:
    """List the orders that wait, the oldest first."""
    today = frame.now.astimezone(KOREA).replace(tzinfo=None)
    table = Table(
        frame.columns(
            ("market", "text"), ("order_id", "text"), ("ordered_at", "moment"), ("age", "count"), ("state", "text"),
            ("line_count", "count"), ("units_open", "count"),
        ),
        [
            (frame.shop(one.shop), one.order_id, one.ordered_at, (today - one.ordered_at) // DAY,
             frame.words(one.state), one.lines, one.quantity)
            for one in orders.listed
        ],
    )
    return Section(frame.words("open_orders"), table, shown=SHOWN)
