"""Market code → sandbox: opens shops by the module of their market, each with a state of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from importlib import import_module
from pathlib import Path
from types import ModuleType

from handlers.sandbox.answers import SandboxMarket
from handlers.sandbox.shop import Shop, real_time
from handlers.sandbox.state import Beginning, State

MODULES = {
    "coupang": "handlers.sandbox.coupang",
    "naver": "handlers.sandbox.naver",
    "11st": "handlers.sandbox.elevenst",
}


def module_of(market_code: str) -> ModuleType:
    """Return the module that speaks a market's protocol. Raises ValueError when this release has none."""
    name = MODULES.get(market_code)
    if name is None:
        raise ValueError(f"{market_code}: there is no sandbox of it; known markets: {', '.join(MODULES)}")
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        raise ValueError(f"{market_code}: this release has no sandbox of it (no module {name})") from error


def key_names(market_code: str) -> tuple[str, ...]:
    """Return the names of a market's credentials."""
    names: tuple[str, ...] = module_of(market_code).KEYS
    return names


def open_sandbox(
    market_code: str, beginning: Beginning, path: Path | None = None, clock: Callable[[], datetime] = real_time,
    keys: Mapping[str, str] | None = None,
) -> SandboxMarket:
    """Open a market's shop: the one on file at *path*, or a new one.

    keys    credentials instead of random ones
    Raises  ValueError for a market without a sandbox
    """
    module = module_of(market_code)
    state = State(path, beginning, market_code, module.KEYS, keys)
    market: SandboxMarket = module.open_market(Shop(market_code, state, clock), state)
    return market
