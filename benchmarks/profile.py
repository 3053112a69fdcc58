"""Where the time of an execution goes: functions of the daemon's process, statements of PostgreSQL.

Profiling slows what it looks at: the order of the lines is what counts, the rate is not a figure to quote.
"""

from __future__ import annotations

import io
import pstats
import tempfile
from pathlib import Path
from typing import Any

import psycopg

from benchmarks.figures import table
from benchmarks.load import add_jobs, await_end, connect, queue_all
from benchmarks.node import running
from benchmarks.server import Server
from benchmarks.sizes import Sizes
from benchmarks.usage import Cpu, read_cpu

LINES = 45
STATEMENTS = """
SELECT calls::text, rows::text, round((total_plan_time / %(count)s * 1000)::numeric, 1)::text,
       round((total_exec_time / %(count)s * 1000)::numeric, 1)::text,
       round((total_exec_time / calls)::numeric, 2)::text, left(regexp_replace(query, '\\s+', ' ', 'g'), 90)
  FROM pg_stat_statements
 WHERE calls > 0 AND dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
 ORDER BY total_plan_time + total_exec_time DESC
 LIMIT 12
"""


def profile(server: Server, sizes: Sizes, slots: int) -> str:
    """Return a report on *sizes.executions* executions: CPU of each part, statements, functions."""
    with server.database() as name, connect(server.dsn(name)) as connection, tempfile.TemporaryDirectory() as folder:
        add_jobs(connection, sizes.executions, "bench_noop")
        connection.execute("VACUUM ANALYZE schedule_jobs")
        plain = _cost(server, connection, name, sizes.executions, slots, None)
        connection.execute("SELECT pg_stat_statements_reset()")
        stats = Path(folder) / "daemon.prof"
        profiled = _cost(server, connection, name, sizes.executions, slots, stats)
        statements = [tuple(map(str, row)) for row in connection.execute(STATEMENTS, {"count": sizes.executions}).fetchall()]
        head = ("calls", "rows", "plan us/execution", "us/execution", "ms/call", "statement")
        return "\n\n".join((
            _parts("not profiled", plain, sizes.executions), _parts("profiled", profiled, sizes.executions),
            table([head, *statements]), _functions(stats),
        ))


def _cost(
    server: Server, connection: psycopg.Connection[Any], name: str, count: int, slots: int, stats: Path | None
) -> Cpu:
    with running(server.dsn(name), slots, stats) as node:
        assert server.pid is not None
        before = read_cpu(node.pid, server.pid)
        queue_all(connection)
        await_end(connection, 300)
        return read_cpu(node.pid, server.pid) - before


def _parts(title: str, cpu: Cpu, count: int) -> str:
    parts = ("daemon", "warden", "handlers", "postgres", "others")
    return f"CPU us/execution, {title}: " + ", ".join(f"{part} {getattr(cpu, part) / count * 1e6:.0f}" for part in parts)


def _functions(stats: Path) -> str:
    out = io.StringIO()
    pstats.Stats(str(stats), stream=out).strip_dirs().sort_stats("tottime").print_stats(LINES)
    return out.getvalue()
