"""The end of tokens, whoever causes it: the line for the audit log, and the line for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scheduler.cli.accounts import note
from scheduler.cli.output import show
from scheduler.words import say

if TYPE_CHECKING:
    from psycopg import Connection

    from scheduler.queries.rows import Row


def note_revoked(connection: Connection[Any], token: Row) -> None:
    """Write down that a token has ended, in the transaction that ends it."""
    note(connection, "token.revoke", f"token:{token['id']}", token["name"])


def show_revoked(token: Row) -> None:
    """Say that a token has ended."""
    show(say(f"토큰 {token['name']}: 거두었습니다", f"token {token['name']}: revoked"))
