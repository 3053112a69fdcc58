"""What a sandbox's server and its market say to each other: a request, an answer, a refusal, and what every market can do."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol
from urllib.parse import unquote

from handlers.sandbox.shop import Shop


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it came in.

    target   the raw request target, which is what is signed
    headers  by their names in lower case
    quirk    the fault that the market itself has to act out, one of its quirks; empty for none
    """

    method: str
    target: str
    headers: dict[str, str]
    body: bytes = b""
    quirk: str = ""

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def raw_query(self) -> str:
        return self.target.partition("?")[2]

    @property
    def query(self) -> dict[str, str]:
        """The parameters; a bare plus stays a plus, as in an offset."""
        pairs = (part.partition("=") for part in self.raw_query.split("&") if part)
        return {unquote(name): unquote(value) for name, _, value in pairs}


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


def json_answer(content: Any, status: int = 200) -> Answer:
    """Make an answer of JSON."""
    body = json.dumps(content, ensure_ascii=False).encode()
    return Answer(status, body, {"Content-Type": "application/json;charset=UTF-8"})


class Refusal(Exception):
    """Ends the handling of a request with this answer."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


class SandboxMarket(Protocol):
    """One market on top of a shop. answer may be called by many threads at once."""

    @property
    def code(self) -> str:
        """Return the market's code."""
        ...

    @property
    def shop(self) -> Shop:
        """Return the shop that lies behind it."""
        ...

    @property
    def quirks(self) -> tuple[str, ...]:
        """Return the kinds of faults that it acts out itself when request.quirk names them, such as ``repeat_rows``."""
        ...

    def now(self) -> datetime:
        """Return the shop's time."""
        ...

    def answer(self, request: Request) -> Answer:
        """Answer a call as the market's documents say."""
        ...

    def truth(self) -> list[dict[str, object]]:
        """Return what a correct collection must hold in erp.order_lines."""
        ...

    def is_token_call(self, request: Request) -> bool:
        """Say whether the call asks for an access token; those are counted apart."""
        ...

    def maintenance(self) -> Answer:
        """Answer as the market does while it is closed."""
        ...

    def expired(self) -> Answer:
        """Answer as to a token or a signature that is no longer good."""
        ...

    def too_many(self, retry_after: float | None) -> Answer:
        """Answer as to a caller that is too fast.

        retry_after  how long the caller shall wait; None to leave it untold
        """
        ...
