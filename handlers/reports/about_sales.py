"""The sales report: what was ordered, what of it was cancelled or came back, and what is left, beside the period before."""

from __future__ import annotations

from typing import Any

from handlers.reports.document import Document, Kind, Row, Section, Table, Tile, change, share
from handlers.reports.frame import TOP, Frame, ordered_shops
from handlers.reports.lines import Lines, Sum, others

AMOUNTS: tuple[tuple[str, Kind], ...] = (
    ("gross", "won"), ("cancelled_amount", "won"), ("returned_amount", "won"), ("net", "won"),
)


def sales_document(frame: Frame, lines: Lines, earlier: Lines) -> Document:
    """Make the document. earlier: the lines of the period before."""
    now, before, words = lines.total, earlier.total, frame.words
    return frame.document(
        tiles=[
            Tile(words("net"), now.net, "won", before.net), Tile(words("gross"), now.gross, "won", before.gross),
            Tile(words("cancelled_amount"), now.cancelled, "won", before.cancelled),
            Tile(words("returned_amount"), now.returned, "won", before.returned),
            Tile(words("order_count"), now.orders, "count", before.orders),
            Tile(words("net_units"), now.net_quantity, "count", before.net_quantity),
            Tile(words("average"), average(now), "won", average(before)),
        ],
        sections=[by_time(frame, lines), by_market(frame, lines, earlier), by_item(frame, lines)],
        notes=[words("note_net"), words("note_days"), *line_notes(frame, now)],
        totals=totals(now, before), empty="" if now.lines else words("empty_orders"),
    )


def totals(now: Sum, before: Sum) -> dict[str, Any]:
    return {
        "gross": now.gross, "cancelled": now.cancelled, "returned": now.returned, "net": now.net, "orders": now.orders,
        "lines": now.lines, "units": now.quantity, "net_units": now.net_quantity, "unpriced_lines": now.unpriced,
        "net_before": before.net, "net_change": change(now.net, before.net),
    }


def average(total: Sum) -> int | None:
    return round(total.net / total.orders) if total.orders else None


def line_notes(frame: Frame, total: Sum) -> list[str]:
    return [frame.words("note_unpriced", count=total.unpriced)] if total.unpriced else []


def amounts(total: Sum) -> Row:
    return (total.gross, total.cancelled, total.returned, total.net)


def by_time(frame: Frame, lines: Lines) -> Section:
    """Add up each hour or day; one without orders stands there with zeros."""
    found = lines.by_bucket()

    def row(first: Any, one: Sum) -> Row:
        return (first, one.orders, one.net_quantity, *amounts(one))

    table = Table(
        frame.columns((frame.step, frame.step), ("order_count", "count"), ("net_units", "count"), *AMOUNTS),
        [row(frame.bucket(moment), found.get(moment, Sum())) for moment in frame.span.buckets(frame.step)],
        row(frame.words("total"), lines.total),
    )
    return Section(frame.words(f"by_{frame.step}"), table, (frame.bars(f"net_by_{frame.step}", table, 6),))


def by_market(frame: Frame, lines: Lines, earlier: Lines) -> Section:
    """Add up each shop, also one that sold in the period before only."""
    now, before, whole = lines.by_shop(), earlier.by_shop(), lines.total

    def row(first: str, one: Sum, past: Sum) -> Row:
        return (
            first, one.orders, one.net_quantity, *amounts(one), share(one.net, whole.net), past.net, change(one.net, past.net)
        )

    table = Table(
        frame.columns(
            ("market", "text"), ("order_count", "count"), ("net_units", "count"), *AMOUNTS, ("share", "share"),
            ("net_before", "won"), ("change", "share"),
        ),
        [row(frame.shop(shop), now.get(shop, Sum()), before.get(shop, Sum())) for shop in ordered_shops([*now, *before])],
        row(frame.words("total"), whole, earlier.total),
    )
    return Section(frame.words("by_market"), table, (frame.shares("net_by_market", table, 6),))


def by_item(frame: Frame, lines: Lines) -> Section:
    """List the items that sold most, and the others in one row so that the column adds up."""
    words, whole = frame.words, lines.total

    def row(rank: Any, sku: str, name: str, one: Sum) -> Row:
        return (rank, sku, name, one.net_quantity, *amounts(one), share(one.net, whole.net))

    items = lines.ranked(lambda one: one.net)
    rows = [row(rank, item.sku or words("no_sku"), item.name, item.sum) for rank, item in enumerate(items[:TOP], start=1)]
    if left := items[TOP:]:
        rows.append(row(None, "", words("others", count=len(left)), others(left)))
    table = Table(
        frame.columns(
            ("rank", "count"), ("sku", "text"), ("name", "text"), ("net_units", "count"), *AMOUNTS, ("share", "share"),
        ),
        rows, row(words("total"), "", "", whole),
    )
    return Section(words("items"), table)
