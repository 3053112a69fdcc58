"""One fault run as data: what the handlers proved, what changed in the tables and by whom, what the operator did.

All moments are seconds since 1970 by the one clock of the machine.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

DAEMON = "erp-scheduler daemon"
FINAL = ("success", "failed", "timed_out", "cancelled", "skipped", "lost")


def seconds(moment: str | datetime | None) -> float:
    """Read a moment of a jsonb row; what no calendar knows becomes infinite."""
    if isinstance(moment, datetime):
        return moment.timestamp()
    try:
        return datetime.fromisoformat(str(moment)).timestamp()
    except ValueError:
        return float("-inf") if str(moment).startswith("-") else float("inf")


def interval_seconds(text: str | None) -> float | None:
    """Read an interval such as 00:00:03; None for none, and for those no good job of this suite has."""
    parts = (text or "").split(":")
    if len(parts) != 3 or " " in parts[0] or "-" in parts[0]:
        return None
    return int(parts[0]) * 3600 + int(parts[1]) * 60 + float(parts[2])


@dataclass(frozen=True, slots=True)
class Timing:
    lease: float = 4.0
    heartbeat: float = 1.0
    grace: float = 1.0
    poll: float = 0.2
    kill: float = 1.0


@dataclass(frozen=True, slots=True)
class Effect:
    """A handler was alive and said so: start, beat, end; child and seen are about processes it started."""

    at: float
    event: str
    job_id: int
    execution_id: int
    scheduled_for: float
    attempt: int
    fence: int
    pid: int
    process_start: int
    node: str
    detail: str | None = None

    @property
    def occurrence(self) -> tuple[int, float, int]:
        return self.job_id, self.scheduled_for, self.attempt


@dataclass(frozen=True, slots=True)
class Change:
    """A row of one of the three tables was inserted, updated or deleted, in the order in which it became so."""

    seq: int
    at: float
    xact: str
    who: str
    tab: str
    op: str
    old: dict[str, Any] | None
    new: dict[str, Any] | None

    @property
    def by_daemon(self) -> bool:
        return self.who.startswith(DAEMON)

    @property
    def row(self) -> dict[str, Any]:
        return self.new or self.old or {}

    @property
    def status(self) -> tuple[str | None, str | None]:
        return (self.old or {}).get("status"), (self.new or {}).get("status")

    @property
    def is_claim(self) -> bool:
        return self.tab == "job_executions" and self.op == "UPDATE" and self.status == ("queued", "running")

    @property
    def is_end(self) -> bool:
        return self.tab == "job_executions" and self.status[0] == "running" and self.status[1] in FINAL


@dataclass(frozen=True, slots=True)
class Deed:
    """Something was done to the system on purpose, or happened to it, for a while."""

    kind: str
    at: float
    until: float
    target: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Sighting:
    """A process or a session of an execution was seen alive by somebody outside."""

    kind: str
    at: float
    execution_id: int
    detail: str = ""
    fence: int = 0


@dataclass(slots=True)
class History:
    """Everything the checker may look at.

    up         spans in which at least one daemon was ready and not frozen, with PostgreSQL there
    remains    what was still alive after the last daemon had stopped
    stopped_at the moment the daemons were told to stop, after a while without faults
    """

    effects: list[Effect] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    executions: list[dict[str, Any]] = field(default_factory=list)
    jobs: list[dict[str, Any]] = field(default_factory=list)
    locks: list[dict[str, Any]] = field(default_factory=list)
    deeds: list[Deed] = field(default_factory=list)
    sightings: list[Sighting] = field(default_factory=list)
    remains: list[str] = field(default_factory=list)
    up: list[tuple[float, float]] = field(default_factory=list)
    stopped_at: float = 0.0
    timing: Timing = field(default_factory=Timing)

    def of(self, tab: str) -> list[Change]:
        return [change for change in self.changes if change.tab == tab]

    def deeds_of(self, *kinds: str) -> list[Deed]:
        return [deed for deed in self.deeds if deed.kind in kinds]


EFFECTS = """
SELECT extract(epoch FROM at)::float8 AS at, event, job_id, execution_id,
       extract(epoch FROM scheduled_for)::float8 AS scheduled_for, attempt, fence, pid, process_start, node, detail
  FROM test_effects ORDER BY at, id
"""
CHANGES = "SELECT seq, extract(epoch FROM at)::float8 AS at, xact, who, tab, op, old, new FROM test_changes ORDER BY seq"


def load(connection: psycopg.Connection[Any]) -> History:
    """Read the history out of the database of a run that is over."""
    return History(
        effects=[Effect(**row) for row in _rows(connection, EFFECTS)],
        changes=[Change(**row) for row in _rows(connection, CHANGES)],
        executions=_table(connection, "job_executions"),
        jobs=_table(connection, "schedule_jobs"),
        locks=_table(connection, "schedule_locks"),
    )


def _rows(connection: psycopg.Connection[Any], query: str) -> list[dict[str, Any]]:
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query).fetchall()


def _table(connection: psycopg.Connection[Any], name: str) -> list[dict[str, Any]]:
    return [row["row"] for row in _rows(connection, f"SELECT to_jsonb(t) AS row FROM {name} AS t")]


def save(history: History, file: Path) -> None:
    """Write a history down, to be judged again later."""
    file.write_text(json.dumps(asdict(history), default=str))


def read(file: Path) -> History:
    """Read what `save` has written."""
    raw = json.loads(file.read_text())
    kinds: dict[str, Any] = {"effects": Effect, "changes": Change, "deeds": Deed, "sightings": Sighting}
    rows = {name: [kind(**row) for row in raw[name]] for name, kind in kinds.items()}
    return History(**{**raw, **rows, "up": [tuple(span) for span in raw["up"]], "timing": Timing(**raw["timing"])})
