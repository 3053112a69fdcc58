"""The asynchronous door under load: whoever waits holds no thread, and ends when it is told to."""

from __future__ import annotations

import asyncio
import threading
import time

import psycopg
import pytest

from scheduler import AsyncScheduler
from scheduler.client.aio import THREADS
from scheduler.errors import ParameterError
from scheduler.words import set_language

MANY = 40


def test_waits_starve_nobody_and_end_at_once(database: str) -> None:
    async def many() -> float:
        async with AsyncScheduler(database) as s:
            job = await s.schedule("j", "t")
            run, never = await job.run(), await s.schedule("never", "t")
            waits = [asyncio.create_task(each.wait()) for each in [run] * MANY + [never] * MANY]
            await asyncio.sleep(0.5)
            assert (await asyncio.wait_for(s.status(), 5)).jobs["total"] == 2
            began = time.monotonic()
            for each in waits:
                each.cancel()
            assert all(isinstance(each, asyncio.CancelledError) for each in await asyncio.gather(*waits, return_exceptions=True))
            ended = time.monotonic() - began
            threads = [each.name for each in threading.enumerate() if each.name.startswith("erp-scheduler_")]
            assert len(threads) <= THREADS
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(run.wait(), 0.2)
        return ended

    began = time.monotonic()
    assert asyncio.run(many()) < 1
    assert time.monotonic() - began < 15


async def test_a_wait_returns_the_end(database: str, connection: psycopg.Connection[object]) -> None:
    set_language("en")
    async with AsyncScheduler(database) as s:
        job = await s.schedule("j", "t")
        waits = asyncio.gather(job.wait("20s"), asyncio.sleep(0.3))
        run = await job.run()
        await run.cancel()
        ended, _ = await waits
        assert (ended.id, ended.status) == (run.id, "cancelled")
        with pytest.raises(TimeoutError, match="has not been run yet"):
            await (await s.schedule("never", "t")).wait(0.1)
        with pytest.raises(ParameterError, match="timeout"):
            await run.wait("x")


async def test_jobs_says_what_to_use_instead(database: str) -> None:
    async with AsyncScheduler(database) as s:
        with pytest.raises(AttributeError, match=r"jobs: await list_jobs\(\) or job\(name\)"):
            s.jobs  # noqa: B018
    assert await s.list_jobs() == [], "a door that was closed opens again, as the other one does"
    await s.close()
