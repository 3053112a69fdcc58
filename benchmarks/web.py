"""What the dashboard costs: how long pages take over a long history, and whether open ones make the daemon late."""

from __future__ import annotations

import hashlib
import os
import selectors
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import psycopg

from benchmarks.figures import Figure, Goal, figure
from benchmarks.load import add_due_jobs, add_jobs, await_end, connect
from benchmarks.node import running
from benchmarks.punctuality import LATENESS, LEAD_SECONDS, LIMIT_SECONDS, await_planned
from benchmarks.server import EMPTY, Server
from benchmarks.sizes import Sizes
from tests.support.daemons import ROOT, wait_for

JOBS = 500
HISTORY_DAYS = 90
OPEN_PAGES = 50
TOKEN = "erps_benchmark"
PAGES = {
    "overview": "/scheduler", "jobs list": "/scheduler/jobs", "a job": "/scheduler/jobs/1",
    "executions list": "/scheduler/executions", "executions, failed": "/scheduler/executions?status=failed",
    "executions, a day": "/scheduler/executions?since=60d&until=59d",
    "executions, a day of a job": "/scheduler/executions?job=3&since=60d&until=59d",
    "executions, all before": "/scheduler/executions?until=60d",
    "calendar": "/scheduler/calendar", "nodes": "/scheduler/nodes", "locks": "/scheduler/locks",
    "REST jobs": "/api/v1/jobs", "REST executions": "/api/v1/executions",
    "executions, no such market": "/scheduler/executions?market=none", "jobs by duration": "/scheduler/jobs?sort=-p50",
    "REST executions, no match": "/api/v1/executions?market=none", "REST upcoming": "/api/v1/upcoming?hours=336&limit=500",
}

ADD_HISTORY = """
INSERT INTO job_executions (job_id, job_name, job_type, trigger, status, scheduled_for, available_at, started_at, finished_at,
                            duration_ms, node, result, error_message)
SELECT job.id, job.name, job.job_type, 'schedule', CASE WHEN number %% 20 = 0 THEN 'failed' ELSE 'success' END,
       at, at, at, at + interval '1 second', 1000, 'bench', '{}', CASE WHEN number %% 20 = 0 THEN 'HTTP 500' END
  FROM generate_series(1, %(count)s) AS number
  JOIN schedule_jobs AS job ON job.id = 1 + number %% %(jobs)s
 CROSS JOIN LATERAL (SELECT now() - number * (make_interval(days => %(days)s) / %(count)s)) AS past (at)
"""
LATE_BETWEEN = LATENESS + """
   AND result ? 'wall' AND scheduled_for BETWEEN to_timestamp(%(since)s) AND to_timestamp(%(until)s)
"""
ADD_TOKEN = "INSERT INTO web_tokens (name, role, hash, prefix, made_by) VALUES ('bench', 'admin', %s, 'erps_ben', 'bench')"


def measure(server: Server, sizes: Sizes) -> list[Figure]:
    """Time the pages over a long history, then a daemon beside open pages and without any."""
    grown = server.create(EMPTY)
    with connect(server.dsn(grown)) as connection:
        add_jobs(connection, JOBS, "bench_noop")
        connection.execute(ADD_HISTORY, {"count": sizes.grown_rows, "jobs": JOBS, "days": HISTORY_DAYS})
        connection.execute(ADD_TOKEN, (hashlib.sha256(TOKEN.encode()).digest(),))
        connection.execute("VACUUM ANALYZE")
    try:
        with serving(server.dsn(grown)) as port:
            pages = _pages(port, sizes)
        return [*pages, *_lateness(server, sizes, grown)]
    finally:
        server.drop(grown)


