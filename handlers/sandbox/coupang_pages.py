"""How Coupang refuses and cuts lists into pages."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from typing import Any

from handlers.sandbox.answers import Answer, Refusal, Request, json_answer

REPEATED_ROWS = 2

Json = dict[str, Any]


def orders_refusal(message: str) -> Refusal:
    return Refusal(json_answer({"code": 400, "message": message, "data": None}, 400))


def products_refusal(message: str) -> Refusal:
    return Refusal(json_answer({"code": "ERROR", "message": message, "data": None}, 400))


def enveloped(rows: list[Json], token: str) -> Answer:
    return json_answer({"code": 200, "message": "OK", "nextToken": token, "data": rows})


def page(rows: list[Json], request: Request, key: Callable[[Json], str], size: int) -> tuple[list[Json], str]:
    """Cut one page out of *rows*, and name the row it ended with, so that rows which leave shift nothing.

    The token is bound to the query it was given for. A request to repeat rows begins with the last ones of the page before.
    """
    query = {name: value for name, value in request.query.items() if name != "nextToken"}
    bound = hashlib.sha256(json.dumps(query, sort_keys=True).encode()).hexdigest()[:12]
    given = request.query.get("nextToken", "")
    begin = 0
    if given:
        last = _row_of(given, bound)
        begin = next((place for place, row in enumerate(rows) if key(row) > last), len(rows))
    if request.quirk == "repeat_rows":
        begin = max(0, begin - min(REPEATED_ROWS, size - 1))
    cut = rows[begin:begin + size]
    more = len(rows) > begin + size
    return cut, base64.urlsafe_b64encode(f"{bound}:{key(cut[-1])}".encode()).decode() if more else ""


def _row_of(token: str, bound: str) -> str:
    try:
        owner, _, last = base64.urlsafe_b64decode(token).decode().partition(":")
    except ValueError:
        owner, last = "", ""
    if owner != bound:
        raise orders_refusal("Invalid nextToken")
    return last


def page_size(request: Request, default: int, most: int, refusal: Callable[[str], Refusal]) -> int:
    text = request.query.get("maxPerPage", str(default))
    if not text.isdigit() or not 1 <= int(text) <= most:
        raise refusal(f"maxPerPage should be between 1 and {most}.")
    return int(text)
