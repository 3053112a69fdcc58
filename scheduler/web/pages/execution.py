"""`/scheduler/executions/{id}`: one execution, its attempts, its log as it is written, and what can be done with it."""

from __future__ import annotations

import json
from typing import Annotated, Any
from urllib.parse import quote

import psycopg
from fastapi import APIRouter, Form, Path, Request
from starlette.responses import RedirectResponse, Response, StreamingResponse

from scheduler.cli.execution_words import result_words, trigger_words
from scheduler.errors import ParameterError
from scheduler.model import ENDED
from scheduler.queries import web_execution as queries
from scheduler.queries import web_origin
from scheduler.queries.executions import execution
from scheduler.queries.rows import Row
from scheduler.queries.whole_log import portion
from scheduler.secrets import Redactor
from scheduler.web import deeds
from scheduler.web.execution_files import files_of, size_of
from scheduler.web.harmless import harmless
from scheduler.web.hints import hint_of
from scheduler.web.job_saving import unmasked
from scheduler.web.log_text import shown, whole_file
from scheduler.web.pages.executions import number_of
from scheduler.web.pictures.attempts import attempts_picture
from scheduler.web.place import place_of
from scheduler.web.powers import fitting
from scheduler.web.render import page
from scheduler.web.rights import operator, viewer
from scheduler.words import say

router = APIRouter(include_in_schema=False)
HERE = "/scheduler/executions/{execution_id:int}"
Number = Annotated[int, Path(ge=1, le=2**63 - 1)]
LINES, FOLLOWED = 1000, 2000
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
LONGEST_ERROR = 20_000


@router.get(HERE, dependencies=[viewer])
def show(request: Request, execution_id: Number) -> Response:
    """Show one execution."""
    with place_of(request).reading() as connection:
        found = execution(connection, execution_id)
        tries = queries.attempts(connection, found)
        around = queries.chain(connection, found)
        job = queries.job_of(connection, found)
        origin = web_origin.origin(connection, found)
        lines = _lines(connection, request, execution_id)
    parameters, is_masked = _masked(found["parameters"])
    return page(
        request, "execution.html", run=found, tries=tries, around=around, job=job, hint=hint_of(found), origin=origin,
        is_masked=is_masked, is_live=found["status"] not in ENDED, picture=_picture(tries, found), trigger_words=trigger_words,
        result_words=result_words, error=_error(found["error_message"]), parameters=_json(parameters), metrics=_metrics(found),
        files=_files(request,
                     found), percent=_percent(found), later=[each for each in tries if each["attempt"] > found["attempt"]],
        **_log_values(request, found, lines),
    )


@router.get(HERE + "/log", dependencies=[viewer])
def more_log(request: Request, execution_id: Number) -> Response:
    """Show the lines past ``?after=``, with what asks for the next ones while it runs."""
    with place_of(request).reading() as connection:
        # The state first: lines are stored no later than the end they belong to.
        found = execution(connection, execution_id)
        lines = _lines(connection, request, execution_id)
    return page(request, "parts/execution_log.html", run=found, **_log_values(request, found, lines))


@router.get(HERE + "/log.txt", dependencies=[viewer])
def log_file(request: Request, execution_id: Number) -> Response:
    """Send the whole log as a text file, in portions."""
    place = place_of(request)
    with place.reading() as connection:
        execution(connection, execution_id)

    def read(after: int, limit: int) -> list[Row]:
        with place.reading() as connection:
            return portion(connection, execution_id, after, limit)

    return StreamingResponse(whole_file(read), media_type="text/plain; charset=utf-8", headers={
        "Content-Disposition": f'attachment; filename="execution-{execution_id}.log.txt"'})


@router.post(HERE + "/retry", dependencies=[operator])
def retry(request: Request, execution_id: Number, parameters: Annotated[str | None, Form()] = None) -> Response:
    """Try again, with the same parameters or with those that were edited."""
    with place_of(request).changing(request) as connection:
        changed = None
        if parameters is not None:
            former = execution(connection, execution_id)
            changed = unmasked(_given(parameters), Redactor().value(former["parameters"]), former["parameters"])
            if changed != former["parameters"]:
                fitting(connection, former["job_type"], changed)
            else:
                changed = None
        number = deeds.retry(connection, request, execution_id, changed)
    return RedirectResponse(f"/scheduler/executions/{number}", 303)


