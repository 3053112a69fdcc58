"""How soon handlers start: after an INSERT, at a planned time, and when a thousand are due at once."""

from __future__ import annotations

import random
import time
from typing import Any

import psycopg

from benchmarks.figures import Figure, Goal, figure, percentile
from benchmarks.load import add_due_jobs, add_jobs, await_end, connect
from benchmarks.node import running
from benchmarks.server import Server
from benchmarks.sizes import Sizes

LEAD_SECONDS = 2.0
LIMIT_SECONDS = 60.0
LOOK_SECONDS = 0.01

STARTED = "SELECT (result ->> 'monotonic')::float8 FROM job_executions WHERE id = %s AND finished_at IS NOT NULL"
LATENESS = """
SELECT ((result ->> 'wall')::float8 - extract(epoch FROM scheduled_for)::float8) * 1000
  FROM job_executions
 WHERE status = 'success' AND trigger = 'schedule'
"""
WAITING = "SELECT count(*) FROM schedule_jobs WHERE next_run_at < now() + interval '30 minutes'"


def measure_pick_up(server: Server, sizes: Sizes) -> list[Figure]:
    """Insert one row at a time, as a person would, and see when its handler begins."""
    with server.database() as name, connect(server.dsn(name), "bench") as connection:
        add_jobs(connection, 1, "bench_stamp")
        row = connection.execute("SELECT id FROM schedule_jobs").fetchone()
        with running(server.dsn(name), sizes.slots[0]):
            _picked_up(connection, row)  # the first one forks its process
            waits = [_picked_up(connection, row) for _ in range(sizes.pick_ups)]
    return _spread_of("pick-up", waits, {0.5: Goal(6), 0.99: None}, f"{sizes.pick_ups} INSERTs, one after the other")


def _picked_up(connection: psycopg.Connection[Any], job: Any) -> float:
    """Return the milliseconds from before the INSERT to the handler's first line."""
    time.sleep(random.uniform(0.02, 0.08))  # people do not type in step with the daemon's loop
    began = time.clock_gettime(time.CLOCK_MONOTONIC)
    row = connection.execute("INSERT INTO job_executions (job_id) VALUES (%s) RETURNING id", job).fetchone()
    until = time.monotonic() + LIMIT_SECONDS
    while time.monotonic() < until:
        time.sleep(LOOK_SECONDS)
        started = connection.execute(STARTED, row).fetchone()
        if started is not None:
            return float(started[0] - began) * 1000
    raise TimeoutError(f"execution {row} did not end within {LIMIT_SECONDS:g} s")


def measure_spread(server: Server, sizes: Sizes) -> list[Figure]:
    """Let jobs become due one after the other, and see how late each starts."""
    step = sizes.spread_seconds / sizes.spread_jobs
    starts = [_late(server, sizes.slots[0], sizes.spread_jobs, step) for _ in range(sizes.rounds)]
    note = f"{sizes.spread_jobs} jobs over {sizes.spread_seconds:g} s, {sizes.slots[0]} slots"
    goals = {0.5: None, 0.95: None, 0.99: Goal(30)}
    return _merged([_spread_of("spread, late by", start, goals, note) for start in starts])


def measure_burst(server: Server, sizes: Sizes) -> list[Figure]:
    """Let many jobs become due at one instant, and see how late the last one starts."""
    figures = []
    for slots in sizes.slots:
        starts = [_late(server, slots, sizes.burst_jobs, 0.0) for _ in range(max(sizes.rounds, 2))]
        note = f"{sizes.burst_jobs} jobs due at one instant"
        figures += _merged([_spread_of(f"burst, {slots} slots, late by", start, {0.5: None}, note) for start in starts])
    return figures


def _late(server: Server, slots: int, count: int, step: float) -> list[float]:
    """Return how many milliseconds after its planned time each handler began."""
    with server.database() as name, connect(server.dsn(name)) as connection:
        with running(server.dsn(name), slots):
            add_due_jobs(connection, count, LEAD_SECONDS, step)
            connection.execute("VACUUM ANALYZE schedule_jobs")
            await_planned(connection, LEAD_SECONDS + count * step + LIMIT_SECONDS)
            await_end(connection, LIMIT_SECONDS)
        late = [float(row[0]) for row in connection.execute(LATENESS).fetchall()]
    if len(late) != count:
        raise RuntimeError(f"{count} jobs were due, {len(late)} succeeded")
    return late


def await_planned(connection: psycopg.Connection[Any], limit: float) -> None:
    """Wait until every job that is due soon has been planned."""
    until = time.monotonic() + limit
    while connection.execute(WAITING).fetchone() != (0,):
        if time.monotonic() > until:
            raise TimeoutError(f"jobs were not planned within {limit:g} s")
        time.sleep(0.2)


def _spread_of(name: str, values: list[float], goals: dict[float, Goal | None], note: str) -> list[Figure]:
    parts = [figure(f"{name} p{share * 100:g}", "ms", [percentile(values, share)], goal) for share, goal in goals.items()]
    return [*parts, figure(f"{name} max", "ms", [max(values)], note=note)]


def _merged(starts: list[list[Figure]]) -> list[Figure]:
    """Make one figure of the same figure of several starts."""
    return [
        Figure(same[0].name, same[0].unit, tuple(each.samples[0] for each in same), same[0].goal, same[0].note, same[-1].load)
        for same in zip(*starts, strict=True)
    ]
