"""How rows travel to our tables: one JSON array a statement, so ten thousand lines cost as many round trips as one."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from handlers.markets.base import Account

Connection = psycopg.AsyncConnection[Any]

# Two collections of one account may meet; taking turns here keeps sums of boxes and the watermark right.
TAKE_TURN = "SELECT pg_advisory_xact_lock(hashtextextended('erp/' || %(market_code)s || '/' || %(account)s, 0))"


@dataclass(frozen=True, slots=True)
class Saved:
    """How many orders or products were new, changed, and as they had been.

    stale  rows that came older than what was known, and changed nothing
    """

    inserted: int
    updated: int
    unchanged: int
    stale: int = 0

    def figures(self, noun: str) -> dict[str, int]:
        """Return them under the names they have in a result: orders_inserted and so on."""
        return {
            f"{noun}_inserted": self.inserted, f"{noun}_updated": self.updated, f"{noun}_unchanged": self.unchanged,
            f"{noun}_stale": self.stale,
        }

    def __add__(self, other: Saved) -> Saved:
        return Saved(
            self.inserted + other.inserted, self.updated + other.updated, self.unchanged + other.unchanged,
            self.stale + other.stale,
        )


def key(account: Account, **more: Any) -> dict[str, Any]:
    return {"market_code": account.market_code, "account": account.account, **more}


def as_row(made: Any) -> dict[str, Any]:
    """Return the fields of one of our dataclasses; dataclasses.asdict copies each value, which costs more than saving it."""
    return {name: getattr(made, name) for name in made.__slots__}


def as_json(rows: Iterable[dict[str, Any]]) -> Jsonb:
    return Jsonb(list(rows), dumps=_dump)


def _dump(content: Any) -> str:
    return json.dumps(content, default=datetime.isoformat, ensure_ascii=False, separators=(",", ":"))
