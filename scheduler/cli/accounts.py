"""What the nouns ``user`` and ``token`` share: who asks, the audit line, passwords from a terminal or a pipe."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import typer

from scheduler.cli import exit_codes
from scheduler.cli.grammar import Stop
from scheduler.cli.output import at_terminal
from scheduler.cli.session import VIA, who
from scheduler.words import say

if TYPE_CHECKING:
    from psycopg import Connection

ROLE_WORDS = {"viewer": ("보기", "viewer"), "operator": ("운영", "operator"), "admin": ("관리", "admin")}


def role_word(role: str) -> str:
    """Say a role in the language of the command line."""
    return say(*ROLE_WORDS[role])


def note(connection: Connection[Any], action: str, object_: str, name: str, before: Any = None, after: Any = None) -> None:
    """Write the audit line of a command, in its transaction."""
    from scheduler.queries import audit

    asker = {"actor": who(), "role": None, "via": VIA, "token_id": None, "address": None, "trace_id": None}
    audit.note(connection, asker, action, object_, name, before, after)


def ask_password(name: str, from_stdin: bool) -> str:
    """Return a new password: the first line of stdin, or what is typed twice and not shown. Raises Stop, ParameterError."""
    from scheduler.web.passwords import check_password

    if from_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
        check_password(password, None, name)
        return password
    if not at_terminal():
        raise Stop(exit_codes.USAGE, say("비밀번호는 터미널에서 묻습니다", "a password is asked at a terminal")
                   + "\nprintf '%s\\n' \"$PASSWORD\" | erp-scheduler user … --password-stdin")
    password = typer.prompt(say("비밀번호", "password"), hide_input=True, err=True)
    again = typer.prompt(say("한 번 더", "again"), hide_input=True, err=True)
    check_password(password, again, name)
    return str(password)
