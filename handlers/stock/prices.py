"""What each item should cost: the rules of erp.price_rules over costs, and competitors' prices."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import psycopg

from handlers.markets.base import Account, Item
from handlers.stock.caps import check_changes
from handlers.stock.differences import Judged, Kind, Verdict, Wanted, judge_price
from handlers.stock.master import key
from handlers.stock.pricing import Competitor, Rule, Rules, price_beside
from scheduler.handler import Context

Connection = psycopg.AsyncConnection[Any]

RULES = """
SELECT id, sku, market_code, cost, margin_percent, fee_percent, min_price, max_price, max_change_percent, round_to, round_how
  FROM erp.price_rules
 WHERE enabled AND (market_code IS NULL OR market_code = %(market_code)s)
   AND (valid_from IS NULL OR valid_from <= clock_timestamp()) AND (valid_to IS NULL OR valid_to > clock_timestamp())
"""
ITEMS = """
SELECT item.item_id, item.product_id, item.sku, item.price, master.cost, rival.price
  FROM erp.market_items AS item
  LEFT JOIN erp.stock AS master ON master.sku = item.sku
  LEFT JOIN (SELECT sku, min(price) AS price FROM erp.competitor_prices
              WHERE seen_at > clock_timestamp() - make_interval(mins => (%(hours)s::float8 * 60)::integer)
              GROUP BY sku) AS rival ON rival.sku = item.sku
 WHERE item.market_code = %(market_code)s AND item.account = %(account)s
   AND (%(item_ids)s::text[] IS NULL OR item.item_id = ANY (%(item_ids)s))
 ORDER BY item.item_id
"""


@dataclass(frozen=True, slots=True)
class Policy:
    """What the job says about all rules."""

    max_change_percent: Decimal
    max_changed_percent: float
    competitor: Competitor
    undercut_won: int
    competitor_hours: float


class RulePrices:
    """The Subject of price_update: what the rules say each item should cost.

    figures  items, and those that no rule or no cost speaks of, as of the first loading
    """

    kind: Kind = "price"

    def __init__(self, context: Context, account: Account, policy: Policy) -> None:
        self._context = context
        self._account = account
        self._policy = policy
        self._changes = 0
        self.figures: Counter[str] = Counter()

    async def load(self, item_ids: Sequence[str] | None) -> list[Wanted]:
        """Return the prices of the items that a rule and a cost are known for."""
        connection = await self._context.adb()
        rules = Rules(Rule(*row) for row in await (await connection.execute(RULES, key(self._account))).fetchall())
        found = await connection.execute(ITEMS, key(
            self._account, hours=self._policy.competitor_hours, item_ids=None if item_ids is None else list(item_ids)))
        figures: Counter[str] = Counter()
        wanted = [each for row in await found.fetchall() if (each := self._wanted(rules, row, figures)) is not None]
        if item_ids is None:
            self.figures = figures
        return wanted

    def _wanted(self, rules: Rules, row: tuple[Any, ...], figures: Counter[str]) -> Wanted | None:
        item_id, product_id, sku, believed, own_cost, rival = row
        figures["items"] += 1
        rule = rules.of(sku, self._account.market_code)
        if rule is None:
            figures["without_rule"] += 1
            return None
        cost = rule.cost if rule.cost is not None else own_cost
        if cost is None:
            figures["without_cost"] += 1
            return None
        policy = self._policy
        undercut = policy.undercut_won if policy.competitor == "undercut" else 0
        price = price_beside(rule, cost, None if policy.competitor == "none" else rival, undercut)
        limit = policy.max_change_percent if rule.max_change_percent is None else rule.max_change_percent
        return Wanted(Item(item_id, product_id, sku), price, believed, limit=limit)

    def check_plan(self, wanted: Sequence[Wanted]) -> None:
        """Hold what the catalogue lets expect against the cap, before anything is sent. Raises Refusal."""
        check_changes(sum(each.differs for each in wanted), self.figures["items"], self._policy.max_changed_percent)

    def judge(self, wanted: Wanted, shown: int) -> Verdict:
        return judge_price(wanted, shown)

    def guard(self, judged: Sequence[Judged]) -> None:
        self._changes += sum(each.verdict in ("push", "refuse") for each in judged)
        check_changes(self._changes, self.figures["items"], self._policy.max_changed_percent)

    async def note(self, judged: Sequence[Judged]) -> None:
        """Keep nothing more: the catalogue holds the prices, and erp.prices their history."""
