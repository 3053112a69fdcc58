"""What one does to a job from its page: run, pause, resume, delete, set back. Each works as a page of its own, too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from scheduler.errors import Conflict, ParameterError, ScheduleError
from scheduler.queries import web_job
from scheduler.queries.dependencies import edges_about
from scheduler.queries.handlers import find_handler
from scheduler.queries.jobs import running_of
from scheduler.queries.rows import Row
from scheduler.rules.config_fields import duration_seconds, read_moment
from scheduler.secrets import Redactor
from scheduler.web import deeds, schema_form
from scheduler.web.job_saving import unmasked
from scheduler.web.pages.job_form import Form, needed
from scheduler.web.place import place_of
from scheduler.web.render import page
from scheduler.web.rights import admin, operator
from scheduler.words import say

router = APIRouter(include_in_schema=False)
Posted = Mapping[str, Sequence[str]]
LONGEST_REASON = 500


def job_url(job_id: int) -> str:
    """Return the address of a job."""
    return f"/scheduler/jobs/{job_id}"


@router.get("/scheduler/job/{job_id:int}/run", dependencies=[operator])
def ask_run(request: Request, job_id: int) -> Response:
    """Show the form of one run."""
    with place_of(request).reading() as connection:
        job = needed(connection, job_id)
        handler = find_handler(connection, job["job_type"])
    return _run_page(request, job, handler, Redactor().value(job["parameters"]))


@router.post("/scheduler/job/{job_id:int}/run", dependencies=[operator])
def run(request: Request, job_id: int, posted: Posted = Form) -> Response:
    """Queue a run, with other parameters and markets where the form shows them."""
    with place_of(request).reading() as connection:
        job = needed(connection, job_id)
        handler = find_handler(connection, job["job_type"])
    parameters, faults = _parameters(job, handler, posted)
    if faults:
        return _run_page(request, job, handler, Redactor().value(job["parameters"]), posted, faults)
    markets = [each for each in posted.get("markets", ()) if each] if "market_choice" in posted else None
    with place_of(request).changing(request) as connection:
        number = deeds.run(
            connection, request, job_id, None if parameters == job["parameters"] else parameters,
            None if markets is None or sorted(markets) == sorted(job["market_codes"]) else markets)
    return RedirectResponse(f"/scheduler/executions/{number}", 303)


def _parameters(job: Row, handler: Row | None, posted: Posted) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the parameters of this run; those of the job when the form shows none."""
    own: dict[str, Any] = job["parameters"]
    schema = (handler or {}).get("params_schema") or {}
    if schema_form.WHOLE in posted:
        values, faults = schema_form.read_json(schema, posted[schema_form.WHOLE][0])
    elif "p.shown" in posted:
        values, faults = schema_form.read(schema, posted, own)
    else:
        return own, {}
    try:
        return unmasked(values, Redactor().value(own), own), faults
    except ParameterError as error:
        return own, {"": str(error)}


def _run_page(
    request: Request, job: Row, handler: Row | None, shown: dict[str, Any], posted: Posted | None = None,
    faults: Mapping[str, str] | None = None,
) -> Response:
    schema = (handler or {}).get("params_schema") or {}
    given = posted or {}
    fields = schema_form.fields(schema, shown)
    if "p.shown" in given:
        fields = schema_form.with_posted(fields, given, faults or {})
    text = given.get(schema_form.WHOLE, [schema_form.as_json(shown)])[0]
    is_json = handler is None or schema_form.WHOLE in given or not schema_form.fits(schema, job["parameters"])
    return page(request, "job_act.html", 422 if faults else 200, job=job, act="run", run_fields=fields, run_json=text,
                run_as_json=is_json, faults=dict(faults or {}), handler=handler)


@router.get("/scheduler/job/{job_id:int}/pause", dependencies=[operator])
def ask_pause(request: Request, job_id: int) -> Response:
    """Show the form of a pause."""
    return _act_page(request, job_id, "pause")


