"""Two edits of one job at a time: what only one of them has changed is taken from that one; the rest is for people to choose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg

from scheduler.queries import job_then
from scheduler.queries.dependencies import edges_from
from scheduler.queries.job_words import PLAN
from scheduler.queries.rows import Row
from scheduler.rules.config import Limits
from scheduler.web import job_fields, job_words
from scheduler.web.job_fields import Form

Connection = psycopg.Connection[Any]
# Moments are typed in the time zone that stands beside them, and one kind of schedule takes the place of another.
PLAN_FIELDS = ("kind", "every", "at", "cron", "run_at", "timezone", "start", "end")
PLAN_COLUMNS = (*PLAN, "timezone", "start_at", "end_at")
COLUMN_OF = {name: job_words.FIELDS.get(name, name) for name in job_fields.EMPTY}
UNITS = ((PLAN_FIELDS, PLAN_COLUMNS),
         *(((name,), (column,)) for name, column in COLUMN_OF.items() if name not in (*PLAN_FIELDS, "paused")))
MISSING = object()


@dataclass(frozen=True, slots=True)
class Opened:
    """A form as it was when somebody opened it: its fields and its parameters."""

    form: Form
    parameters: Mapping[str, Any]


@dataclass(slots=True)
class Merged:
    """What two edits come to; *conflicts* are the columns that both have changed, each in another way."""

    form: Form
    parameters: dict[str, Any] = field(default_factory=dict)
    conflicts: list[str] = field(default_factory=list)


def opened(connection: Connection, job: int, revision: int) -> Opened | None:
    """Return the form of *job* as it was after *revision*, None when nothing is known of that."""
    then = job_then.job_then(connection, job, revision)
    if then is None:
        return None
    edges = job_then.edges_then(connection, job, revision)
    if edges is None:
        edges = edges_from(connection, [job]).get(job, [])
    return Opened(job_fields.of_row(then, edges), then["parameters"])


def merge(mine: Opened, then: Opened | None, now: Opened, limits: Limits) -> Merged:
    """Put what was typed and what is stored now together; where *then* is unknown, every difference is for people to choose."""
    made = Merged(dict(mine.form))
    typed, former, present = (_columns(each, limits) for each in (mine, then, now))
    for fields, columns in UNITS:
        sides = [[each.get(name, MISSING) for name in columns] for each in (typed, former, present)]
        if sides[0] == sides[1]:
            made.form.update({name: now.form[name] for name in fields})
        elif sides[1] != sides[2] and sides[0] != sides[2]:
            made.conflicts += [name for name, *each in zip(columns, *sides, strict=True) if each[0] != each[2]]
    _merge_parameters(made, mine, then, now)
    return made


def _columns(side: Opened | None, limits: Limits) -> dict[str, Any]:
    """Return a side by columns; a field that cannot be read counts as it was typed."""
    if side is None:
        return {}
    columns, _ = job_fields.read(side.form, limits)
    typed = {column: side.form[name] for name, column in COLUMN_OF.items()}
    after = sorted(line.strip() for line in side.form["after"].splitlines() if line.strip())
    return {**typed, **columns, "market_codes": sorted(columns.get("market_codes") or ()), "depends_on": after}


def _merge_parameters(made: Merged, mine: Opened, then: Opened | None, now: Opened) -> None:
    """Merge parameters one by one; those of another job type only as a whole."""
    types = {each.form["job_type"] for each in (mine, then or now, now)}
    if then is None or len(types) > 1:
        made.parameters = dict(now.parameters if then is not None and mine.parameters == then.parameters else mine.parameters)
        is_clash = mine.parameters != now.parameters and (then is None or mine.parameters != then.parameters != now.parameters)
        made.conflicts += ["parameters"] if is_clash else []
        return
    clash = False
    for name in {**now.parameters, **mine.parameters, **then.parameters}:
        typed, former, present = (each.parameters.get(name, MISSING) for each in (mine, then, now))
        taken = present if typed == former else typed
        clash = clash or (typed != former != present and typed != present)
        if taken is not MISSING:
            made.parameters[name] = taken
    made.conflicts += ["parameters"] if clash else []


def differences(
    connection: Connection, job: Row, revision: int, conflicts: Sequence[str], typed: Mapping[str, Any]
) -> list[Row]:
    """Return the columns that both have changed: as they were, as they are, as they were typed, and who changed them."""
    number = int(job["id"])
    edits = job_then.latest_edits(connection, number, revision, conflicts)
    then = job_then.job_then(connection, number, revision)
    former = None if then is None else {**then, "depends_on": job_then.edges_then(connection, number, revision)}
    return [{"name": job_words.column_words(name), "edit": edits.get(name),
             "former": "?" if former is None else job_words.value_words(former.get(name), name),
             "now": job_words.value_words(edits[name]["now"] if name in edits else job.get(name), name),
             "typed": job_words.value_words(typed.get(name), name)} for name in conflicts]
