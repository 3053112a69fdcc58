"""The job form: new, edit, duplicate, reschedule; its preview; and the difference when somebody else was faster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import psycopg
from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from scheduler.database.refusals import in_our_words
from scheduler.errors import NotFound
from scheduler.queries import web_job
from scheduler.queries.config import read_limits
from scheduler.queries.handlers import list_handlers
from scheduler.queries.rows import Row
from scheduler.web import field_words, job_fields, job_saving, job_words
from scheduler.web.job_conflict import differences
from scheduler.web.job_preview import preview
from scheduler.web.job_saving import Changed, Draft
from scheduler.web.place import place_of
from scheduler.web.problems import name_taken
from scheduler.web.render import page
from scheduler.web.rights import admin
from scheduler.words import say

Connection = psycopg.Connection[Any]
Posted = Mapping[str, Sequence[str]]
ZONES = ("Asia/Seoul", "UTC", "Asia/Tokyo", "Asia/Shanghai", "America/New_York", "America/Los_Angeles", "Europe/London")
ATTEMPTS = 5
REDRAWS = ("redraw", "json", "fields")
# job.py takes these in before its own route of one job, which would take `new` for the name of a job.
forms = APIRouter(include_in_schema=False)


async def posted_form(request: Request) -> dict[str, list[str]]:
    """Return what a form posted: each name with all its values."""
    form = await request.form()
    return {name: [each for each in form.getlist(name) if isinstance(each, str)] for name in form}


Form = Depends(posted_form)


@forms.get("/scheduler/jobs/new", dependencies=[admin])
def new(request: Request, copy: int | None = None, job_type: str = "") -> Response:
    """Show an empty form, or one filled in with another job."""
    with place_of(request).reading() as connection:
        form, parameters = dict(job_fields.EMPTY), {}
        if copy is not None:
            job = needed(connection, copy)
            form = job_saving.form_of(connection, job)
            form["name"] = _copy_name(job["name"])
            parameters = job["parameters"]
        elif job_type:
            form["job_type"] = job_type
        draft = job_saving.begin(connection, None, form, parameters)
        draft.columns, _ = job_fields.read(form, read_limits(connection))
        if copy is not None:
            draft.former = {}
            job_saving.compare(connection, draft, form)
        return _show(request, connection, draft)


def _copy_name(name: str) -> str:
    return (name[:190] + say(" 사본", " copy"))[:200]


@forms.post("/scheduler/jobs/new", dependencies=[admin])
def make(request: Request, posted: Posted = Form) -> Response:
    """Make a job, or show the form again with its faults."""
    with place_of(request).reading() as connection:
        draft = job_saving.take(connection, None, dict(job_fields.EMPTY), {}, posted)
        if posted.get("do", ["save"])[-1] in REDRAWS:
            return _show(request, connection, draft)
    return _save(request, draft)


@forms.get("/scheduler/jobs/{job_id:int}/edit", dependencies=[admin])
def edit(request: Request, job_id: int) -> Response:
    """Show the form of a job."""
    return _begin(request, job_id, ())


@forms.get("/scheduler/job/{job_id:int}/reschedule", dependencies=[admin])
def when(request: Request, job_id: int) -> Response:
    """Show only when a job runs."""
    return _begin(request, job_id, job_fields.SCHEDULE_FIELDS)


def _begin(request: Request, job_id: int, shown: tuple[str, ...]) -> Response:
    with place_of(request).reading() as connection:
        latest = web_job.revision(connection, job_id)
        job = needed(connection, job_id)
        form = job_saving.form_of(connection, job)
        draft = job_saving.begin(connection, job, form, job["parameters"], latest)
        draft.columns, _ = job_fields.read(form, read_limits(connection))
        return _show(request, connection, draft, shown)


@forms.post("/scheduler/jobs/{job_id:int}/edit", dependencies=[admin])
@forms.post("/scheduler/job/{job_id:int}/reschedule", dependencies=[admin])
def save(request: Request, job_id: int, posted: Posted = Form) -> Response:
    """Save a job, or show the form again with its faults, or with what somebody else has changed in another way."""
    shown = tuple(posted["shown"][0].split(",")) if posted.get("shown") else ()
    for more in range(ATTEMPTS - 1, -1, -1):
        with place_of(request).reading() as connection:
            draft = _taken(connection, job_id, posted)
            if posted.get("do", ["save"])[-1] in REDRAWS:
                return _show(request, connection, draft, shown)
        if draft.conflicts and not draft.faults:
            return _differs(request, draft, shown)
        try:
            return _save(request, draft, shown)
        except Changed:
            if not more:
                raise
    raise AssertionError


def _taken(connection: Connection, job_id: int, posted: Posted) -> Draft:
    """Read a form of a job. What is saved between the two looks makes the form an old one, and never is overlooked."""
    latest = web_job.revision(connection, job_id)
    job = needed(connection, job_id)
    return job_saving.take(connection, job, job_saving.form_of(connection, job), job["parameters"], posted, latest)


def _save(request: Request, draft: Draft, shown: tuple[str, ...] = ()) -> Response:
    """Save a draft; what stands against it is shown in the form, at its field where it has one."""
    if not draft.faults:
        try:
            with place_of(request).changing(request) as connection:
                number = job_saving.save(connection, request, draft)
            return RedirectResponse(f"/scheduler/jobs/{number}", 303)
        except psycopg.Error as error:
            known = in_our_words(error)
            if known is None or (error.sqlstate or "")[:2] not in ("22", "23"):
                raise
            _place_fault(draft, str(known))
    with place_of(request).reading() as connection:
        return _show(request, connection, draft, shown, 422)


def _place_fault(draft: Draft, words: str) -> None:
    """Put a refusal of the database beside the field that it names."""
    listed = [line.removeprefix("- ") for line in words.splitlines() if line.startswith("- ")] or [words.splitlines()[0]]
    names = {column: field for field, column in job_words.FIELDS.items()}
    for line in listed:
        column = next((name for name in (*names, *job_fields.EMPTY) if line.startswith(f"{name} ") or f": {name} " in line), "")
        taken = say("같은 이름", "of that name") in line
        draft.faults["name" if taken else names.get(column, column)] = name_taken(draft.form["name"]) if taken else line


def _differs(request: Request, draft: Draft, shown: tuple[str, ...]) -> Response:
    """Show what somebody else has changed in another way, beside what was typed; saving again is then meant."""
    assert draft.job is not None
    words = say("그사이 다른 사람이 같은 항목을 바꿨습니다", "somebody else has changed the same fields meanwhile")
    typed = {**draft.changed, "depends_on": draft.after}
    with place_of(request).reading() as connection:
        rows = differences(connection, draft.job, draft.revision, draft.conflicts, typed)
        draft.revision = draft.latest
        return _show(request, connection, draft, shown, 409, words, rows)


@forms.post("/scheduler/jobs/preview", dependencies=[admin])
def look_ahead(request: Request, posted: Posted = Form) -> Response:
    """Show what the form would come to; nothing is saved."""
    number = posted.get("job", [""])[0]
    with place_of(request).reading() as connection:
        is_number = number.isascii() and number.isdigit() and len(number) < 19
        draft = (_taken(connection, int(number), posted) if is_number else
                 job_saving.take(connection, None, dict(job_fields.EMPTY), {}, posted))
        seen = preview(connection, draft, place_of(request).settings.workers)
    return page(request, "parts/job_preview.html", preview=seen, draft=draft)


def needed(connection: Connection, job_id: int) -> Row:
    """Return a job. Raises NotFound."""
    job = web_job.find(connection, job_id)
    if job is None:
        raise NotFound(say(f"작업 {job_id}이(가) 없습니다", f"there is no job {job_id}") + "\nerp-scheduler jobs list")
    return job


def _show(
    request: Request, connection: Connection, draft: Draft, shown: tuple[str, ...] = (), status: int = 200, conflict: str = "",
    edits: Sequence[Mapping[str, Any]] = (),
) -> Response:
    place = place_of(request)
    handlers = list_handlers(connection)
    known = [each["job_type"] for each in handlers]
    codes = web_job.market_codes(connection)
    return page(
        request, "job_form.html", status, draft=draft, form=draft.form, shown=shown, conflict=conflict, edits=edits,
        handlers=handlers, is_known=draft.form["job_type"] in known or not draft.form["job_type"],
        markets=sorted({*codes, *draft.form["markets"]}), calendar_options=_calendar_options(connection),
        zones=list(dict.fromkeys((draft.form["timezone"], *ZONES))), day_words=_day_words(),
        overlap=job_words.choices(field_words.OVERLAP), on_holiday=job_words.choices(field_words.ON_HOLIDAY),
        misfire=job_words.choices(field_words.MISFIRE), field_words=job_words.field_words,
        preview=preview(connection, draft, place.settings.workers),
    )


def _calendar_options(connection: Connection) -> list[tuple[str, str]]:
    return [("", say("없음", "None")), *((each, each) for each in web_job.calendars(connection))]


def _day_words() -> list[tuple[str, str]]:
    from scheduler.rules.days import ENGLISH, KOREAN

    return [(name, say(KOREAN[number], ENGLISH[number][:3])) for number, name in enumerate(job_fields.DAYS)]
