"""What every marketplace has in common: our words for its orders and products, its verbs, and its errors.

    MarketError
    ├── RateLimited(after)     the market wants a pause: come back later
    ├── MarketDown             no answer, or one that cannot be read: another attempt may help
    │   └── TooSlow            it took too long: asking for less may help
    ├── AuthFailed             keys, addresses or rights are wrong: a person must act
    └── BadRequest             the market refuses what was asked: asking again is pointless

No field name of a single marketplace is known above the file of that marketplace.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from types import TracebackType
from typing import Literal, Protocol, Self

State = Literal["paid", "confirmed", "shipping", "delivered", "completed", "cancelled", "returned", "exchanged"]
Clock = Callable[[], datetime]


class MarketError(Exception):
    """The root; its text names the market and is fit for an operator's eyes."""


class RateLimited(MarketError):
    def __init__(self, message: str, *, after: float) -> None:
        super().__init__(message)
        self.after = after


class MarketDown(MarketError):
    pass


class TooSlow(MarketDown):
    pass


class AuthFailed(MarketError):
    pass


class BadRequest(MarketError):
    pass


@dataclass(frozen=True, slots=True)
class Account:
    """One row of market_accounts; credentials are still references."""

    market_code: str
    account: str
    base_url: str
    credentials: dict[str, str] = field(repr=False)
    calls_per_second: float = 5.0

    @property
    def label(self) -> str:
        """Name it as people do: ``coupang``, or ``coupang/second`` for another shop there."""
        return self.market_code if self.account == "default" else f"{self.market_code}/{self.account}"


@dataclass(frozen=True, slots=True)
class Window:
    """A half-open span of time ``[start, end)`` to collect.

    whole_days  it spans whole days of the market, so that the paged reading by day may be used
    """

    start: datetime
    end: datetime
    whole_days: bool = False


@dataclass(frozen=True, slots=True)
class BoxLine:
    """One line of an order as it lies in one box; a market without boxes has one box a line.

    read_at  when the answer was asked for, on the database's clock: an older answer never overwrites
    """

    order_id: str
    box_id: str
    line_id: str
    quantity: int
    state: State
    market_state: str
    ordered_at: datetime
    read_at: datetime
    cancelled: int = 0
    held: int = 0
    paid_at: datetime | None = None
    product_id: str | None = None
    sku: str | None = None
    name: str | None = None
    unit_price: int | None = None
    amount: int | None = None
    shipping_price: int | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """One line of a cancel or a return.

    completed  it is settled: the quantity counts as cancelled or returned
    ordered    what had been ordered of the line, for orders that were never seen otherwise
    """

    claim_id: str
    order_id: str
    line_id: str
    kind: Literal["cancel", "return", "exchange"]
    completed: bool
    ordered: int
    quantity: int
    claimed_at: datetime
    read_at: datetime
    market_state: str = ""
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Orders:
    """All that a market said about a window."""

    lines: list[BoxLine]
    claims: list[Claim]


@dataclass(frozen=True, slots=True)
class Option:
    """One sellable item of a product. Prices in whole won."""

    item_id: str
    name: str
    sku: str | None
    barcode: str | None
    original_price: int | None
    price: int | None
    stock: int | None
    on_sale: bool | None


@dataclass(frozen=True, slots=True)
class Product:
    """A product; options is None where they were not asked for."""

    product_id: str
    name: str
    brand: str | None
    status: str | None
    sale_from: datetime | None
    sale_to: datetime | None
    read_at: datetime
    options: tuple[Option, ...] | None = None


@dataclass(frozen=True, slots=True)
class ProductPage:
    """Some products, and the token of the next page; None after the last."""

    products: list[Product]
    next_token: str | None


class Market(Protocol):
    """The verbs of a marketplace."""

    async def __aenter__(self) -> Self: ...
    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    async def orders(self, window: Window) -> Orders:
        """Read every order created in the window, in all states, with cancels and returns of the same span."""
        ...

    async def order(self, order_id: str) -> list[BoxLine]:
        """Read one order as it stands now; empty when the market no longer shows it."""
        ...

    async def products(self, token: str | None, page_size: int, with_details: bool) -> ProductPage:
        """Read one page of products; with_details also reads options, prices and stock."""
        ...
