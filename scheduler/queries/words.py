"""The language in which the database's own refusals speak."""

from __future__ import annotations

from typing import Any

import psycopg

SPEAK = "SELECT set_config('erp_scheduler.lang', %(language)s, true)"


def speak(connection: psycopg.Connection[Any], language: str) -> None:
    """Choose the language of hints until the transaction ends: no session state is left behind a pooler."""
    connection.execute(SPEAK, {"language": language})
