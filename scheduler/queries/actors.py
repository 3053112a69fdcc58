"""Who changes something: what the revisions of jobs write down."""

from __future__ import annotations

from typing import Any

import psycopg

NAME_ACTOR = "SELECT set_config('erp_scheduler.actor', %(actor)s, true), set_config('erp_scheduler.via', %(via)s, true)"


def name_actor(connection: psycopg.Connection[Any], actor: str, via: str) -> None:
    """Say until the transaction ends who asks and through which door (cli, python, rest, web).

    Nothing of it stays with the session: behind a pooler it would be taken for the next one's.
    """
    connection.execute(NAME_ACTOR, {"actor": actor, "via": via})
