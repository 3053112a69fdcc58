"""When too much would change at once, nothing is changed: a wrong count or an empty feed must not empty the shops."""

from __future__ import annotations

from decimal import Decimal

LEAST = 5
"""Fewer items than this are never too many."""


class Refusal(Exception):
    """An account is left as it is. Its text is English; ko says the same in Korean."""

    def __init__(self, ko: str, en: str) -> None:
        super().__init__(en)
        self.ko = ko
        self.en = en


def exceeds(count: int, total: int, percent: float) -> bool:
    """Say whether *count* of *total* is more than that many percent, and enough items to matter."""
    return count >= LEAST and Decimal(count) * 100 > Decimal(str(percent)) * total


def share(count: int, total: int) -> str:
    return f"{Decimal(count) * 100 / total:.1f}" if total else "100"


def check_feed(items: int, known: int) -> None:
    """Refuse an account whose catalogue is empty, or none of whose items has a master quantity."""
    if items == 0:
        raise Refusal("가게의 상품 목록이 비어 있습니다. 먼저 product_collection을 실행하세요",
                      "the catalogue of the shop is empty; run product_collection first")
    if known == 0:
        raise Refusal("원장(erp.stock)에 이 가게의 품목이 하나도 없습니다. 품목을 넣거나 adopt=true로 실행하세요",
                      "erp.stock knows none of the shop's items; fill it, or run with adopt=true")


def check_zeros(to_zero: int, stocked: int, percent: float) -> None:
    """Refuse when too many of the items that have stock would have none."""
    if exceeds(to_zero, stocked, percent):
        raise Refusal(
            f"재고가 있는 {stocked}개 가운데 {to_zero}개({share(to_zero, stocked)}%)가 0이 됩니다 (한도 {percent:g}%). "
            "더 보내지 않습니다. 맞다면 max_zero_percent를 올려 실행하세요",
            f"{to_zero} of {stocked} items that have stock ({share(to_zero, stocked)} %) would go to 0 "
            f"(max_zero_percent is {percent:g}); nothing more is pushed. "
            "If that is right, run with a higher max_zero_percent",
        )


def check_changes(changed: int, items: int, percent: float | None) -> None:
    """Refuse when too many of all items would change."""
    if percent is not None and exceeds(changed, items, percent):
        raise Refusal(
            f"전체 {items}개 가운데 {changed}개({share(changed, items)}%)가 바뀝니다 (한도 {percent:g}%). "
            "더 보내지 않습니다. 맞다면 max_changed_percent를 올려 실행하세요",
            f"{changed} of {items} items ({share(changed, items)} %) would change "
            f"(max_changed_percent is {percent:g}); nothing more is pushed. "
            "If that is right, run with a higher max_changed_percent",
        )
