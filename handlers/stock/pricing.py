"""From a rule, a cost and a competitor's price to the price of an item. Whole won and Decimal, never a float."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal
from typing import Literal

UNIT = 10
HUNDRED = Decimal(100)
ROUNDING = {"up": ROUND_CEILING, "nearest": ROUND_HALF_UP, "down": ROUND_FLOOR}

Competitor = Literal["none", "match_lowest", "undercut"]


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of erp.price_rules."""

    id: int
    sku: str | None
    market_code: str | None
    cost: int | None
    margin_percent: Decimal
    fee_percent: Decimal
    min_price: int | None = None
    max_price: int | None = None
    max_change_percent: Decimal | None = None
    round_to: int = UNIT
    round_how: str = "nearest"


class Rules:
    """The rules in force. The most specific one holds: sku and market, sku, market, all; of equals the newest."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._rules = {(rule.sku, rule.market_code): rule for rule in sorted(rules, key=lambda rule: rule.id)}

    def of(self, sku: str | None, market_code: str) -> Rule | None:
        """Return the rule for an item; None when there is none."""
        places: list[tuple[str | None, str | None]] = [(sku, market_code), (sku, None), (None, market_code), (None, None)]
        return next((self._rules[place] for place in places if place in self._rules), None)


def rounded(amount: Decimal, unit: int, how: str) -> int:
    """Return *amount* in whole units, at least one."""
    return max(unit, int((amount / unit).to_integral_value(ROUNDING[how])) * unit)


def earning(cost: int, margin_percent: Decimal, fee_percent: Decimal) -> Decimal:
    """Return the price that leaves the cost and the margin on it when the fee is paid."""
    return cost * (HUNDRED + margin_percent) / (HUNDRED - fee_percent)


def price_by_rule(rule: Rule, cost: int) -> int:
    """Return cost × (1 + margin) / (1 - fee), rounded as the rule says and within its bounds."""
    price = rounded(earning(cost, rule.margin_percent, rule.fee_percent), rule.round_to, rule.round_how)
    if rule.max_price is not None:
        price = min(price, rule.max_price)
    if rule.min_price is not None:
        price = max(price, rule.min_price)
    return price


def price_beside(rule: Rule, cost: int, rival: int | None, undercut_won: int) -> int:
    """Return the price by the rule, lowered to that of a competitor, but never below the rule's bound or the cost.

    rival  the lowest price of a competitor; None when none is known
    """
    price = price_by_rule(rule, cost)
    if rival is None:
        return price
    target = rounded(Decimal(rival - undercut_won), UNIT, "down")
    floor = max(rule.min_price or 0, rounded(earning(cost, Decimal(0), rule.fee_percent), UNIT, "up"))
    return min(price, max(target, floor))
