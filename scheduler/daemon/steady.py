"""A loop on a connection of its own that outlives PostgreSQL: reconnects, waiting longer each time, and goes on."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import psycopg

from scheduler.database.connection import connect_daemon, is_outage
from scheduler.log import event

LONGEST_WAIT = 5.0
STATEMENT_SECONDS = 20.0
PREPARE_AFTER = 3
GATHER_SECONDS = 0.002

Connection = psycopg.AsyncConnection[Any]
Answer = TypeVar("Answer")


async def limited(step: Awaitable[Answer]) -> Answer:
    """Await one step on the database, but not for ever: a stalled link must show itself as an outage."""
    async with asyncio.timeout(STATEMENT_SECONDS):  # wait_for would make a task for each statement
        return await step


async def waited(wake: asyncio.Event, seconds: float | None) -> None:
    """Wait until *wake* is set or the seconds are over (None: without end), and clear it."""
    try:
        async with asyncio.timeout(seconds):
            await wake.wait()
    except TimeoutError:
        pass
    wake.clear()


async def gathered(wake: asyncio.Event, enough: Callable[[], bool]) -> None:
    """Wait for two milliseconds, or less when there is *enough* after one of the wake-up calls."""
    try:
        async with asyncio.timeout(GATHER_SECONDS):
            while not enough():
                wake.clear()
                await wake.wait()
    except TimeoutError:
        pass


async def steadily(
    name: str,
    dsn: str,
    turn: Callable[[Connection], Awaitable[None]],
    stopped: asyncio.Event,
    direct: asyncio.Event,
    came_round: Callable[[str], None],
) -> None:
    """Call *turn* again and again with a live connection until *stopped* is set.

    direct      set once it is proven that no pooler stands between: from then on statements are prepared on the
                server, which saves half of its work when batches are small
    came_round  told the loop's name each time round, during an outage too: what the watchdog goes by
    An outage costs the connection and a wait; any other error is logged and costs a second, never the loop.
    """
    connection: Connection | None = None
    failures = 0
    try:
        while not stopped.is_set():
            came_round(name)
            try:
                if connection is None or connection.closed:
                    connection = await connect_daemon(dsn, name)
                    if failures:
                        event("INFO", "database.back", loop=name, after_failures=failures)
                    failures = 0
                connection.prepare_threshold = PREPARE_AFTER if direct.is_set() else None
                await turn(connection)
            except Exception as error:
                failures += 1
                await _log(name, error, failures)
                if _is_broken(error, connection):
                    await _closed(connection)
                    connection = None
                await _sleep(min(LONGEST_WAIT, 0.1 * 2 ** min(failures, 6)) * random.uniform(0.5, 1), stopped)
    finally:
        await _closed(connection)


def _is_broken(error: BaseException, connection: Connection | None) -> bool:
    return connection is None or connection.closed or is_outage(error) or connection.broken


async def _log(name: str, error: Exception, failures: int) -> None:
    text = f"{type(error).__name__}: {error}".strip().splitlines()[0]
    if is_outage(error):
        if failures in (1, 5) or failures % 20 == 0:
            event("WARNING", "database.away", loop=name, failures=failures, error=text)
    else:
        event("ERROR", "daemon.error", loop=name, error=text)
        if failures == 1:
            from loguru import logger

            logger.opt(exception=error).debug("traceback of loop {}", name)


async def _closed(connection: Connection | None) -> None:
    if connection is not None:
        try:
            await asyncio.wait_for(connection.close(), 2)
        except (TimeoutError, psycopg.Error):
            pass


async def _sleep(seconds: float, stopped: asyncio.Event) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stopped.wait()
    except TimeoutError:
        pass
