"""`/api/v1/users` and `/api/v1/tokens`: who may come in."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import Field, SecretStr, model_validator
from starlette.requests import Request

from scheduler.queries import web_accounts, web_tokens
from scheduler.web import account_deeds
from scheduler.web.answers import Answer
from scheduler.web.idempotency import OnceRoute, keep_no_answer
from scheduler.web.inputs import Body, Id, Short, seconds_of
from scheduler.web.people import IDLE, LONGEST
from scheduler.web.place import place_of
from scheduler.web.rights import admin

# A password is never sent twice under one key: its request is not kept, not even as a fingerprint.
router = APIRouter(tags=["accounts"])
once = APIRouter(tags=["accounts"], route_class=OnceRoute)
Role = Literal["viewer", "operator", "admin"]
Password = Annotated[SecretStr, Field(min_length=10, max_length=500)]
SHOWN = ("id", "name", "role", "language", "created_at", "last_login_at", "disabled_at")


class NewUser(Body):
    """A person who may log in to the dashboard."""

    name: Annotated[str, Field(min_length=1, max_length=100)] = Field(examples=["sunwoo"])
    role: Role
    password: Password


class UserChange(Body):
    """What is to change of a person; their sessions end with a new role or password.

    With a new password the tokens that the person made end too, unless ``keep_tokens`` is true.
    """

    role: Role | None = None
    password: Password | None = None
    keep_tokens: bool = False
    disabled: bool | None = None

    @model_validator(mode="after")
    def _changes_something(self) -> UserChange:
        if self.role is None and self.password is None and self.disabled is None:
            raise ValueError("one of role, password, disabled")
        return self


@router.get("/api/v1/users", dependencies=[admin])
def list_users(request: Request) -> Answer:
    """List the people, with how many of their sessions live."""
    with place_of(request).reading() as connection:
        return Answer({"items": web_accounts.users(connection, IDLE, LONGEST)})


@router.post("/api/v1/users", dependencies=[admin], status_code=201)
def add_user(request: Request, wanted: NewUser) -> Answer:
    """Add a person."""
    with place_of(request).changing(request) as connection:
        user = account_deeds.add_user(connection, request, wanted.name, wanted.role, wanted.password.get_secret_value())
    return Answer(_shown(user), 201, {"Location": f"/api/v1/users/{user['id']}"})


@router.get("/api/v1/users/{user_id}", dependencies=[admin])
def get_user(request: Request, user_id: Id) -> Answer:
    """Return one person."""
    with place_of(request).reading() as connection:
        return Answer(_shown(web_accounts.find_user(connection, user_id)))


@router.patch("/api/v1/users/{user_id}", dependencies=[admin])
def change_user(request: Request, user_id: Id, wanted: UserChange) -> Answer:
    """Change the role or the password of a person, or shut them out. The last administrator stays one."""
    with place_of(request).changing(request) as connection:
        if wanted.role is not None:
            account_deeds.set_role(connection, request, user_id, wanted.role)
        if wanted.password is not None:
            account_deeds.set_password(connection, request, user_id, wanted.password.get_secret_value(),
                                       keep_tokens=wanted.keep_tokens)
        if wanted.disabled is not None:
            (account_deeds.disable if wanted.disabled else account_deeds.enable)(connection, request, user_id)
        return Answer(_shown(web_accounts.find_user(connection, user_id)))


@router.delete("/api/v1/users/{user_id}", dependencies=[admin], status_code=204)
def disable_user(request: Request, user_id: Id) -> None:
    """Shut a person out; their sessions and tokens end. What they did stays under their name."""
    with place_of(request).changing(request) as connection:
        account_deeds.disable(connection, request, user_id)


class NewToken(Body):
    """A token with which a program asks."""

    name: Annotated[str, Field(min_length=1, max_length=100)] = Field(examples=["grafana"])
    role: Role
    expires: Short | None = Field(default=None, description="없으면 끝없음 / Without it, never", examples=["90d"])


@router.get("/api/v1/tokens", dependencies=[admin])
def list_tokens(
    request: Request, every: Annotated[bool, Query(alias="all", description="거둔 것도 / Also those that were revoked")] = False
) -> Answer:
    """List the tokens by their beginnings; what they are is kept nowhere."""
    with place_of(request).reading() as connection:
        return Answer({"items": web_tokens.tokens(connection, every)})


@once.post("/api/v1/tokens", dependencies=[admin], status_code=201)
def make_token(request: Request, wanted: NewToken) -> Answer:
    """Make a token. ``token`` is shown this once."""
    keep_no_answer(request)
    life = None if wanted.expires is None else timedelta(seconds=seconds_of(wanted.expires, "expires"))
    with place_of(request).changing(request) as connection:
        token, made = account_deeds.make_token(connection, request, wanted.name, wanted.role, life)
    return Answer({"token": token, **made}, 201, {"Location": f"/api/v1/tokens/{made['id']}"})


@router.delete("/api/v1/tokens/{token_id}", dependencies=[admin], status_code=204)
def revoke_token(request: Request, token_id: Id) -> None:
    """End a token for good."""
    with place_of(request).changing(request) as connection:
        account_deeds.revoke_token(connection, request, token_id)


def _shown(user: dict[str, object]) -> dict[str, object]:
    return {name: user[name] for name in SHOWN}


router.include_router(once)