@router.post(HERE + "/cancel", dependencies=[operator])
def cancel(request: Request, execution_id: Number, reason: Annotated[str, Form()] = "") -> Response:
    """End it: at once when it waits, soon when it runs."""
    with place_of(request).changing(request) as connection:
        deeds.cancel(connection, request, execution_id, reason.replace("\0", "").strip() or None)
    return RedirectResponse(f"/scheduler/executions/{execution_id}", 303)


def _given(text: str) -> dict[str, Any]:
    try:
        given = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ParameterError(say(f"JSON이 아닙니다: {error}", f"this is not JSON: {error}")) from None
    if not isinstance(given, dict):
        raise ParameterError(say("JSON 객체여야 합니다: {\"days\": 1}", "it must be a JSON object: {\"days\": 1}"))
    return given


# -- the log ---------------------------------------------------------------------------------------------------------------


def _lines(connection: psycopg.Connection[Any], request: Request, number: int) -> list[Row]:
    asked = request.query_params
    after = number_of(asked.get("after"))
    return queries.lines(
        connection, number, after=-1 if after is None else after, before=number_of(asked.get("before")),
        limit=LINES if after is None else FOLLOWED,
        levels=_levels(asked.get("level")), text=(asked.get("find") or "").replace("\0", "")[:200] or None,
    )


def _levels(lowest: str | None) -> list[str] | None:
    return list(LEVELS[LEVELS.index(lowest):]) if lowest in LEVELS[1:] else None


def _log_values(request: Request, found: Row, lines: list[Row]) -> dict[str, Any]:
    asked = request.query_params
    after = number_of(asked.get("after"))
    return {
        "lines": shown(lines), "levels": LEVELS, "goes_on": found["status"] not in ENDED and asked.get("before") is None,
        "last": lines[-1]["line"] if lines else (-1 if after is None else after),
        "earlier": lines[0]["line"] if len(lines) == LINES and after is None else None,
        "narrowed": {name: asked[name] for name in ("level", "find") if asked.get(name)},
    }


# -- values as the page shows them ---------------------------------------------------------------------------------------------


def _masked(parameters: Any) -> tuple[Any, bool]:
    masked = Redactor().value(parameters)
    return masked, masked != parameters


def _json(value: Any) -> str:
    return harmless(json.dumps(value, ensure_ascii=False, indent=2, default=str))


def _picture(tries: list[Row], found: Row) -> Any:
    from datetime import UTC, datetime

    return attempts_picture(tries, found["id"], datetime.now(UTC)) if tries else None


def _error(message: str | None) -> tuple[str, str] | None:
    """Split an error into its first line and the rest."""
    if not message:
        return None
    first, _, rest = harmless(Redactor().text(message[:LONGEST_ERROR])).strip().partition("\n")
    return first, rest


def _metrics(found: Row) -> list[tuple[str, str]]:
    """Return the figures of the result; what is nested is shown as JSON."""
    result = Redactor().value(found["result"] or {})
    if not isinstance(result, dict):
        return [("", _json(result))]
    return [(str(name), _json(value) if isinstance(value, dict | list) else _plain(value)) for name, value in result.items()]


def _plain(value: Any) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"{value:,}"
    return harmless(str(value)) if isinstance(value, str) else json.dumps(value)


def _files(request: Request, found: Row) -> list[Row]:
    """Return the files that the execution made and whether whoever asks may have them."""
    is_admin = request.state.person.role == "admin"
    return [{"name": left.name, "bytes": size_of(left), "open": is_admin or not left.is_backup,
             "href": f"/api/v1/executions/{found['id']}/files/{quote(left.name, safe='')}"}
            for left in files_of(place_of(request).settings, found["result"])]


def _percent(found: Row) -> float | None:
    progress = found["progress"] or {}
    done, total = progress.get("done"), progress.get("total")
    if isinstance(done, int | float) and isinstance(total, int | float) and total > 0:
        return round(min(100.0, max(0.0, 100 * done / total)), 1)
    return None
