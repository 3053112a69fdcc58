"""The fault run: three real daemons, about sixty jobs, one operator from hell; afterwards the checker judges.

    python -m tests.faults.run --seconds 600 --report docs/faults.md
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from random import Random
from subprocess import TimeoutExpired
from typing import Any

import psycopg

from scheduler.database.migrate import migrate
from tests.faults.checker import check
from tests.faults.effects import merge
from tests.faults.findings import Report
from tests.faults.history import History, Timing, load, save
from tests.faults.nodes import Node
from tests.faults.operators import Operator
from tests.faults.processes import marked
from tests.faults.report import write_report
from tests.faults.sampler import Sampler
from tests.faults.world import World
from tests.support.cluster import Cluster

READY_SECONDS = 60.0
CALM_SECONDS = 8.0
SETTLED_SECONDS = 30.0
STOP_SECONDS = 30.0
REMAIN_SECONDS = 3.0

BEHIND = """
SELECT (SELECT count(*) FROM schedule_jobs
         WHERE status = 'active' AND (planned_version <> spec_version OR next_run_at < now() - interval '2 seconds'))
     + (SELECT count(*) FROM job_executions AS waiting JOIN schedule_jobs AS job ON job.id = waiting.job_id
         WHERE waiting.status = 'queued' AND job.status = 'active' AND waiting.available_at < now() - interval '4 seconds'
           AND waiting.job_type LIKE 'fault%' AND NOT EXISTS (SELECT FROM job_executions AS newer
                 WHERE newer.job_id = job.id AND newer.started_at > now() - interval '4 seconds'))
     + (SELECT count(*) FROM job_executions WHERE status = 'running' AND lease_expires_at < now())
"""


class FaultRun:
    """Everything of one run, ended by `close` whatever happens."""

    def __init__(self, cluster: Cluster, dsn: str, folder: Path, seed: int, timing: Timing | None = None) -> None:
        self.dsn, self.folder, self.seed = dsn, folder, seed
        self.timing = timing or Timing()
        random = Random(seed)
        self.nodes = [Node(dsn, folder, name, self.timing) for name in "abc"]
        self.operator = Operator(cluster, dsn, self.nodes, random, self.timing)
        self.sampler = Sampler(dsn)
        with psycopg.connect(dsn, autocommit=True, application_name="world") as connection:
            World(connection, random).build()

    def go(self, seconds: float) -> History:
        """Start, do harm for *seconds*, let it settle, stop, and return the history."""
        self.until(lambda: all(node.up_since for node in self.nodes), READY_SECONDS)
        self.sampler.start()
        self.operator.go(seconds)
        self.operator.calm_down()
        self.settle()
        stopped_at = time.time()
        self.stop()
        return self.history(stopped_at)

    def until(self, settled: Any, limit: float) -> bool:
        """Tend the nodes until *settled* says so, at most *limit* seconds."""
        end = time.monotonic() + limit
        while time.monotonic() < end:
            self.operator.tend()
            if settled():
                return True
            time.sleep(0.05)
        return False

    def settle(self) -> None:
        """Give the daemons some time without faults: first to come back, then to catch up."""
        self.until(lambda: all(node.up_since for node in self.nodes), READY_SECONDS)
        self.until(lambda: False, CALM_SECONDS)
        with psycopg.connect(self.dsn, autocommit=True, application_name="settle") as connection:
            self.until(lambda: connection.execute(BEHIND).fetchone() == (0,), SETTLED_SECONDS)

    def stop(self) -> None:
        for node in self.nodes:
            node.went_down(time.time())
        with ThreadPoolExecutor(len(self.nodes)) as threads:
            list(threads.map(self.stop_node, self.nodes))
        self.sampler.enough.set()
        self.sampler.join(10)

    def stop_node(self, node: Node) -> None:
        with suppress(AssertionError):
            try:
                code = node.daemon.stop(STOP_SECONDS)
                if code != 0:
                    self.operator.note("died", node.name, detail=f"exit code {code} at the stop: {node.said()[-1500:]}")
            except TimeoutExpired:
                self.operator.note("died", node.name, detail=f"did not stop within {STOP_SECONDS:g} s")

    def history(self, stopped_at: float) -> History:
        with psycopg.connect(self.dsn, autocommit=True, application_name="checker") as connection:
            merge(connection, [node.proofs for node in self.nodes])
            history = load(connection)
            history.remains = self.remains(connection)
        history.deeds, history.sightings = self.operator.deeds, self.sampler.sightings
        history.stopped_at, history.timing = stopped_at, self.timing
        gaps = self.operator.down + [(deed.at, deed.until) for deed in history.deeds_of("open transaction")]
        history.up = [span for node in self.nodes for span in without(node.up, gaps)]
        return history

    def remains(self, connection: psycopg.Connection[Any]) -> list[str]:
        """Return what is still alive of any of this run's daemons, a moment after the last has stopped."""
        instances = {str(row[0]) for row in connection.execute("SELECT instance_id FROM scheduler_nodes").fetchall()}
        query = "SELECT application_name, query FROM pg_stat_activity WHERE application_name LIKE 'erp-exec-%'"
        found: list[str] = []
        until = time.monotonic() + REMAIN_SECONDS
        while time.monotonic() < until:
            found = [f"process {pid} {command}" for pid, command in marked(instances)]
            found += [f"session {name}: {text}" for name, text in connection.execute(query).fetchall()]
            if not found:
                return []
            time.sleep(0.05)
        return found

    def close(self) -> None:
        self.operator.calm_down()
        self.operator.close()
        self.sampler.enough.set()
        for node in self.nodes:
            if node.pid is not None:
                node.daemon.kill()


def without(spans: list[tuple[float, float]], gaps: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Cut *gaps* out of *spans*."""
    for low, high in gaps:
        spans = [piece for start, stop in spans for piece in ((start, min(stop, low)), (max(start, high), stop))
                 if piece[1] > piece[0]]
    return spans


def main() -> int:
    parser = argparse.ArgumentParser(description="random faults against three real daemons")
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4)))
    parser.add_argument("--report", type=Path)
    parser.add_argument("--keep", action="store_true", help="keep the folder with the daemons' output")
    given = parser.parse_args()
    print(f"seed {given.seed}", flush=True)
    folder = Path(tempfile.mkdtemp(prefix="erp-faults-"))
    cluster = Cluster()
    try:
        history = run_once(cluster, folder, given.seed, given.seconds)
    finally:
        cluster.remove()
    report = check(history)
    show(report)
    save(history, folder / "history.json")
    if given.report:
        write_report(given.report, report, seconds=given.seconds, seed=given.seed, major=cluster.major)
    if given.keep or report.findings:
        print(f"history and output of the daemons: {folder}")
    else:
        shutil.rmtree(folder, ignore_errors=True)
    return 1 if report.findings else 0


def run_once(cluster: Cluster, folder: Path, seed: int, seconds: float) -> History:
    cluster.start()
    dsn = cluster.dsn(cluster.create())
    with psycopg.connect(dsn, autocommit=True) as connection:
        migrate(connection)
    run = FaultRun(cluster, dsn, folder, seed)
    try:
        return run.go(seconds)
    finally:
        run.close()


def show(report: Report) -> None:
    for name, figure in report.figures.items():
        print(f"{name:62} {figure:>10}")
    for finding in report.findings:
        print(f"FINDING {finding}")


if __name__ == "__main__":
    sys.exit(main())
