"""Executions per second with the jobs already due, interleaved with the bare SQL of the same protocol."""

from __future__ import annotations

import statistics
from collections import defaultdict
from dataclasses import dataclass

from benchmarks import bare
from benchmarks.figures import Figure, Goal, figure
from benchmarks.load import add_jobs, await_end, connect, queue_all
from benchmarks.node import running
from benchmarks.server import EMPTY, Server
from benchmarks.sizes import Sizes
from benchmarks.usage import Cpu, read_cpu

LIMIT_SECONDS = 300.0

RATE = """
SELECT count(*) / extract(epoch FROM max(finished_at) - min(started_at))::float8, count(*)
  FROM job_executions
 WHERE status = 'success' AND node = 'bench' AND job_type = %(job_type)s AND trigger = 'manual'
"""


@dataclass(frozen=True, slots=True)
class Throughput:
    """What one start of a daemon did.

    cpu  CPU seconds it cost, from before the rows came until all had ended
    """

    per_second: float
    count: int
    cpu: Cpu


def drive(server: Server, count: int, slots: int, job_type: str = "bench_noop", template: str = EMPTY) -> Throughput:
    """Let a fresh daemon do *count* executions that are due all at once."""
    with server.database(template) as name, connect(server.dsn(name)) as connection:
        add_jobs(connection, count, job_type)
        connection.execute("VACUUM ANALYZE schedule_jobs")
        with running(server.dsn(name), slots) as node:
            assert server.pid is not None
            before = read_cpu(node.pid, server.pid)
            queue_all(connection)
            await_end(connection, LIMIT_SECONDS)
            cpu = read_cpu(node.pid, server.pid) - before
        row = connection.execute(RATE, {"job_type": job_type}).fetchone()
        if row is None or row[1] != count:
            raise RuntimeError(f"{count} executions were queued, {row and row[1]} succeeded")
        return Throughput(float(row[0]), count, cpu)


def limit(server: Server, count: int, plain: bool) -> float:
    """Let one connection push *count* rows through the same tables, without any handler. Returns rows per second."""
    with server.database() as name, connect(server.dsn(name)) as connection:
        add_jobs(connection, count, "bench_noop")
        connection.execute("VACUUM ANALYZE schedule_jobs")
        queue_all(connection)
        return bare.plain_statements(connection) if plain else bare.own_statements(server.dsn(name))


def measure(server: Server, sizes: Sizes) -> list[Figure]:
    """Interleave: limits, few slots, limits, many slots, async, limits; as often as the size says."""
    own, plain, drives = [], [], defaultdict(list)
    few, many = sizes.slots
    for _ in range(sizes.rounds):
        for slots, job_type in ((few, "bench_noop"), (many, "bench_noop"), (many, "bench_anoop"), (0, "")):
            own.append(limit(server, sizes.executions, plain=False))
            plain.append(limit(server, sizes.executions, plain=True))
            if slots:
                drives[slots, job_type].append(drive(server, sizes.executions, slots, job_type))
    return [
        figure("bare SQL, our statements", "/s", own, note=f"claim and record in a loop, batch {bare.BATCH}, 1 connection"),
        figure("bare SQL, plainest", "/s", plain, note=f"lock + running, then ended; batch {bare.BATCH}, 1 connection"),
        *_shown(drives[few, "bench_noop"], f"{few} slots, def", own, plain, goal=Goal(2500, at_least=True)),
        *_shown(drives[many, "bench_noop"], f"{many} slots, def", own, plain, share=Goal(0.2, at_least=True)),
        *_shown(drives[many, "bench_anoop"], f"{many} slots, async def", own, plain),
    ]


def _shown(
    done: list[Throughput], what: str, own: list[float], plain: list[float], goal: Goal | None = None,
    share: Goal | None = None,
) -> list[Figure]:
    rates = [each.per_second for each in done]
    over_own = [rate / statistics.median(own) for rate in rates]
    over_plain = [rate / statistics.median(plain) for rate in rates]
    return [
        figure(f"throughput, {what}", "/s", rates, goal),
        figure("  to bare SQL, our statements", "x", over_own, share),
        figure("  to bare SQL, plainest", "x", over_plain),
        *(_cost(part, done) for part in ("daemon", "warden", "handlers", "postgres", "others")),
    ]


def _cost(part: str, done: list[Throughput]) -> Figure:
    samples = [getattr(each.cpu, part) / each.count * 1e6 for each in done]
    note = "rest of the machine, this program included" if part == "others" else ""
    return figure(f"  CPU per execution, {part}", "us", samples, note=note)
