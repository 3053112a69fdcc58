"""From a rule to a price: exact, bounded, in units of 10 won, and never a float."""

from __future__ import annotations

import inspect
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.stock import pricing
from handlers.stock.pricing import Rule, Rules, price_beside, price_by_rule

PLAIN = Rule(1, None, None, None, Decimal(30), Decimal(10))


@pytest.mark.parametrize(("cost", "margin", "fee", "more", "price"), [
    (9000, "30", "10", {}, 13000),
    (9000, "30", "0", {}, 11700),
    (900, "40", "30", {"round_how": "down"}, 1800),
    (1000, "0", "10", {}, 1110),
    (1000, "0", "10", {"round_how": "up"}, 1120),
    (1000, "0", "10", {"round_how": "down"}, 1110),
    (1005, "0", "0", {}, 1010),
    (1004, "0", "0", {}, 1000),
    (12345, "0", "0", {"round_to": 100}, 12300),
    (12345, "0", "0", {"round_to": 1000, "round_how": "up"}, 13000),
    (9000, "30", "10", {"max_price": 12900}, 12900),
    (9000, "30", "10", {"min_price": 13500}, 13500),
    (9000, "-50", "0", {}, 4500),
    (1, "0", "0", {"round_how": "down"}, 10),
    (10800, "33.3", "10.8", {}, 16140),
])
def test_the_price_of_a_rule(cost: int, margin: str, fee: str, more: dict[str, object], price: int) -> None:
    rule = replace(PLAIN, margin_percent=Decimal(margin), fee_percent=Decimal(fee), **more)  # type: ignore[arg-type]
    assert price_by_rule(rule, cost) == price


def test_the_most_specific_rule_holds_and_of_equals_the_newest() -> None:
    everything = replace(PLAIN, id=9)
    market, sku = replace(PLAIN, id=2, market_code="coupang"), replace(PLAIN, id=3, sku="A")
    both = replace(PLAIN, id=1, sku="A", market_code="coupang")
    rules = Rules([sku, both, everything, market])

    assert rules.of("A", "coupang") is both
    assert rules.of("A", "naver") is sku
    assert rules.of("B", "coupang") is market
    assert rules.of("B", "naver") is rules.of(None, "naver") is everything
    assert Rules([both]).of("A", "naver") is Rules([]).of("A", "naver") is None
    newer = replace(both, id=12)
    assert Rules([newer, both]).of("A", "coupang") is newer


@pytest.mark.parametrize(("rival", "undercut", "more", "price"), [
    (None, 0, {}, 13000),
    (12500, 0, {}, 12500),
    (12500, 10, {}, 12490),
    (12345, 0, {}, 12340),
    (99000, 0, {}, 13000),
    (5000, 0, {}, 10000),
    (5000, 0, {"min_price": 11000}, 11000),
    (5000, 0, {"margin_percent": Decimal(-20)}, 8000),
])
def test_a_competitor_draws_the_price_down_to_the_cost_and_no_further(
    rival: int | None, undercut: int, more: dict[str, object], price: int
) -> None:
    assert price_beside(replace(PLAIN, **more), 9000, rival, undercut) == price  # type: ignore[arg-type]


PERCENTS = st.decimals("0", "95", places=2)
TENS = st.integers(1, 10**8).map(lambda number: number * 10)
RULES = st.builds(
    Rule, st.just(1), st.none(), st.none(), st.none(), st.decimals("-90", "1000", places=2), PERCENTS,
    st.none() | TENS, st.none() | TENS, st.none(), st.sampled_from([10, 50, 100, 1000]),
    st.sampled_from(["up", "nearest", "down"]),
).map(lambda rule: replace(rule, max_price=max(rule.max_price, rule.min_price))
      if rule.min_price is not None and rule.max_price is not None else rule)
COSTS = st.integers(1, 10**10)


@given(RULES, COSTS, st.none() | st.integers(1, 10**11), st.integers(0, 10**6))
def test_every_price_is_in_units_of_10_won_and_within_its_bounds(rule: Rule, cost: int, rival: int | None, undercut: int) -> None:
    for price in (price_by_rule(rule, cost), price_beside(rule, cost, rival, undercut)):
        assert type(price) is int and price >= 10 and price % 10 == 0
        assert (rule.min_price or 0) <= price and (rule.max_price is None or price <= rule.max_price)


@given(RULES, COSTS)
def test_a_price_is_the_exact_one_but_for_rounding(rule: Rule, cost: int) -> None:
    free = replace(rule, min_price=None, max_price=None)
    exact = cost * (100 + Fraction(rule.margin_percent)) / (100 - Fraction(rule.fee_percent))
    price = price_by_rule(free, cost)
    away = price - exact
    unit = rule.round_to
    if price > unit:
        assert {"up": 0 <= away < unit, "down": -unit < away <= 0, "nearest": -unit <= 2 * away <= unit}[rule.round_how]


@given(RULES, COSTS, st.integers(1, 10**11), st.integers(0, 10**6))
def test_a_competitor_never_raises_a_price_and_never_takes_it_below_the_cost(
    rule: Rule, cost: int, rival: int, undercut: int
) -> None:
    alone, beside = price_by_rule(rule, cost), price_beside(rule, cost, rival, undercut)
    earned = beside * (100 - Fraction(rule.fee_percent)) / 100
    assert beside <= alone
    assert beside == alone or earned >= cost


def test_no_float_takes_part() -> None:
    assert "float" not in inspect.getsource(pricing).replace("never a float", "")