@contextmanager
def serving(dsn: str) -> Iterator[int]:
    """Give the port of `erp-scheduler web`, ended afterwards."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    with tempfile.TemporaryDirectory(prefix="erp-bench-web-") as folder:
        environment = {**os.environ, "DATABASE_URL": dsn, "ERP_SCHEDULER_STATE_DIR": folder, "ERP_SCHEDULER_LANG": "en"}
        process = subprocess.Popen([sys.executable, "-m", "scheduler", "web", "--port", str(port)], cwd=ROOT, env=environment,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            wait_for(lambda: _answers(port), what="the web process answers")
            yield port
        finally:
            process.terminate()
            process.wait(10)


def _answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/readyz").status_code == 200
    except httpx.HTTPError:
        return False


def _pages(port: int, sizes: Sizes) -> list[Figure]:
    note = f"{JOBS} jobs, {sizes.grown_rows:,} executions; client on this machine"
    headers = {"Authorization": f"Bearer {TOKEN}", "Accept": "text/html", "Accept-Encoding": "gzip"}
    figures = []
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=60) as client:
        for name, path in PAGES.items():
            if client.get(path).status_code != 200:
                continue
            took, size = [], 0
            for _ in range(max(3, sizes.pick_ups // 10)):
                began = time.perf_counter()
                with client.stream("GET", path) as answer:
                    size = sum(map(len, answer.iter_raw()))
                took.append((time.perf_counter() - began) * 1000)
            figures += [figure(f"web, {name}", "ms", took, Goal(150), note),
                        figure("  gzipped", "KiB", [size / 1024], Goal(60))]
    return figures


def _lateness(server: Server, sizes: Sizes, grown: str) -> list[Figure]:
    """Let jobs become due one after the other; open many pages and close them again, by turns, beside one daemon."""
    seconds = max(sizes.spread_seconds * 2, 6.0)
    turns_of_both = max(1, round(seconds / 10))
    with server.database(grown) as name, connect(server.dsn(name)) as connection, serving(server.dsn(name)) as port:
        with running(server.dsn(name), sizes.slots[0]):
            began = time.time() + LEAD_SECONDS
            add_due_jobs(connection, sizes.spread_jobs * 2, LEAD_SECONDS, seconds / (sizes.spread_jobs * 2))
            connection.execute("VACUUM ANALYZE schedule_jobs")
            wanted = [0, OPEN_PAGES] * turns_of_both
            ends = [began + seconds * number / len(wanted) for number in range(1, len(wanted) + 1)]
            spans = [(pages, _span(port, pages, end)) for pages, end in zip(wanted, ends, strict=True)]
            await_planned(connection, seconds + LIMIT_SECONDS)
            await_end(connection, LIMIT_SECONDS)
        turns = [(pages, _median(connection, *span)) for pages, span in spans]
    alone, watched = ([late for pages, late in turns if pages == count] for count in (0, OPEN_PAGES))
    note = f"{sizes.spread_jobs * 2} jobs over {seconds:g} s in {len(wanted)} turns, {sizes.grown_rows:,} executions"
    ratios = [with_pages / without for without, with_pages in zip(alone, watched, strict=True)]
    return [
        figure("late by p50, no page open", "ms", alone, note=note),
        figure(f"late by p50, {OPEN_PAGES} pages open", "ms", watched),
        figure("  open to none", "x", ratios, Goal(1.1)),
    ]


def _span(port: int, pages: int, until: float) -> tuple[float, float]:
    """Keep so many pages open until that moment; return from when on they were."""
    with streams(port, pages):
        since = time.time()
        time.sleep(max(0.0, until - since))
    return since, until


def _median(connection: psycopg.Connection[Any], since: float, until: float) -> float:
    found = connection.execute(LATE_BETWEEN, {"since": since, "until": until}).fetchall()
    return statistics.median(float(row[0]) for row in found)


@contextmanager
def streams(port: int, count: int) -> Iterator[None]:
    """Keep so many streams of hints open, read by one thread that does nothing with them."""
    asking = f"GET /scheduler/events HTTP/1.1\r\nHost: localhost:{port}\r\nAuthorization: Bearer {TOKEN}\r\n\r\n".encode()
    opened = [socket.create_connection(("127.0.0.1", port)) for _ in range(count)]
    for each in opened:
        each.sendall(asking)
        each.recv(65536)
    done = threading.Event()
    reader = threading.Thread(target=_read, args=(opened, done))
    reader.start()
    try:
        yield
    finally:
        done.set()
        reader.join()
        for each in opened:
            each.close()


def _read(opened: list[socket.socket], done: threading.Event) -> None:
    with selectors.DefaultSelector() as selector:
        for each in opened:
            selector.register(each, selectors.EVENT_READ)
        while opened and not done.is_set():
            for key, _ in selector.select(0.2):
                assert isinstance(key.fileobj, socket.socket)
                key.fileobj.recv(65536)
