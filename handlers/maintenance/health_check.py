"""Look whether the scheduler's own house is well: the database answers, disks have room, the queue moves, nodes report."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Annotated, Any

import psycopg

from scheduler.handler import Context, Field, handler

ROUND_TRIP = "SELECT 1"
# A row that is held back, or waits for its own retry, is not late.
QUEUE = """
SELECT count(*), coalesce(extract(epoch FROM max(clock_timestamp() - available_at)), 0)::float8
  FROM job_executions
 WHERE status = 'queued' AND available_at <= clock_timestamp() AND id <> %(own)s
"""
# A node that ended by kill -9 stays as it was; after a day nobody waits for it any more.
HEARTBEATS = """
SELECT name, extract(epoch FROM clock_timestamp() - seen_at)::float8
  FROM scheduler_nodes
 WHERE state <> 'stopped' AND seen_at > clock_timestamp() - interval '1 day'
   AND NOT EXISTS (SELECT FROM scheduler_nodes AS later
                    WHERE later.name = scheduler_nodes.name AND later.started_at > scheduler_nodes.started_at)
 ORDER BY seen_at
 LIMIT 1
"""


class Unhealthy(Exception):
    """Something is over its threshold; the text names all of it."""


@handler("health_check", timeout="2m", retries=0)
def check_health(
    context: Context,
    max_round_trip_ms: Annotated[float, Field(gt=0, le=60_000, description="of one statement to the database")] = 1000,
    min_free_percent: Annotated[float, Field(ge=0, le=100, description="of each disk that the service writes to")] = 5,
    max_queue_minutes: Annotated[float, Field(gt=0, le=10_080, description="how long the oldest execution may be due")] = 15,
    max_heartbeat_minutes: Annotated[float, Field(gt=0, le=1440, description="how long ago a node may have reported")] = 5,
    folders: Annotated[list[str], Field(max_length=20, description="more folders whose disks are looked at")] | None = None,
) -> dict[str, Any]:
    """Check the database, disks, queue and nodes; fails naming everything over its threshold."""
    connection = context.db()
    round_trip = fastest_round_trip(connection)
    due, queue_seconds = connection.execute(QUEUE, {"own": context.execution_id}).fetchone() or (0, 0.0)
    node, heartbeat_seconds = connection.execute(HEARTBEATS).fetchone() or (None, 0.0)
    own = [context.settings.get(name) for name in ("backup_dir", "report_dir", "log_dir", "state_dir")]
    disks = {str(path): free_percent(path) for path in existing([*filter(None, own), *(folders or []), "/"])}
    measured = [
        (round_trip, max_round_trip_ms, f"the database takes {round_trip:.0f} ms"),
        *((100 - free, 100 - min_free_percent, f"{path} has only {free:.1f} % free") for path, free in disks.items()),
        (queue_seconds / 60, max_queue_minutes, f"{due} executions are due, the oldest for {queue_seconds / 60:.0f} minutes"),
        (heartbeat_seconds / 60, max_heartbeat_minutes, f"node {node} has not reported for {heartbeat_seconds / 60:.0f} minutes"),
    ]
    problems = [words for value, threshold, words in measured if value > threshold]
    if problems:
        raise Unhealthy("; ".join(problems))
    return {
        "healthy": True, "round_trip_ms": round(round_trip, 1), "free_percent": disks, "due": due,
        "queue_seconds": round(queue_seconds, 1), "heartbeat_seconds": round(heartbeat_seconds, 1),
    }


def fastest_round_trip(connection: psycopg.Connection[Any]) -> float:
    """Return the milliseconds of the best of three: what the link and the server need, not what happened to be in the way."""
    times = []
    for _ in range(3):
        began = time.perf_counter()
        connection.execute(ROUND_TRIP)
        times.append(time.perf_counter() - began)
    return min(times) * 1000


def existing(folders: list[str]) -> list[Path]:
    """Return each folder, or the nearest one above it that is there already, each disk once."""
    found: dict[int, Path] = {}
    for folder in folders:
        path = Path(folder).absolute()
        while not path.exists():
            path = path.parent
        found.setdefault(path.stat().st_dev, path)
    return list(found.values())


def free_percent(path: Path) -> float:
    usage = shutil.disk_usage(path)
    # What is kept for root is nobody's: used and free do not add up to the total.
    return round(100 * usage.free / max(1, usage.used + usage.free), 1)
