"""`erp-scheduler user`: who may log in to the dashboard."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from scheduler.cli.accounts import ask_password, note, role_word
from scheduler.cli.grammar import both, chosen, command, noun
from scheduler.cli.job_edits import confirm
from scheduler.cli.listing import print_list, read_with_now
from scheduler.cli.output import print_json, relative, show
from scheduler.cli.revoked import note_revoked, show_revoked
from scheduler.cli.session import change, database
from scheduler.words import say

if TYPE_CHECKING:
    from scheduler.queries.rows import Row

app = noun("user", "웹 화면의 사용자를 관리합니다", "Manage who may log in to the dashboard")
Name = Annotated[str, typer.Argument(metavar="NAME", help=both("로그인 이름", "Login name"))]
Role = Annotated[str, typer.Option("--role", metavar="viewer|operator|admin", help=both("권한", "Role"))]
Stdin = Annotated[bool, typer.Option("--password-stdin", help=both(
    "비밀번호를 표준 입력에서 읽음", "Read the password from stdin"))]
Yes = Annotated[bool, typer.Option("--yes", "-y", help=both("묻지 않음", "Do not ask"))]


@command(app, "create", "사용자를 만듭니다", "Add a user")
def create(name: Name, role: Role = "viewer", password_stdin: Stdin = False) -> None:
    """Add a person; the password is asked twice."""
    from scheduler.queries import web_accounts
    from scheduler.web.passwords import hash_password

    name, role = web_accounts.check_name(name), web_accounts.check_role(role)
    password = ask_password(name, password_stdin)
    with database() as connection, change(connection):
        user = web_accounts.add_user(connection, name, role, hash_password(password))
        note(connection, "user.create", f"user:{user['id']}", user["name"], after={"role": role})
    _tell(user, say(f"{name}: 만들었습니다 ({role_word(role)})", f"{name}: made ({role_word(role)})"))


@command(app, "list", "사용자 목록", "List the users")
def list_() -> None:
    """List the users."""
    from scheduler.queries import web_accounts
    from scheduler.web.people import IDLE, LONGEST

    found, now = read_with_now(lambda connection: web_accounts.users(connection, IDLE, LONGEST))
    print_list(found, [
        (say("이름", "NAME"), lambda row: row["name"]),
        (say("권한", "ROLE"), lambda row: role_word(row["role"])),
        (say("상태", "STATE"), lambda row: say("막음", "disabled") if row["disabled_at"] else say("쓰는 중", "active")),
        (say("마지막 로그인", "LAST LOGIN"), lambda row: relative(row["last_login_at"], now)),
        (say("세션", "SESSIONS"), lambda row: row["sessions"]),
    ], empty=say("사용자가 없습니다. 만들기: erp-scheduler user create NAME --role admin",
                 "no users; to make one: erp-scheduler user create NAME --role admin"))


@command(app, "role", "권한을 바꿉니다 (세션은 끝남)", "Change the role (ends the sessions)")
def role_(name: Name, role: Annotated[str, typer.Argument(metavar="viewer|operator|admin", help=both("권한", "Role"))]) -> None:
    """Give a person another role."""
    from scheduler.queries import web_accounts

    with database() as connection, change(connection):
        former = web_accounts.find_user(connection, name)
        user = web_accounts.set_role(connection, former["id"], role)
        note(connection, "user.role", f"user:{user['id']}", user["name"], {"role": former["role"]}, {"role": role})
        ended = _revoke_of(connection, user, role)
    _tell(user, say(f"{user['name']}: 이제 {role_word(role)}", f"{user['name']}: {role_word(role)} now"), ended)


@command(app, "disable", "로그인을 막습니다", "Let a user in no longer")
def disable(name: Name, yes: Yes = False) -> None:
    """Let a person in no longer; sessions and tokens of theirs end."""
    from scheduler.queries import web_accounts

    with database() as connection:
        former = web_accounts.find_user(connection, name)
        confirm(say(f"{former['name']}: 세션과 이 사람이 만든 토큰이 끝납니다. 막을까요?",
                    f"{former['name']}: sessions and the tokens they made end. Disable?"), yes)
        with change(connection):
            user = web_accounts.disable(connection, former["id"])
            note(connection, "user.disable", f"user:{user['id']}", user["name"])
            ended = _revoke_of(connection, user, None)
    _tell(user, say(f"{user['name']}: 막았습니다", f"{user['name']}: disabled"), ended)


@command(app, "enable", "다시 로그인할 수 있게 합니다", "Let a user in again")
def enable(name: Name) -> None:
    """Let a person in again."""
    from scheduler.queries import web_accounts

    with database() as connection, change(connection):
        user = web_accounts.enable(connection, web_accounts.find_user(connection, name)["id"])
        note(connection, "user.enable", f"user:{user['id']}", user["name"])
    _tell(user, say(f"{user['name']}: 다시 쓸 수 있습니다", f"{user['name']}: enabled"))


@command(app, "password", "비밀번호를 새로 정합니다 (세션과 토큰은 끝남)",
         "Set a new password (ends the sessions and tokens)")
def password(
    name: Name, password_stdin: Stdin = False,
    keep_tokens: Annotated[bool, typer.Option("--keep-tokens", help=both(
        "이 사람이 만든 토큰은 그대로 둠", "Leave the tokens they made as they are"))] = False,
) -> None:
    """Give a person another password; the tokens they made end with it."""
    from scheduler.queries import web_accounts
    from scheduler.web.passwords import hash_password

    with database() as connection:
        user = web_accounts.find_user(connection, name)
        new = hash_password(ask_password(user["name"], password_stdin))
        with change(connection):
            user = web_accounts.set_password(connection, user["id"], new)
            note(connection, "user.password", f"user:{user['id']}", user["name"])
            ended = [] if keep_tokens else _revoke_of(connection, user, None)
    _tell(user, say(f"{user['name']}: 비밀번호를 바꾸었습니다", f"{user['name']}: the password is changed"), ended)


@command(app, "sessions", "로그인한 곳을 보고 끝냅니다", "See where a user is logged in, and end it")
def sessions(
    name: Name, end: Annotated[bool, typer.Option("--end", help=both("모두 끝냄", "End them all"))] = False
) -> None:
    """List the sessions of a person, or end them."""
    from scheduler.queries import web_accounts
    from scheduler.queries.jobs import database_now
    from scheduler.web.people import IDLE, LONGEST

    with database() as connection, change(connection):
        user = web_accounts.find_user(connection, name)
        found = [{key: each[key] for key in ("address", "agent", "created_at", "seen_at")}
                 for each in web_accounts.sessions(connection, user["id"], IDLE, LONGEST)]
        now = database_now(connection)
        if end:
            ended = web_accounts.close_all(connection, user["id"])
            note(connection, "user.sessions", f"user:{user['id']}", user["name"], after={"ended": ended})
    print_list(found, [
        (say("주소", "ADDRESS"), lambda row: row["address"]),
        (say("브라우저", "BROWSER"), lambda row: row["agent"]),
        (say("로그인", "LOGGED IN"), lambda row: relative(row["created_at"], now)),
        (say("마지막 요청", "LAST REQUEST"), lambda row: relative(row["seen_at"], now)),
    ], empty=say("세션이 없습니다", "no sessions"))
    if end and not chosen().json:
        show(say(f"{user['name']}: 세션을 끝냈습니다", f"{user['name']}: sessions ended"))


def _revoke_of(connection: Any, user: Row, role: str | None) -> list[Row]:
    """End the tokens of a person that may do more than *role*, all without one, and return them."""
    from scheduler.queries import web_tokens

    ended = web_tokens.revoke_tokens_of(connection, user["name"], role)
    for token in ended:
        note_revoked(connection, token)
    return ended


def _tell(user: Row, words: str, ended: list[Row] | None = None) -> None:
    if chosen().json:
        print_json(user)
        return
    show(words)
    for token in ended or ():
        show_revoked(token)
