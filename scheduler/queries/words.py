"""The language in which the database's own refusals speak."""

from __future__ import annotations

from typing import Any

import psycopg

SPEAK = "SELECT set_config('erp_scheduler.lang', %(language)s, true), set_config('lock_timeout', '10s', true)"


def speak(connection: psycopg.Connection[Any], language: str) -> None:
    """Choose the language of hints, and how long to wait for a row, until the transaction ends.

    No session state is left behind a pooler.
    """
    connection.execute(SPEAK, {"language": language})
