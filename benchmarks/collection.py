"""Rows collected per second, without the network, against the bare COPY and upsert of the same rows."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from benchmarks.copying import TABLES, copy_all
from benchmarks.figures import Figure, Goal, figure
from benchmarks.load import connect
from benchmarks.server import Server
from benchmarks.sizes import Sizes

LIMIT_SECONDS = 900
SMALL_SHARE = 10


def collect(dsn: str, what: str, count: int) -> dict[str, Any]:
    """Collect in a process of its own; return its seconds and its peak of memory in MiB."""
    command = [sys.executable, "-m", "benchmarks.crowd", dsn, what, str(count)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_SECONDS, check=False)
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    return dict(json.loads(done.stdout))


def measure(server: Server, sizes: Sizes) -> list[Figure]:
    """For products and for orders: fresh rows, the same rows again, bare SQL, memory of a tenth and of all."""
    return [each for what in TABLES for each in _measure(server, sizes, what)]


def _measure(server: Server, sizes: Sizes, what: str) -> list[Figure]:
    fresh, again, bare, ratios, peaks = [], [], [], [], []
    count = sizes.collected
    with server.database() as small:
        low = collect(server.dsn(small), what, max(1, count // SMALL_SHARE))["peak"]
    for _ in range(sizes.rounds):
        with server.database() as name, server.database() as copy:
            first = collect(server.dsn(name), what, count)
            second = collect(server.dsn(name), what, count)
            with connect(server.dsn(name)) as source, connect(server.dsn(copy)) as target:
                seconds = copy_all(source, target, what)
        fresh.append(count / first["seconds"])
        again.append(count / second["seconds"])
        bare.append(count / seconds)
        ratios.append(seconds / first["seconds"])
        peaks.append(first["peak"])
    tables = ", ".join(TABLES[what])
    return [
        figure(f"collection, {what}, bare COPY + upsert", "/s", bare, note=f"the same rows in {tables}"),
        figure(f"collection, {what}, new", "/s", fresh, note=f"{count:,}, network left out"),
        figure("  to bare COPY + upsert", "x", ratios, Goal(0.3, at_least=True)),
        figure(f"collection, {what}, seen before", "/s", again),
        figure("  most memory held", "MiB", peaks, note=f"{low:.0f} MiB with a tenth of the rows"),
    ]
