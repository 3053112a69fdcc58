"""`erp-scheduler token`: with what programs call the REST API."""

from __future__ import annotations

from typing import Annotated

import typer

from scheduler.cli.accounts import note, role_word
from scheduler.cli.grammar import both, chosen, command, noun
from scheduler.cli.job_edits import confirm
from scheduler.cli.listing import print_list, read_with_now
from scheduler.cli.output import hint, print_json, relative, show
from scheduler.cli.revoked import note_revoked, show_revoked
from scheduler.cli.session import VIA, change, database, who
from scheduler.words import say

app = noun("token", "REST API의 토큰을 관리합니다", "Manage the tokens of the REST API")


@command(app, "create", "토큰을 만들어 한 번 보여줍니다", "Make a token and show it once")
def create(
    name: Annotated[str, typer.Option("--name", help=both("이름 (무엇이 쓰는지)", "Name (what uses it)"))],
    role: Annotated[str, typer.Option("--role", metavar="viewer|operator|admin", help=both("권한", "Role"))] = "viewer",
    expires: Annotated[str | None, typer.Option("--expires", metavar="90d", help=both(
        "기한 (없으면 끝없음)", "How long it is good (default: for ever)"))] = None,
) -> None:
    """Make a token; it cannot be seen again."""
    from datetime import timedelta

    from scheduler.cli.schedule_flags import seconds
    from scheduler.queries import web_tokens

    life = None if expires is None else timedelta(seconds=seconds(expires))
    with database() as connection, change(connection):
        token, made = web_tokens.make_token(connection, name, role, life, f"{who()} ({VIA})")
        note(connection, "token.create", f"token:{made['id']}", made["name"], after={"role": role, "expires": expires})
    if chosen().json:
        print_json({"token": token, **made})
        return
    show(token)
    hint(say("다시는 볼 수 없습니다. 지금 옮겨 두세요", "it cannot be seen again; put it away now"))


@command(app, "list", "토큰 목록", "List the tokens")
def list_(
    every: Annotated[bool, typer.Option("--all", help=both("거둔 것도", "Revoked ones, too"))] = False,
) -> None:
    """List the tokens; never what they are."""
    from scheduler.queries import web_tokens

    found, now = read_with_now(lambda connection: web_tokens.tokens(connection, every))
    print_list(found, [
        ("ID", lambda row: row["id"]),
        (say("이름", "NAME"), lambda row: row["name"]),
        (say("권한", "ROLE"), lambda row: role_word(row["role"])),
        (say("앞부분", "BEGINS"), lambda row: f"{row['prefix']}…"),
        (say("만든 사람", "MADE BY"), lambda row: row["made_by"]),
        (say("기한", "UNTIL"), lambda row: relative(row["expires_at"], now)),
        (say("마지막 사용", "LAST USED"), lambda row: relative(row["last_used_at"], now)),
        ("", lambda row: "" if row["good"] else say("거둠", "revoked") if row["revoked_at"] else say("기한 지남", "expired")),
    ], empty=say("토큰이 없습니다. 만들기: erp-scheduler token create --name N --role viewer",
                 "no tokens; to make one: erp-scheduler token create --name N --role viewer"))


@command(app, "revoke", "토큰을 거둡니다", "Revoke a token")
def revoke(
    token: Annotated[str, typer.Argument(metavar="TOKEN", help=both("토큰 번호 또는 이름", "Token, by id or name"))],
    yes: Annotated[bool, typer.Option("--yes", "-y", help=both("묻지 않음", "Do not ask"))] = False,
) -> None:
    """End a token for good."""
    from scheduler.queries import web_tokens

    which = int(token) if token.isascii() and token.isdigit() and len(token) <= 18 else token
    with database() as connection:
        found = web_tokens.find_token(connection, which)
        confirm(say(f"{found['name']}: 이 토큰을 쓰는 프로그램은 더 부를 수 없습니다. 거둘까요?",
                    f"{found['name']}: programs that use it can call no longer. Revoke it?"), yes)
        with change(connection):
            ended = web_tokens.revoke_token(connection, found["id"])
            note_revoked(connection, ended)
    if chosen().json:
        print_json(ended)
        return
    show_revoked(ended)
