"""Two programs declare a job of one name at the same instant: one makes it, and the other is judged by what is there then."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import psycopg
import pytest

from scheduler import Scheduler, every
from scheduler.client.declaring import declare
from scheduler.errors import Conflict
from scheduler.queries import programs
from scheduler.words import set_language
from tests.doors.conftest import a_job

MEETING_SECONDS = 1.0
MADE = "SELECT job_type, tags FROM schedule_jobs"
Words = dict[str, Any]
Row = tuple[Any, ...] | None


@pytest.fixture
def meeting(monkeypatch: pytest.MonkeyPatch) -> threading.Barrier:
    """Let both programs have looked before either writes, unless one makes the other wait for its turn."""
    met, write = threading.Barrier(2, timeout=MEETING_SECONDS), programs.declare

    def after_both_have_looked(connection: psycopg.Connection[Any], values: Words) -> int:
        with suppress(threading.BrokenBarrierError):
            met.wait()
        return write(connection, values)

    monkeypatch.setattr(programs, "declare", after_both_have_looked)
    return met


def at_once(database: str, *doors: Words) -> list[int | Conflict]:
    """Declare the job "orders" through every door at the same instant; each gives its id or its refusal."""
    begin = threading.Barrier(len(doors), timeout=30)

    def one(door: Words) -> int | Conflict:
        with Scheduler(database) as scheduler:
            scheduler.job("orders")  # opens its connection
            begin.wait()
            try:
                return declare(scheduler, "orders", door["type"], every("10m"), None, {"tags": door["tags"]}, tag=door["door"]).id
            except Conflict as refusal:
                return refusal

    with ThreadPoolExecutor(len(doors)) as pool:
        return list(pool.map(one, doors))


def test_one_of_two_doors_gets_a_new_name(
    database: str, connection: psycopg.Connection[Any], meeting: threading.Barrier
) -> None:
    set_language("en")
    doors = [{"type": f"type_of_{door}", "tags": [door], "door": door} for door in ("recipe", "service")]
    answers = at_once(database, *doors)

    (refused,) = [answer for answer in answers if isinstance(answer, Conflict)]
    (winner,) = [door for door, answer in zip(doors, answers, strict=True) if answer is not refused]
    assert "was not made through this door" in str(refused)
    assert connection.execute(MADE).fetchall() == [(winner["type"], winner["tags"])]


def test_two_copies_of_one_program_both_have_the_job(
    database: str, connection: psycopg.Connection[Any], meeting: threading.Barrier
) -> None:
    for door in (None, "service"):
        connection.execute("DELETE FROM schedule_jobs")
        meeting.reset()
        first, second = at_once(database, *[{"type": "noop", "tags": ["service"], "door": door}] * 2)

        assert isinstance(first, int) and first == second
        assert connection.execute(MADE).fetchall() == [("noop", ["service"])]


def test_a_door_does_not_take_over_what_an_operator_adds_at_the_same_instant(
    database: str, connection: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    write: Callable[..., Row] = programs.row

    def after_an_operator(asked: psycopg.Connection[Any], query: Any, values: Any) -> Any:
        found = write(asked, query, values)
        if query == programs.LOCK_NAMED and found is None:
            a_job(connection, "orders")
        return found

    monkeypatch.setattr(programs, "row", after_an_operator)
    (answer,) = at_once(database, {"type": "noop", "tags": ["service"], "door": "service"})

    assert isinstance(answer, Conflict)
    assert connection.execute(MADE).fetchall() == [("order_collection", [])]
