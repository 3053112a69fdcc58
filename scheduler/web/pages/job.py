"""`/scheduler/jobs/{id}`: one job with its state and what comes, its history, calendar, parameters, edits, and why it rests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any
from urllib.parse import quote

import psycopg
from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from scheduler.cli.execution_words import TRIGGERS, note_words, trigger_words
from scheduler.database.fault_words import in_words
from scheduler.errors import NotFound, ScheduleError
from scheduler.queries import revisions, web_job
from scheduler.queries.dependencies import edges_about
from scheduler.queries.forecast import upcoming
from scheduler.queries.handlers import find_handler
from scheduler.queries.job_words import edge_in_words, job_in_words
from scheduler.queries.jobs import find_job
from scheduler.queries.rows import Row
from scheduler.queries.schedules import Surroundings
from scheduler.rules.config_fields import read_moment
from scheduler.secrets import Redactor
from scheduler.web import job_words, schema_form
from scheduler.web.job_pictures import trend, trend_values
from scheduler.web.pages.job_form import forms
from scheduler.web.pages.not_found import missing_job
from scheduler.web.place import place_of
from scheduler.web.render import page
from scheduler.web.rights import viewer
from scheduler.web.zone_words import zone_mark
from scheduler.words import language, say

Connection = psycopg.Connection[Any]
router = APIRouter(include_in_schema=False)
router.include_router(forms)
NEXT = 5
CALENDAR_DAYS = 14
CALENDAR_TIMES = 2000
DAY_TIMES = 24
TREND_DAYS = 60
TABS = ("overview", "history", "calendar", "parameters", "revisions", "why")
STATUSES = ("queued", "running", "success", "failed", "timed_out", "lost", "skipped", "cancelled")


@router.get("/scheduler/jobs/{job}", dependencies=[viewer])
def show(request: Request, job: str, tab: str = "overview") -> Response:
    """Show a job by its number; a name is sent on to it. A program gets what the first recipe promised."""
    if not _wants_page(request):
        from scheduler.web.api.compat_recipe import json_job

        answer: Response = json_job(request, job)
        answer.headers["Vary"] = "Accept"
        return answer
    with place_of(request).reading() as connection:
        answer = _page(request, connection, job, tab if tab in TABS else "overview")
    answer.headers["Vary"] = "Accept"
    return answer


def _wants_page(request: Request) -> bool:
    return request.headers.get("hx-request") == "true" or "text/html" in request.headers.get("accept", "")


def _page(request: Request, connection: Connection, job: str, tab: str) -> Response:
    try:
        number = find_job(connection, job)
    except NotFound:
        return _gone(request, connection, job)
    if job != str(number):
        return RedirectResponse(f"/scheduler/jobs/{quote(str(number))}", 303)
    found = web_job.find(connection, number)
    if found is None:
        return _gone(request, connection, job)
    if found["status"] == "invalid":
        found["last_error"] = in_words(found["last_error"] or "")
    head = _head(connection, found)
    return page(request, "job.html", job=found, tab=tab, tabs=_tabs(), **head, **_READERS[tab](request, connection, found, head))


def _gone(request: Request, connection: Connection, job: str) -> Response:
    """Show what is left of a deleted job: its edits, and the way back; names near by when there never was one."""
    number = revisions.find_deleted(connection, job)
    if number is None:
        return missing_job(request, connection, job)
    edits = _edits(connection, number)
    return page(request, "job_gone.html", number=number, name=edits[0]["job_name"], edits=edits)


def _tabs() -> list[tuple[str, str]]:
    return list(zip(TABS, (
        say("개요", "Overview"), say("이력", "History"), say("달력", "Calendar"), say("매개변수", "Parameters"),
        say("변경 이력", "Edits"), say("왜?", "Why?")), strict=True))


def _head(connection: Connection, job: Row) -> dict[str, Any]:
    """Read what stands above every tab."""
    around = Surroundings(connection)
    edges = edges_about(connection, [job["id"]])
    before = [edge for edge in edges if edge["job_id"] == job["id"]]
    try:
        coming = job_words.coming_times(upcoming(connection, job["id"], NEXT), job["timezone"], around)
    except ScheduleError:
        coming = []
    handler = find_handler(connection, job["job_type"])
    shown = Redactor().value(job["parameters"])
    schema = (handler or {}).get("params_schema") or {}
    return {
        "around": around, "edges": edges, "before": before, "words": job_in_words(job, around, before),
        "raw": job_words.raw_schedule(job), "coming": coming, "live": web_job.live(connection, job["id"]), "handler": handler,
        "shown_parameters": shown, "schema": schema, "run_fields": schema_form.fields(schema, shown),
        "run_json": schema_form.as_json(shown), "run_as_json": handler is None or not schema_form.fits(schema, job["parameters"]),
        "edge_words": edge_in_words, "zone_mark": zone_mark,
    }


# -- the tabs -------------------------------------------------------------------------------------------------------------


def _overview(request: Request, connection: Connection, job: Row, head: Row) -> dict[str, Any]:
    from scheduler.web.pictures.daymap import daymap
    from scheduler.web.pictures.heatbar import heatbar

    number = job["id"]
    latest = web_job.results(connection, number)
    days = web_job.days(connection, number, job["timezone"])
    moments = [each["scheduled_for"] for each in latest]
    drawn = heatbar([each["status"] for each in latest], [each["duration_ms"] for each in latest],
                    min(moments, default=None), max(moments, default=None))
    recent = days[-TREND_DAYS:]
    return {
        "health": web_job.health(connection, number), "latest": latest, "heat": drawn, "map": daymap(days), "days": days,
        "trend": trend(recent, job["timeout_minutes"] * 60_000), "trend_days": recent,
        "trend_values": trend_values(recent, job["timeout_minutes"] * 60_000), "timeout_ms": job["timeout_minutes"] * 60_000,
        "market_rates": web_job.markets(connection, number), "items": _items(latest),
    }


def _items(latest: list[Row]) -> list[tuple[Row, str]]:
    """Return the latest successes with the numbers that their results hold."""
    found = [(each, _figures(each["result"])) for each in latest if each["status"] == "success"]
    return [(each, text) for each, text in found if text][:10]


def _figures(result: Any) -> str:
    """Say the numbers of a result, those of one level within by their market."""
    if not isinstance(result, dict):
        return ""
    parts = []
    for name, value in result.items():
        if isinstance(value, dict):
            inner = ", ".join(f"{key} {each:,}" for key, each in value.items() if _is_figure(each))
            parts += [f"{name}: {inner}"] if inner else []
        elif _is_figure(value):
            parts.append(f"{name} {value:,}")
    return "; ".join(parts)[:300]


def _is_figure(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _history(request: Request, connection: Connection, job: Row, head: Row) -> dict[str, Any]:
    query = request.query_params
    status, trigger = query.get("status", ""), query.get("trigger", "")
    status = status if status in STATUSES else ""
    trigger = trigger if trigger in TRIGGERS else ""
    found, following = web_job.history(
        connection, job["id"], _cursor(query.get("before", "")), [status] if status else None, trigger or None)
    older = None if following is None else f"{following[0].isoformat()}~{following[1]}"
    return {"history": found, "older": older, "status_chosen": status, "trigger_chosen": trigger, "statuses": STATUSES,
            "triggers": [(each, trigger_words({"trigger": each})) for each in TRIGGERS], "trigger_words": trigger_words,
            "note_words": note_words}


def _cursor(text: str) -> tuple[datetime, int] | None:
    """Read where the portion before ended; a text that is none begins at the newest."""
    moment, _, attempt = text.replace(" ", "+").partition("~")
    try:
        return datetime.fromisoformat(moment), int(attempt)
    except ValueError:
        return None


def _calendar(request: Request, connection: Connection, job: Row, head: Row) -> dict[str, Any]:
    until = datetime.now(UTC) + timedelta(days=CALENDAR_DAYS)
    listed = upcoming(connection, job["id"], CALENDAR_TIMES, until)
    coming = job_words.coming_times(listed, job["timezone"], head["around"])
    days = [(day, list(times)) for day, times in groupby(coming, key=lambda each: each.day)]
    return {"calendar": days, "day_times": DAY_TIMES, "span": CALENDAR_DAYS,
            "after": [edge for edge in head["edges"] if edge["depends_on"] == job["id"]]}


def _parameters(request: Request, connection: Connection, job: Row, head: Row) -> dict[str, Any]:
    return {"faults": schema_form.faults_of(head["schema"], job["parameters"]) if head["handler"] else {},
            "settings": [(job_words.column_words(name), job_words.value_words(job[name], name)) for name in SETTINGS],
            "is_stored": lambda name: name in job["parameters"]}


SETTINGS = ("job_type", "market_codes", "timeout_minutes", "max_retries", "overlap_policy", "max_instances", "misfire_policy",
            "misfire_grace", "jitter_seconds", "priority", "important", "calendar", "on_holiday", "start_at", "end_at",
            "max_runs")


def _revisions(request: Request, connection: Connection, job: Row, head: Row) -> dict[str, Any]:
    return {"edits": _edits(connection, job["id"])}


def _edits(connection: Connection, number: int) -> list[Row]:
    return [{**each, "differences": _differences(each), "words": _action_words(each["action"])}
            for each in revisions.history(connection, number)]


def _action_words(action: str) -> str:
    return {"insert": say("만듦", "made"), "delete": say("지움", "deleted"), "restore": say("되돌림", "set back"),
            "update": say("고침", "changed")}.get(action, action)


def _differences(edit: Row) -> list[tuple[str, str, str]]:
    """Return what an edit changed: the column, what it was, what it is."""
    old, new = edit["old"] or {}, edit["new"] or {}
    shown = job_words.value_words
    return [(job_words.column_words(name), shown(old.get(name), name), shown(new.get(name), name)) for name in edit["changed"]]


def _why(request: Request, connection: Connection, job: Row, head: Row) -> dict[str, Any]:
    at, fault = request.query_params.get("at", "").strip(), ""
    moment = None
    if at:
        try:
            moment = read_moment(at, job["timezone"])
        except ScheduleError as error:
            fault = str(error)
    causes = [] if fault else revisions.why(connection, str(job["id"]), moment)
    return {"at": at, "fault": fault, "causes": [{**each, "words": each[language()]} for each in causes], "moment_asked": moment}


_READERS = {"overview": _overview, "history": _history, "calendar": _calendar, "parameters": _parameters,
            "revisions": _revisions, "why": _why}
