"""The control door under ``/_sandbox``: what a test or an operator may ask of a shop and do to it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from handlers.sandbox.answers import Answer, Request, SandboxMarket, json_answer
from handlers.sandbox.catalogue import Item
from handlers.sandbox.counts import Counts
from handlers.sandbox.faults import Faults


class Control:
    """Answers the calls of one sandbox's control door."""

    def __init__(self, market: SandboxMarket, faults: Faults, counts: Counts) -> None:
        self._market = market
        self._faults = faults
        self._counts = counts
        self._calls: dict[tuple[str, str], Callable[[Request], Any]] = {
            ("GET", "orders"): self._orders, ("GET", "writes"): self._writes, ("GET", "stock"): self._stock,
            ("GET", "requests"): lambda _: counts.content(), ("DELETE", "requests"): self._forget,
            ("GET", "clock"): self._clock, ("POST", "clock"): self._set_clock,
            ("GET", "faults"): lambda _: {"waiting": faults.waiting(), "kinds": faults.kinds},
            ("POST", "faults"): self._add_fault, ("DELETE", "faults"): self._clear_faults,
        }

    def answer(self, request: Request) -> Answer:
        """Answer one call."""
        call = self._calls.get((request.method, request.path.removeprefix("/_sandbox/")))
        if call is None:
            known = sorted(f"{method} /_sandbox/{name}" for method, name in self._calls)
            return json_answer({"error": f"known calls: {', '.join(known)}"}, 404)
        try:
            return json_answer(call(request))
        except (ValueError, TypeError, AttributeError, KeyError) as error:
            return json_answer({"error": str(error)}, 400)

    def _orders(self, request: Request) -> Any:
        return {"now": self._market.now().isoformat(), "lines": self._market.truth()}

    def _writes(self, request: Request) -> Any:
        return {"now": self._market.now().isoformat(), "writes": self._market.shop.writes()}

    def _stock(self, request: Request) -> Any:
        sku = request.query.get("sku")
        items = [item for item in self._market.shop.items() if sku in (None, item.sku)]
        return {"now": self._market.now().isoformat(), "items": [self._item(item) for item in items]}

    def _item(self, item: Item) -> dict[str, Any]:
        shop = self._market.shop
        return {
            "number": item.number, "product_number": item.product_number, "sku": item.sku, "stock": shop.stock(item),
            "price": shop.price(item), "original_price": shop.original_price(item), "on_sale": shop.on_sale(item),
        }

    def _clock(self, request: Request) -> Any:
        return {"now": self._market.now().isoformat(), "speed": self._market.shop.state.speed}

    def _set_clock(self, request: Request) -> Any:
        self._market.shop.set_speed(float(json.loads(request.body)["speed"]))
        return self._clock(request)

    def _add_fault(self, request: Request) -> Any:
        self._faults.add(json.loads(request.body))
        return {"added": True}

    def _clear_faults(self, request: Request) -> Any:
        self._faults.clear()
        return {"cleared": True}

    def _forget(self, request: Request) -> Any:
        self._counts.clear()
        return {"cleared": True}
