"""`/scheduler/tokens`: with what programs ask; a token is shown once."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from scheduler.errors import ParameterError
from scheduler.queries import web_tokens
from scheduler.web import account_deeds
from scheduler.web.place import place_of
from scheduler.web.render import page
from scheduler.web.rights import admin
from scheduler.words import say

router = APIRouter(include_in_schema=False)
TOKENS = "/scheduler/tokens"
LIVES = ("30", "90", "365", "")
"""Days; the empty one is for ever."""


@router.get(TOKENS, dependencies=[admin])
def tokens(request: Request, every: bool = False) -> Response:
    """Show the tokens."""
    return _shown(request, every)


@router.post(TOKENS, dependencies=[admin])
def make(
    request: Request, name: Annotated[str, Form()] = "", role: Annotated[str, Form()] = "viewer",
    days: Annotated[str, Form()] = "90",
) -> Response:
    """Make a token and show it, this once: the answer is the page itself, and nothing keeps it."""
    if days not in LIVES:
        raise ParameterError(say("고를 수 없는 기한입니다", "that is none of the terms"))
    life = timedelta(days=int(days)) if days else None
    with place_of(request).changing(request) as connection:
        token, made = account_deeds.make_token(connection, request, name, role, life)
    return _shown(request, False, token=token, made=made)


@router.post(TOKENS + "/{token_id}/revoke", dependencies=[admin])
def revoke(request: Request, token_id: int) -> Response:
    """End a token."""
    with place_of(request).changing(request) as connection:
        account_deeds.revoke_token(connection, request, token_id)
    return RedirectResponse(TOKENS, 303)


def _shown(request: Request, every: bool, token: str | None = None, made: Any = None) -> Response:
    with place_of(request).reading() as connection:
        found = web_tokens.tokens(connection, every)
    return page(request, "tokens.html", tokens=found, every=every, token=token, made=made, lives=LIVES)
