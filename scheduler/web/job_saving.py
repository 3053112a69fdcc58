"""What the job form saves: judged whole, in one transaction with its audit line, and never over somebody else's edit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import psycopg
from starlette.requests import Request

from scheduler.errors import Conflict, NotFound, ParameterError, ScheduleError
from scheduler.queries import jobs, web_job
from scheduler.queries.config import read_limits
from scheduler.queries.dependencies import Edge, edges_from, set_edges
from scheduler.queries.handlers import find_handler
from scheduler.queries.rows import Row
from scheduler.secrets import MASK, Redactor
from scheduler.web import job_conflict, job_fields, schema_form
from scheduler.web.audit import note
from scheduler.web.job_conflict import Opened
from scheduler.web.job_fields import Form
from scheduler.words import say

Connection = psycopg.Connection[Any]
Posted = Mapping[str, Sequence[str]]
# Whoever adds an edge takes turns by this lock; it comes before the lock on the job's row, as it does for edges alone.
TURN = "SELECT pg_advisory_xact_lock(hashtextextended('job_dependencies', 0))"
EDGES = {"ever": ("ever", "success"), "failure": ("since_last_run", "failure")}


@dataclass(slots=True)
class Draft:
    """A form that somebody works on.

    job      the row it began with, None for a new job
    columns  all columns as the form has them; changed: those that differ from the row
    edges    what it is to wait for, None where that stays
    schema   of the handler's parameters, None when no node has announced the type
    is_json  whether the parameters are edited as one text
    faults   by field; parameters as ``p.name``, those of the whole under ``""``
    revision   of the row when the form was opened; latest: of the row as it is compared with
    conflicts  columns that somebody else has changed since, in another way
    """

    form: Form
    job: Row | None = None
    columns: dict[str, Any] = field(default_factory=dict)
    changed: dict[str, Any] = field(default_factory=dict)
    edges: list[Edge] | None = None
    schema: dict[str, Any] | None = None
    handler: Row | None = None
    parameters: dict[str, Any] = field(default_factory=dict)
    former: dict[str, Any] = field(default_factory=dict)
    is_json: bool = False
    json_text: str = ""
    fields: list[schema_form.Field] = field(default_factory=list)
    faults: dict[str, str] = field(default_factory=dict)
    revision: int = 0
    latest: int = 0
    conflicts: list[str] = field(default_factory=list)

    @property
    def after(self) -> list[str] | None:
        """Return what it is to wait for as it was typed, None where that stays."""
        return None if self.edges is None else _lines(self.form["after"])


def begin(connection: Connection, job: Row | None, form: Form, parameters: Mapping[str, Any], latest: int = 0) -> Draft:
    """Begin a form with what a row holds, or with nothing; *latest* is the revision of the row."""
    draft = Draft(form, job, former=dict(parameters), parameters=dict(parameters), revision=latest, latest=latest)
    _choose_schema(connection, draft)
    draft.is_json = draft.schema is None or not schema_form.fits(draft.schema, parameters)
    _show_parameters(draft)
    return draft


def form_of(connection: Connection, job: Row) -> Form:
    """Return the form of a job as it is saved."""
    return job_fields.of_row(job, edges_from(connection, [job["id"]]).get(job["id"], ()))


def take(
    connection: Connection, job: Row | None, base: Form, former: Mapping[str, Any], posted: Posted, latest: int = 0
) -> Draft:
    """Read what was posted and judge it; nothing is saved, and nothing that was typed is lost.

    base    the form as it is saved, or an empty one
    former  the parameters as they are saved
    latest  the revision that these two are of, or an earlier one
    """
    revision = posted.get("revision", ["0"])[0]
    number = int(revision) if revision.isascii() and revision.isdigit() and len(revision) < 10 else 0
    now, is_old = Opened(base, former), job is not None and number != latest
    then = job_conflict.opened(connection, int(job["id"]), number) if job is not None and is_old else now
    seen = then or now
    draft = Draft(job_fields.of_posted(posted, seen.form), job, former=dict(seen.parameters), revision=number, latest=latest)
    _choose_schema(connection, draft)
    _take_parameters(draft, posted)
    if is_old:
        _merge(connection, draft, then, now)
    draft.columns, faults = job_fields.read(draft.form, read_limits(connection))
    draft.faults = faults | draft.faults
    _take_edges(connection, draft, base)
    compare(connection, draft, base)
    _refuse_past(draft)
    return draft


def _merge(connection: Connection, draft: Draft, then: Opened | None, now: Opened) -> None:
    """Take what somebody else has saved meanwhile where nothing else was typed."""
    merged = job_conflict.merge(Opened(draft.form, draft.parameters), then, now, read_limits(connection))
    draft.form, draft.conflicts, draft.former = merged.form, merged.conflicts, dict(now.parameters)
    _choose_schema(connection, draft)
    if not draft.faults:
        draft.parameters = merged.parameters
        draft.is_json = draft.is_json or draft.schema is None or not schema_form.fits(draft.schema, draft.parameters)
        _show_parameters(draft)


def _choose_schema(connection: Connection, draft: Draft) -> None:
    draft.handler = find_handler(connection, draft.form["job_type"]) if draft.form["job_type"] else None
    draft.schema = None if draft.handler is None else draft.handler["params_schema"] or {}


def _take_parameters(draft: Draft, posted: Posted) -> None:
    """Read the parameters as fields or as JSON, whichever was on the page; a page without them leaves them."""
    shown = Redactor().value(draft.former)
    schema = draft.schema or {}
    switch = posted.get("do", [""])[0]
    if schema_form.WHOLE in posted:
        draft.is_json, draft.json_text = True, posted[schema_form.WHOLE][0]
        values, faults = schema_form.read_json(schema, draft.json_text)
    elif "p.shown" in posted:
        values, faults = schema_form.read(schema, posted, draft.former)
    else:
        draft.parameters = dict(draft.former)
        _show_parameters(draft)
        return
    try:
        draft.parameters = unmasked(values, shown, draft.former)
    except ParameterError as error:
        faults.setdefault("", str(error))
    draft.faults |= {f"p.{name}" if name else "parameters": fault for name, fault in faults.items()}
    if switch == "json":
        draft.is_json, draft.json_text = True, schema_form.as_json(Redactor().value(draft.parameters))
    elif switch == "fields" and draft.schema is not None and schema_form.fits(schema, draft.parameters):
        draft.is_json = False
        draft.fields = schema_form.fields(schema, Redactor().value(draft.parameters))
    elif not draft.is_json:
        names = {name: fault for name, fault in faults.items() if name}
        draft.fields = schema_form.with_posted(schema_form.fields(schema, {}), posted, names)
        if posted.get("p.shown", [""])[0] != draft.form["job_type"]:
            _start_over(draft)


def _start_over(draft: Draft) -> None:
    """Show the fields of another type: what fits it by name stays, the rest has no place."""
    known = (draft.schema or {}).get("properties") or {}
    draft.parameters = {name: value for name, value in draft.former.items() if name in known}
    draft.faults = {name: fault for name, fault in draft.faults.items() if not name.startswith("p.") and name != "parameters"}
    draft.is_json = draft.schema is None
    _show_parameters(draft)


def _show_parameters(draft: Draft) -> None:
    shown = Redactor().value(draft.parameters)
    draft.json_text = schema_form.as_json(shown)
    draft.fields = schema_form.fields(draft.schema or {}, shown)


def unmasked(value: Any, shown: Any, former: Any) -> Any:
    """Put back what a page had masked and nobody has changed."""
    if value == shown:
        return former
    if isinstance(value, dict) and isinstance(shown, dict) and isinstance(former, dict):
        return {key: unmasked(each, shown.get(key), former.get(key)) for key, each in value.items()}
    if MASK in str(value):
        raise ParameterError(say("가려진 값은 고칠 수 없습니다. 전체를 다시 쓰세요",
                                 "a masked value cannot be edited; write it anew"))
    return value


def _take_edges(connection: Connection, draft: Draft, base: Form) -> None:
    """Read what the job waits for, one a line, when that was changed."""
    if _lines(draft.form["after"]) == _lines(base["after"]):
        return
    found: dict[int, Edge] = {}
    try:
        for text in _lines(draft.form["after"]):
            name, _, kind = text.rpartition(":")
            if not name or kind not in EDGES:
                name, kind = text, ""
            number = jobs.find_job(connection, name)
            found[number] = Edge(number, *EDGES[kind]) if kind else Edge(number)
    except (NotFound, Conflict) as error:
        draft.faults["after"] = str(error).splitlines()[0]
        return
    draft.edges = list(found.values())


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def compare(connection: Connection, draft: Draft, base: Form) -> None:
    """Find the columns that differ from the row: only those are named, the triggers go by them."""
    if draft.job is None:
        wanted, _ = job_fields.read(job_fields.EMPTY | {"kind": "hand"}, read_limits(connection))
        draft.changed = {name: value for name, value in draft.columns.items() if value != wanted.get(name)}
        if draft.form["paused"]:
            draft.changed["status"] = "paused"
    else:
        present, _ = job_fields.read(base, read_limits(connection))
        draft.changed = {name: value for name, value in draft.columns.items() if name not in present or value != present[name]}
    if draft.parameters != (draft.former if draft.job is not None else {}):
        draft.changed["parameters"] = draft.parameters


def _refuse_past(draft: Draft) -> None:
    run_at = draft.changed.get("run_at")
    if run_at is not None and run_at <= datetime.now(UTC):
        draft.faults["run_at"] = say("이미 지난 시각입니다. 지금 실행하려면 '지금 실행'을 쓰세요",
                                     "that is over already; to run it now, use Run now")


def save(connection: Connection, request: Request, draft: Draft) -> int:
    """Save a draft without faults and return the number of its job.

    Raises  Changed when somebody else has saved meanwhile; PostgreSQL's own refusals pass through
    """
    if draft.edges is not None:
        connection.execute(TURN)
    if draft.job is None:
        return _make(connection, request, draft)
    number = int(draft.job["id"])
    if web_job.lock(connection, number) != draft.latest:
        raise Changed(say("그사이 다른 사람이 이 작업을 바꿨습니다", "somebody else has changed this job meanwhile"))
    before = {name: draft.job.get(name) for name in draft.changed}
    if draft.changed:
        jobs.update_jobs(connection, draft.changed, [number])
    if draft.edges is not None:
        set_edges(connection, number, draft.edges)
    if draft.changed or draft.edges is not None:
        note(connection, request, "job.edit", f"job:{number}", draft.columns["name"], _plain(before), _told(draft))
    return number


class Changed(ScheduleError):
    """Somebody else has saved the job since it was read."""


def _make(connection: Connection, request: Request, draft: Draft) -> int:
    number = jobs.insert_job(connection, {"name": draft.columns["name"], "job_type": draft.columns["job_type"], **draft.changed})
    if draft.edges:
        set_edges(connection, number, draft.edges)
    note(connection, request, "job.make", f"job:{number}", draft.columns["name"], after=_told(draft))
    return number


def _told(draft: Draft) -> dict[str, Any]:
    after = {} if draft.edges is None else {"after": draft.after}
    return _plain(draft.changed) | after


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return columns as JSON holds them."""
    return {name: value if isinstance(value, (dict, bool, int, float, str, type(None))) else
            [str(each) for each in value] if isinstance(value, (list, tuple)) else str(value) for name, value in values.items()}
