"""What handlers leave behind to prove that they were alive: rows in `test_effects`, each in its own short transaction.

A handler that cannot reach the database proves itself by a line in a file; the machine has one clock, so that the time in
such a line means the same. After the faults the files are merged into the table; a row that came both ways counts once.
"""

from __future__ import annotations

import json
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg

from scheduler.handler import Context

TABLES = """
CREATE TABLE test_effects (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at            timestamptz NOT NULL DEFAULT clock_timestamp(),
    event         text NOT NULL,
    job_id        bigint NOT NULL,
    execution_id  bigint NOT NULL,
    scheduled_for timestamptz NOT NULL,
    attempt       integer NOT NULL,
    fence         bigint NOT NULL,
    pid           integer NOT NULL,
    process_start bigint NOT NULL,
    node          text NOT NULL,
    number        integer NOT NULL,
    via           text NOT NULL DEFAULT 'database',
    detail        text,
    UNIQUE (execution_id, fence, pid, process_start, number)
);

-- Every change of the three tables that means something, whoever makes it; heartbeats are left out.
CREATE TABLE test_changes (
    seq   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    xact  text NOT NULL DEFAULT pg_current_xact_id()::text,
    who   text NOT NULL DEFAULT current_setting('application_name'),
    tab   text NOT NULL,
    op    text NOT NULL,
    old   jsonb,
    new   jsonb
);

CREATE FUNCTION test_note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO test_changes (tab, op, old, new)
    VALUES (TG_TABLE_NAME, TG_OP, CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END,
            CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END);
    RETURN NULL;
END $$;

CREATE TRIGGER z_note AFTER INSERT OR DELETE ON schedule_jobs FOR EACH ROW EXECUTE FUNCTION test_note();
CREATE TRIGGER z_note_edit AFTER UPDATE ON schedule_jobs FOR EACH ROW
    WHEN ((OLD.status, OLD.next_run_at, OLD.fence, OLD.interval, OLD.run_at, OLD.spec_version)
          IS DISTINCT FROM (NEW.status, NEW.next_run_at, NEW.fence, NEW.interval, NEW.run_at, NEW.spec_version))
    EXECUTE FUNCTION test_note();
CREATE TRIGGER z_note AFTER INSERT OR DELETE ON job_executions FOR EACH ROW EXECUTE FUNCTION test_note();
CREATE TRIGGER z_note_edit AFTER UPDATE ON job_executions FOR EACH ROW
    WHEN ((OLD.status, OLD.token, OLD.fence) IS DISTINCT FROM (NEW.status, NEW.token, NEW.fence))
    EXECUTE FUNCTION test_note();
CREATE TRIGGER z_note AFTER INSERT OR DELETE ON schedule_locks FOR EACH ROW EXECUTE FUNCTION test_note();
CREATE TRIGGER z_note_edit AFTER UPDATE ON schedule_locks FOR EACH ROW
    WHEN (OLD.token IS DISTINCT FROM NEW.token) EXECUTE FUNCTION test_note();

-- Also for rows that somebody slips in with the other triggers switched off.
ALTER TABLE schedule_jobs  ENABLE ALWAYS TRIGGER z_note, ENABLE ALWAYS TRIGGER z_note_edit;
ALTER TABLE job_executions ENABLE ALWAYS TRIGGER z_note, ENABLE ALWAYS TRIGGER z_note_edit;
ALTER TABLE schedule_locks ENABLE ALWAYS TRIGGER z_note, ENABLE ALWAYS TRIGGER z_note_edit;
"""

COLUMNS = ("event", "job_id", "execution_id", "scheduled_for", "attempt", "fence", "pid", "process_start", "node",
           "number", "detail")
INSERT = (f"INSERT INTO test_effects ({', '.join(COLUMNS)}) VALUES ({', '.join(f'%({name})s' for name in COLUMNS)}) "
          "ON CONFLICT DO NOTHING")
MERGE = (f"INSERT INTO test_effects (at, via, {', '.join(COLUMNS)}) VALUES (to_timestamp(%(at)s), 'file', "
         f"{', '.join(f'%({name})s' for name in COLUMNS)}) ON CONFLICT DO NOTHING")


def process_start(pid: int | str = "self") -> int:
    """Return the kernel's start time of a process, in ticks; 0 when it is gone or a zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return 0 if fields[0] in "ZX" else int(fields[19])


class Proof:
    """The effects of one execution in one process."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.number = 0

    def row(self, event: str, detail: str | None, pid: int | None) -> dict[str, Any]:
        self.number += 1
        context = self.context
        return {
            "event": event, "job_id": context.job_id, "execution_id": context.execution_id,
            "scheduled_for": context.scheduled_for.isoformat(), "attempt": context.attempt, "fence": context.fence,
            "pid": pid or os.getpid(), "process_start": process_start(pid or os.getpid()),
            "node": context.settings["node"], "number": self.number, "detail": detail,
        }

    def say(self, event: str, detail: str | None = None, pid: int | None = None) -> None:
        """Write one effect; *pid* names another process that this execution has started."""
        row = self.row(event, detail, pid)
        for _ in range(2):
            with suppress(Exception):
                self.context.db().execute(INSERT, row)
                return
            with suppress(Exception):
                self.context.db().close()
        self.keep(row)

    async def asay(self, event: str, detail: str | None = None) -> None:
        """The same without holding up the loop."""
        row = self.row(event, detail, None)
        for _ in range(2):
            with suppress(Exception):
                await (await self.context.adb()).execute(INSERT, row)
                return
            with suppress(Exception):
                await (await self.context.adb()).close()
        self.keep(row)

    def keep(self, row: dict[str, Any]) -> None:
        """Append to the node's file: one write, so that a kill leaves a whole line or none."""
        line = json.dumps({**row, "at": time.time()}).encode() + b"\n"
        fd = os.open(Path(self.context.settings["backup_dir"]) / "effects.jsonl", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(fd, line)
        finally:
            os.close(fd)


def merge(connection: psycopg.Connection[Any], folders: list[Path]) -> int:
    """Bring the files' lines into the table. Returns how many lines there were."""
    lines = [line for folder in folders if (folder / "effects.jsonl").exists()
             for line in (folder / "effects.jsonl").read_text().splitlines()]
    for line in lines:
        connection.execute(MERGE, json.loads(line))
    return len(lines)
