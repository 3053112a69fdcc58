"""Turn Naver's products into our words, and our numbers into the bodies it takes: every field name of a product is here."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from handlers.markets.base import BadRequest, Option, Product, Push
from handlers.markets.reading import moment, text_or_none

LARGEST_PRICE = 999_999_990
LARGEST_STOCK = 99_999_999
KINDS = ("optionCombinations", "optionStandards")
OFFERED = ("SALE", "OUTOFSTOCK")
NAMES = ("optionName1", "optionName2", "optionName3", "optionName4")

Json = dict[str, Any]
Fault = Callable[[int], str]


def stock_fault(value: int) -> str:
    """Say why Naver would not take the quantity; empty when it would."""
    return "" if 0 <= value <= LARGEST_STOCK else f"a quantity is 0 to {LARGEST_STOCK:,}, not {value:,}"


def price_fault(value: int) -> str:
    """Say why Naver would not take the price; empty when it would."""
    if 0 < value <= LARGEST_PRICE and value % 10 == 0:
        return ""
    return f"a price is in units of 10 won, 10 to {LARGEST_PRICE:,}, not {value:,}"


# -- reading


def is_sold(row: Json) -> bool:
    """Say whether a row of the search is a product still: a deleted one is found for a while."""
    return any(channel.get("statusType") != "DELETE" for channel in row.get("channelProducts") or [])


def product(row: Json, read_at: datetime, options: tuple[Option, ...] | None) -> Product:
    """Turn a row of the search into a product; what it is called on its first channel, it is called."""
    channel = row["channelProducts"][0]
    return Product(
        product_id=str(row["originProductNo"]), name=str(channel["name"]), brand=text_or_none(channel.get("brandName")),
        status=text_or_none(channel.get("statusType")), sale_from=moment(channel.get("saleStartDate")),
        sale_to=moment(channel.get("saleEndDate")), read_at=read_at, options=options,
    )


def options(product_id: str, detail: Json) -> list[Option]:
    """Return the sellable items of a product: its options, or the product itself where it has none."""
    base, is_on_sale = int(detail["salePrice"]), detail.get("statusType") in OFFERED
    rows = _rows(detail)
    if not rows:
        return [_whole(product_id, detail, base, is_on_sale)]
    return [
        Option(
            item_id=str(row["id"]), name=" / ".join(str(row[name]) for name in NAMES if row.get(name)),
            sku=text_or_none(row.get("sellerManagerCode")), barcode=None, original_price=base + _offset(row),
            price=base + _offset(row), stock=int(row["stockQuantity"]), on_sale=is_on_sale and bool(row.get("usable", True)),
        )
        for row in rows
    ]


def _whole(product_id: str, detail: Json, base: int, is_on_sale: bool) -> Option:
    codes = _attribute(detail).get("sellerCodeInfo") or {}
    return Option(
        item_id=product_id, name=str(detail.get("name") or ""), sku=text_or_none(codes.get("sellerManagementCode")),
        barcode=text_or_none(codes.get("sellerBarcode")), original_price=base, price=base,
        stock=int(detail["stockQuantity"]), on_sale=is_on_sale,
    )


def stocks(detail: Json | None) -> dict[str, int]:
    """Return the quantity of each option of a product, by its number."""
    return {str(row["id"]): int(row["stockQuantity"]) for row in _rows(detail)}


def prices(detail: Json | None) -> dict[str, int]:
    """Return the price of each option of a product, by its number."""
    return {} if detail is None else {str(row["id"]): int(detail["salePrice"]) + _offset(row) for row in _rows(detail)}


def _attribute(detail: Json | None) -> Json:
    return (detail or {}).get("detailAttribute") or {}


def _rows(detail: Json | None) -> list[Json]:
    info = _attribute(detail).get("optionInfo") or {}
    return next((info[kind] for kind in KINDS if info.get(kind)), [])


def _offset(row: Json) -> int:
    return int(row.get("price") or 0)


# -- writing


def update(push: Push, what: str) -> Json:
    """Make one row of a multi-update: the stock or the price of a product without options."""
    value: Json = {"stockQuantity": push.value} if what == "STOCK" else {"productSalePrice": {"salePrice": push.value}}
    return {"originProductNo": int(push.item.product_id), "multiUpdateTypes": [what], **value}


def stock_body(detail: Json, wanted: dict[str, int]) -> Json:
    """Make an option-stock body that sets the wanted quantities and keeps all the rest.

    Naver takes a value that is left out for 0, so every option goes in full.
    """
    rows = [_full(row, stock=wanted.get(str(row["id"]))) for row in _rows(detail)]
    return {"optionInfo": _option_info(detail, rows, counts=True)}


def price_body(detail: Json, wanted: dict[str, int]) -> Json:
    """Make an option-stock body that sets the wanted prices and keeps those of the other options.

    The lowest price of all becomes the product's own, and each option adds what is above it: one adds nothing.
    """
    whole = {**prices(detail), **wanted}
    base = min(whole.values())
    fault = price_fault(base)
    if fault:
        raise BadRequest(f"the product's own price would be its lowest option's: {fault}")
    rows = [_full(row, price=whole[str(row["id"])] - base) for row in _rows(detail)]
    return {"productSalePrice": {"salePrice": base}, "optionInfo": _option_info(detail, rows, counts=False)}


def _full(row: Json, stock: int | None = None, price: int | None = None) -> Json:
    return {
        "id": row["id"], "stockQuantity": int(row["stockQuantity"]) if stock is None else stock,
        "price": _offset(row) if price is None else price, "usable": bool(row.get("usable", True)),
    }


def _option_info(detail: Json, rows: list[Json], counts: bool) -> Json:
    """counts: the quantities of the options are to count from now on."""
    info = _attribute(detail)["optionInfo"]
    kind = next(kind for kind in KINDS if info.get(kind))
    return {
        **{name: rows if name == kind else [] for name in KINDS},
        "useStockManagement": counts or bool(info.get("useStockManagement", True)),
    }
