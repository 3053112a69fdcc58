"""An edit through any door is a revision that says who and how, and restoring takes it back."""

from __future__ import annotations

import getpass
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from scheduler import Scheduler, every
from tests.doors.conftest import Cli, a_job

EDITED = """
SELECT name, job_type, status, interval::text, specific_times, parameters, days_of_week, priority, description, tags
  FROM schedule_jobs WHERE id = %s
"""
LATEST = "SELECT via, actor, action, changed FROM job_revisions WHERE job_id = %s ORDER BY revision DESC LIMIT 1"


@contextmanager
def somebody(database: str) -> Iterator[psycopg.Connection[Any]]:
    """Open the session of a person at psql."""
    with psycopg.connect(database, autocommit=True, application_name="psql") as connection:
        yield connection


def by_sql(database: str, cli: Cli, job: int) -> None:
    with somebody(database) as connection:
        connection.execute(
            "UPDATE schedule_jobs SET interval = '2 hours', days_of_week = 'mon-fri', priority = 7 WHERE id = %s", (job,))


def by_command(database: str, cli: Cli, job: int) -> None:
    cli("jobs", "edit", job, "--every", "2h", "--on", "mon-fri", "--priority", "7")


def by_python(database: str, cli: Cli, job: int) -> None:
    with Scheduler(database) as scheduler:
        scheduler.schedule("주문 수집", "order_collection", every("2h", days="mon-fri"), priority=7, markets=["coupang"])


@pytest.mark.parametrize(("edit", "via"), [(by_sql, "sql"), (by_command, "cli"), (by_python, "python")])
def test_each_door_is_told_apart_and_taken_back(
    database: str, cli: Cli, connection: psycopg.Connection[Any], edit: Callable[[str, Cli, int], None], via: str
) -> None:
    job = a_job(connection, description="매 30분", tags=["a"], market_codes=["coupang"])
    before = connection.execute(EDITED, (job,)).fetchone()

    edit(database, cli, job)
    after = connection.execute(EDITED, (job,)).fetchone()
    assert after != before
    latest = connection.execute(LATEST, (job,)).fetchone()
    assert latest is not None
    user = connection.execute("SELECT session_user").fetchone()
    assert user is not None
    assert latest[0] == via and latest[1] == (user[0] if via == "sql" else getpass.getuser())
    assert latest[2] == "update" and {"interval", "days_of_week", "priority"} <= set(latest[3])

    cli("jobs", "restore", job)
    assert connection.execute(EDITED, (job,)).fetchone() == before
    connection.execute("SELECT schedule_restore(%s::bigint)", (job,))
    assert connection.execute(EDITED, (job,)).fetchone() == after, "taking back is an edit, and can be taken back"
