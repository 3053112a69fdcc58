"""What a daemon costs while it has nothing to do, and how much memory it keeps."""

from __future__ import annotations

import statistics
import time
from typing import Any

import psycopg

from benchmarks.figures import Figure, Goal, figure
from benchmarks.load import add_due_jobs, add_jobs, await_end, connect, queue_all
from benchmarks.node import running
from benchmarks.server import EMPTY, Server
from benchmarks.sizes import Sizes
from benchmarks.usage import children_of, memory, read_cpu, warden_of

A_LONG_TIME = 7200.0
LIMIT_SECONDS = 300.0

# Read from another database: our own reading is not among the transactions counted.
COMMITTED = "SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = %s"


def measure_idle(server: Server, sizes: Sizes) -> list[Figure]:
    """Watch a daemon wait for jobs that are hours away."""
    with server.database() as name:
        with connect(server.dsn(name)) as connection:
            add_due_jobs(connection, sizes.future_jobs, A_LONG_TIME, 0.1)
            connection.execute("VACUUM ANALYZE")
        return idle_cost(server, name, sizes, f"{sizes.future_jobs:,} future jobs")


def idle_cost(server: Server, database: str, sizes: Sizes, what: str) -> list[Figure]:
    """Return what a daemon on *database* uses a minute while nothing is due."""
    service, postgres, transactions = [], [], []
    with running(server.dsn(database), sizes.slots[0]) as node, server.admin() as admin:
        assert server.pid is not None
        time.sleep(sizes.settle_seconds)
        for _ in range(max(sizes.rounds, 1)):
            before, committed, began = read_cpu(node.pid, server.pid), _committed(admin, database), time.monotonic()
            time.sleep(sizes.idle_seconds)
            cpu, seconds = read_cpu(node.pid, server.pid) - before, time.monotonic() - began
            service.append((cpu.daemon + cpu.warden + cpu.handlers) / seconds * 60)
            postgres.append(cpu.postgres / seconds * 60)
            transactions.append((_committed(admin, database) - committed) / seconds)
    note = f"{what}, windows of {sizes.idle_seconds:g} s"
    return [
        figure("idle, daemon + warden", "CPU s/min", service, Goal(1), note),
        figure("idle, PostgreSQL", "CPU s/min", postgres, note=note),
        figure("idle, transactions", "/s", transactions, Goal(2), note),
    ]


def _committed(admin: psycopg.Connection[Any], database: str) -> int:
    row = admin.execute(COMMITTED, (database,)).fetchone()
    assert row is not None
    return int(row[0])


def measure_memory(server: Server, sizes: Sizes) -> list[Figure]:
    """Weigh the processes after they have worked for a while."""
    with server.database() as name, connect(server.dsn(name)) as connection:
        add_jobs(connection, sizes.memory_executions, "bench_noop")
        with running(server.dsn(name), sizes.slots[0]) as node:
            queue_all(connection)
            await_end(connection, LIMIT_SECONDS)
            warden = warden_of(node.pid)
            daemon_rss, daemon_pss = memory(node.pid)
            warden_rss, warden_pss = memory(warden)
            children = [memory(child)[1] for child in children_of(warden)]
    note = f"after {sizes.memory_executions:,} executions, {sizes.slots[0]} slots"
    return [
        figure("memory, daemon + warden RSS", "MiB", [daemon_rss + warden_rss], Goal(150), note),
        figure("  daemon RSS", "MiB", [daemon_rss]),
        figure("  warden RSS", "MiB", [warden_rss]),
        figure("  daemon + warden PSS", "MiB", [daemon_pss + warden_pss]),
        figure("  a handler process PSS", "MiB", children, note=f"{len(children)} processes"),
        figure("  all together PSS", "MiB", [daemon_pss + warden_pss + sum(children)]),
    ]


def measure_growth(server: Server, sizes: Sizes) -> list[Figure]:
    """Compare throughput and idle cost of empty tables with those that hold years of history and of future."""
    from benchmarks.throughput import drive

    grown = server.create(EMPTY)
    with connect(server.dsn(grown)) as connection:
        _grow(connection, sizes.grown_rows)
    empty, full = [], []
    for _ in range(sizes.rounds):
        empty.append(drive(server, sizes.executions, sizes.slots[0]).per_second)
        full.append(drive(server, sizes.executions, sizes.slots[0], template=grown).per_second)
    what = f"{sizes.grown_rows:,} finished + {sizes.grown_rows:,} future"
    ratios = [rate / statistics.median(empty) for rate in full]
    idle = idle_cost(server, grown, sizes, what)
    server.drop(grown)
    return [
        figure(f"growth, throughput empty, {sizes.slots[0]} slots", "/s", empty),
        figure(f"growth, throughput grown, {sizes.slots[0]} slots", "/s", full, note=what),
        figure("  grown to empty", "x", ratios, Goal(0.7, at_least=True)),
        *(Figure(f"growth, {each.name}", each.unit, each.samples, each.goal, each.note, each.load) for each in idle),
    ]


def _grow(connection: psycopg.Connection[Any], rows: int) -> None:
    from benchmarks.load import add_history

    add_due_jobs(connection, rows, A_LONG_TIME, 0.1)
    add_history(connection, rows)
    connection.execute("VACUUM ANALYZE")
