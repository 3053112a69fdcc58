"""The stock report: what is on hand and worth how much, what is sold out or nearly, how long it lasts, where shops differ."""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import Any

from handlers.reports.document import Column, Document, Row, Section, Table, Tile, share
from handlers.reports.frame import Frame, ordered_shops
from handlers.reports.lines import Lines, Sum
from handlers.reports.periods import KOREA, Span
from handlers.reports.stock import Article, differing

SHOWN = 50
STATES = {"sold_out": "sold_out", "low": "low", "enough": "enough", "unknown": "stock_unknown"}


def stock_document(frame: Frame, articles: list[Article], sold: Lines, base: Span) -> Document:
    """Make the document. sold: the lines of the days in *base*, whose pace tells how long the stock lasts."""
    words = frame.words
    states = Counter(article.state for article in articles)
    apart = differing(articles)
    units, value = on_hand(articles), sum(article.value for article in articles)
    return frame.document(
        tiles=[
            Tile(words("codes"), len(articles), "count"), Tile(words("on_hand"), units, "count"),
            Tile(words("value"), value, "won"), Tile(words("sold_out"), states["sold_out"], "count"),
            Tile(words("low_count"), states["low"], "count"), Tile(words("unknown_count"), states["unknown"], "count"),
            Tile(words("sold", days=base.days), sum(article.sold for article in articles), "count"),
            Tile(words("cover"), cover(articles, base.days), "number"),
            Tile(words("differing_count"), len(apart), "count"),
        ],
        sections=[
            by_day(frame, sold, base), by_market(frame, articles, base), by_item(frame, articles, base),
            by_state(frame, articles), apart_section(frame, articles),
        ],
        notes=notes(frame, articles, base),
        totals={
            "items": len(articles), "units": units, "value": value, "sold_out": states["sold_out"], "low": states["low"],
            "unknown": states["unknown"], "sold": sum(article.sold for article in articles), "sold_days": base.days,
            "days_of_cover": cover(articles, base.days), "differing": len(apart),
        },
        empty="" if articles else words("empty_stock"),
    )


def on_hand(articles: list[Article]) -> int:
    return sum(article.stock or 0 for article in articles)


def cover(articles: list[Article], days: int) -> float | None:
    """Say how many days all of it lasts together."""
    sold = sum(article.sold for article in articles)
    return max(on_hand(articles), 0) * days / sold if sold > 0 else None


def notes(frame: Frame, articles: list[Article], base: Span) -> list[str]:
    words = frame.words
    said = [words("note_cover", first=base.first, last=base.last, days=base.days), words("note_offered"), words("note_days")]
    if articles:
        oldest = min(article.seen_at for article in articles)
        said.insert(0, words("note_stock", moment=frame.write("moment", oldest.astimezone(KOREA))))
    if uncounted := sum(article.uncounted for article in articles):
        said.append(words("note_uncounted", count=uncounted))
    if unpriced := sum(article.unpriced for article in articles):
        said.append(words("note_stock_unpriced", count=unpriced))
    return said


def by_day(frame: Frame, sold: Lines, base: Span) -> Section:
    found = sold.by_bucket()

    def row(first: date | str, one: Sum) -> Row:
        return (first, one.quantity, one.cancelled_quantity, one.returned_quantity, one.net_quantity)

    table = Table(
        frame.columns(
            ("day", "day"), ("units", "count"), ("cancelled_units", "count"), ("returned_units", "count"), ("net_units", "count")
        ),
        [row(moment.date(), found.get(moment, Sum())) for moment in base.buckets("day")],
        row(frame.words("total"), sold.total),
    )
    return Section(frame.words("by_day"), table, (frame.bars("sold_by_day", table, 4),))


def by_market(frame: Frame, articles: list[Article], base: Span) -> Section:
    def row(first: str, some: list[Article]) -> Row:
        states = Counter(article.state for article in some)
        return (
            first, len(some), sum(article.listings for article in some), on_hand(some),
            sum(article.value for article in some), *(states[state] for state in ("sold_out", "low", "unknown")),
            sum(article.sold for article in some), cover(some, base.days),
        )

    table = Table(
        (
            *frame.columns(
                ("market", "text"), ("codes", "count"), ("listings", "count"), ("on_hand", "count"), ("value", "won"),
                ("sold_out", "count"), ("low_count", "count"), ("unknown_count", "count"),
            ),
            frame.column("sold", "count", days=base.days), frame.column("cover", "number"),
        ),
        [
            row(frame.shop(shop), [article for article in articles if article.shop == shop])
            for shop in ordered_shops([article.shop for article in articles])
        ],
        row(frame.words("total"), articles),
    )
    return Section(frame.words("by_market"), table, (frame.shares("value_by_market", table, 4),))


def by_item(frame: Frame, articles: list[Article], base: Span) -> Section:
    """List every item, what runs out first at the top."""
    urgent = sorted(articles, key=lambda one: urgency(one, base.days))
    rows: list[Row] = [
        (
            one.sku or frame.words("no_sku"), one.name, frame.shop(one.shop), frame.words(STATES[one.state]), one.stock,
            one.price, one.known_value, one.sold, one.cover(base.days),
        )
        for one in urgent
    ]
    columns = (
        *frame.columns(
            ("sku", "text"), ("name", "text"), ("market", "text"), ("state", "text"), ("on_hand", "count"), ("price", "won"),
            ("value", "won"),
        ),
        frame.column("sold", "count", days=base.days), frame.column("cover", "number"),
    )
    total = (
        frame.words("total"), "", "", "", on_hand(articles), "", sum(one.value for one in articles),
        sum(one.sold for one in articles), cover(articles, base.days),
    )
    return Section(frame.words("items"), Table(columns, rows, total), shown=SHOWN)


def urgency(one: Article, days: int) -> tuple[Any, ...]:
    """Order by what needs a look: sold out (what sold best first), low, soon gone, the rest, unknown."""
    lasts = one.cover(days)
    place = list(STATES).index(one.state)
    return (place, -one.sold if place == 0 else 0, lasts is None, lasts or 0.0, one.sku or "~", one.name, one.shop)


def by_state(frame: Frame, articles: list[Article]) -> Section:
    states = Counter(article.state for article in articles)
    table = Table(
        frame.columns(("state", "text"), ("codes", "count"), ("share", "share")),
        [(frame.words(word), states[state], share(states[state], len(articles))) for state, word in STATES.items()],
        (frame.words("total"), len(articles), share(len(articles), len(articles))),
    )
    return Section(frame.words("by_state"), table, (frame.shares("codes_by_state", table, 1),))


def apart_section(frame: Frame, articles: list[Article]) -> Section:
    """List the codes whose stock is not the same everywhere, a column for each shop."""
    shops = ordered_shops([article.shop for article in articles])
    rows: list[Row] = []
    for sku, found in differing(articles).items():
        stocks = [found[shop].stock if shop in found else None for shop in shops]
        known = [stock for stock in stocks if stock is not None]
        rows.append((sku, next(iter(found.values())).name, *stocks, max(known) - min(known)))
    columns = (
        *frame.columns(("sku", "text"), ("name", "text")),
        *(Column(frame.shop(shop), "count") for shop in shops), frame.column("difference", "count"),
    )
    return Section(frame.words("differing"), Table(columns, rows), shown=SHOWN)
