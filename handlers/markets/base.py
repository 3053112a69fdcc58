"""What every marketplace has in common: our words for its orders and products, its verbs, and its errors.

    MarketError
    ├── Closed(until)          the market is under maintenance: what was to be done is held, not failed
    ├── RateLimited(after)     the market wants a pause: come back later
    ├── MarketDown             no answer, or one that cannot be read: another attempt may help
    │   └── TooSlow            it took too long: asking for less may help
    ├── AuthFailed             keys, addresses or rights are wrong: a person must act
    └── BadRequest             the market refuses what was asked: asking again is pointless

No field name of a single marketplace is known above the file of that marketplace.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from types import TracebackType
from typing import ClassVar, Literal, Protocol, Self

State = Literal["paid", "confirmed", "shipping", "delivered", "completed", "cancelled", "returned", "exchanged"]
Clock = Callable[[], datetime]


class MarketError(Exception):
    """The root; its text names the market and is fit for an operator's eyes."""


class Closed(MarketError):
    """until: when it is worth to come back, None when the market did not say."""

    def __init__(self, message: str, *, until: datetime | None = None) -> None:
        super().__init__(message)
        self.until = until


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

    read_at     when the answer was asked for, on the database's clock: an older answer never overwrites
    changed_at  when the market says the line last changed; None where it does not say
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
    changed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """One line of a cancel, a return or an exchange.

    completed   it is settled: the quantity counts as cancelled, returned or exchanged
    ordered     what had been ordered of the line, for orders that were never seen otherwise
    changed_at  when the market says the claim last changed; None where it does not say
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
    changed_at: datetime | None = None


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


@dataclass(frozen=True, slots=True)
class Item:
    """One sellable item as erp.market_items names it."""

    item_id: str
    product_id: str
    sku: str | None = None


@dataclass(frozen=True, slots=True)
class Push:
    """A value to be set at the shop: a quantity, or a price in whole won; always absolute, so repeating it is safe.

    former  what the shop is believed to have; None when unknown
    """

    item: Item
    value: int
    former: int | None = None


@dataclass(frozen=True, slots=True)
class LineKey:
    """Names one line of an order, and the box it lies in."""

    order_id: str
    box_id: str
    line_id: str


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of one write.

    key      item_id of a push, line_id of an acknowledgement
    former   the value the shop had before, where the market says so
    again    whether another attempt may help
    """

    key: str
    ok: bool
    message: str = ""
    former: int | None = None
    again: bool = False


class Budget(Protocol):
    """What an account may still do, shared by all processes and nodes that call it."""

    def call(self) -> AbstractAsyncContextManager[None]:
        """Wait for a turn, and hold it while one request is on its way.

        Raises  RateLimited when the account is paused, or its day's calls are used up; Closed during maintenance
        """
        ...

    async def pause(self, seconds: float, why: str) -> None:
        """Keep everybody away from the account for that long."""
        ...

    async def close_until(self, until: datetime | None, why: str) -> None:
        """Note that the market is under maintenance; None: until a usual while from now."""
        ...

    async def token(self, fetch: Callable[[], Awaitable[Token]], stale: str | None = None) -> str:
        """Return the account's access token, fetched by one process for all of them.

        fetch  asks the market for a new one, called when there is none, or it is about to end
        stale  a token that the market has just refused, not to be returned again
        """
        ...


@dataclass(frozen=True, slots=True)
class Token:
    """lives  seconds from now on"""

    value: str = field(repr=False)
    lives: float


class Market(Protocol):
    """The verbs of a marketplace. Every read and write goes through the account's budget.

    splits       a box of an order may be replaced by other boxes without a word, so that orders are read again
    open_states  orders in these states are read again, since nothing else tells that they went on
    """

    splits: ClassVar[bool]
    open_states: ClassVar[tuple[State, ...]]

    async def __aenter__(self) -> Self: ...
    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    async def orders(self, window: Window) -> Orders:
        """Read every order made in the window, in all states."""
        ...

    async def changes(self, window: Window) -> Orders:
        """Read what changed in the window: cancels, returns, exchanges, and states where the market tells of them."""
        ...

    async def order(self, order_id: str) -> list[BoxLine]:
        """Read one order as it stands now; empty when the market no longer shows it."""
        ...

    async def products(self, token: str | None, page_size: int, with_details: bool) -> ProductPage:
        """Read one page of products; with_details also reads options, prices and stock."""
        ...

    async def stock(self, items: Sequence[Item]) -> dict[str, int]:
        """Read the quantity of each item, by item_id; what the shop no longer has is left out."""
        ...

    async def prices(self, items: Sequence[Item]) -> dict[str, int]:
        """Read the price of each item in whole won, by item_id; what the shop no longer has is left out."""
        ...

    async def push_stock(self, pushes: Sequence[Push]) -> list[Sent]:
        """Set quantities. One item's refusal does not keep the others back: each has its own answer."""
        ...

    async def push_price(self, pushes: Sequence[Push]) -> list[Sent]:
        """Set prices. One item's refusal does not keep the others back: each has its own answer."""
        ...

    async def acknowledge(self, lines: Sequence[LineKey]) -> list[Sent]:
        """Confirm paid lines: the shop prepares them for dispatch."""
        ...