@router.post("/scheduler/job/{job_id:int}/pause", dependencies=[operator])
def pause(request: Request, job_id: int, posted: Posted = Form) -> Response:
    """Pause a job: until somebody resumes it, for a while, or until a moment."""
    with place_of(request).reading() as connection:
        job = needed(connection, job_id)
    reason = posted.get("reason", [""])[0].strip()[:LONGEST_REASON] or None
    try:
        until = _until(posted, job["timezone"])
    except ScheduleError as error:
        typed = {"until": posted.get("until", [""])[0], "reason": reason}
        return _act_page(request, job_id, "pause", {"until": str(error)}, typed)
    with place_of(request).changing(request) as connection:
        deeds.pause(connection, request, job_id, until, reason)
    return RedirectResponse(job_url(job_id), 303)


def _until(posted: Posted, zone: str) -> datetime | None:
    """Return when a pause ends, None when nobody knows. Raises ScheduleError."""
    text, length = posted.get("until", [""])[0].strip(), posted.get("for", [""])[0].strip()
    now = datetime.now(UTC)
    if text:
        until = read_moment(text, zone)
        if until <= now:
            raise ScheduleError(say("이미 지난 시각입니다", "that is over already"))
        return until
    return now + timedelta(seconds=min(duration_seconds(length), 366 * 86400)) if length else None


@router.get("/scheduler/job/{job_id:int}/resume", dependencies=[operator])
def ask_resume(request: Request, job_id: int) -> Response:
    """Show the form of going on."""
    return _act_page(request, job_id, "resume")


@router.post("/scheduler/job/{job_id:int}/resume", dependencies=[operator])
def resume(request: Request, job_id: int, posted: Posted = Form) -> Response:
    """Let a job go on; one run makes up for what was missed where that is asked for."""
    with place_of(request).changing(request) as connection:
        deeds.resume(connection, request, job_id, bool(posted.get("run_missed")))
    return RedirectResponse(job_url(job_id), 303)


@router.get("/scheduler/job/{job_id:int}/delete", dependencies=[admin])
def ask_delete(request: Request, job_id: int) -> Response:
    """Say what a deletion would end, and ask."""
    return _act_page(request, job_id, "delete")


@router.post("/scheduler/job/{job_id:int}/delete", dependencies=[admin])
def delete(request: Request, job_id: int, posted: Posted = Form) -> Response:
    """Delete a job; its history stays, and the page that follows has the way back."""
    with place_of(request).changing(request) as connection:
        job = needed(connection, job_id)
        if posted.get("name", [job["name"]])[0] != job["name"]:
            raise Conflict(say("그사이 이름이 바뀌었습니다. 다시 확인하세요", "it has been renamed meanwhile; look again"))
        deeds.remove(connection, request, job_id)
    return RedirectResponse(job_url(job_id), 303)


@router.post("/scheduler/job/{job_id:int}/restore", dependencies=[admin])
def restore(request: Request, job_id: int, posted: Posted = Form) -> Response:
    """Set a job back to what it was after a revision; without one, undo the latest edit, also a deletion."""
    text = posted.get("revision", [""])[0]
    with place_of(request).changing(request) as connection:
        deeds.restore(connection, request, job_id, int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None)
    return RedirectResponse(f"{job_url(job_id)}?tab=revisions", 303)


def _act_page(
    request: Request, job_id: int, act: str, faults: Mapping[str, str] | None = None, typed: Mapping[str, Any] | None = None
) -> Response:
    with place_of(request).reading() as connection:
        job = needed(connection, job_id)
        running = running_of(connection, [job_id]) if act == "delete" else []
        waiting = [edge for edge in edges_about(connection, [job_id]) if edge["depends_on"] == job_id] if act == "delete" else []
        live = web_job.live(connection, job_id)
    return page(request, "job_act.html", 422 if faults else 200, job=job, act=act, faults=dict(faults or {}),
                typed=dict(typed or {}), running=running, waiting=waiting, live=live)
