"""`/scheduler/executions`: the history and the queue by filters, and what is done to all that match one."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, Any

import psycopg
from fastapi import APIRouter, Form, Request
from starlette.responses import Response

from scheduler.cli.execution_words import result_words, trigger_words
from scheduler.errors import Conflict, SchedulerError
from scheduler.queries import filtered_executions as queries
from scheduler.queries.rows import Row
from scheduler.web import deeds
from scheduler.web.place import Place, place_of
from scheduler.web.problems import problem_of
from scheduler.web.render import page
from scheduler.web.rights import operator, viewer
from scheduler.web.status_words import STATES, status_word
from scheduler.words import say

router = APIRouter(include_in_schema=False)
PATH = "/scheduler/executions"
STATUSES = ("queued", "running", "success", "failed", "timed_out", "lost", "skipped", "cancelled")
TRIGGERS = ("schedule", "manual", "retry", "catchup", "dependency", "backfill")
PERIODS = ("1h", "6h", "24h", "7d", "30d")
UNITS = {"m": 60, "h": 3600, "d": 86400}
ASK_ABOVE = 10
REFUSALS_SHOWN = 20
NAMES = ("status", "job", "type", "market", "trigger", "node", "since", "q")


@router.get(PATH, dependencies=[viewer])
def executions(request: Request) -> Response:
    """Show the executions that the address asks for, newest first."""
    before = number_of(request.query_params.get("before"))
    with place_of(request).reading() as connection:
        wanted = filter_of(connection, request)
        listed = queries.list_page(connection, wanted, before)
        choices = queries.choices(connection, wanted.job)
    return page(request, "executions.html", listed=listed, wanted=wanted, choices=choices, before=before, tabs=tabs(wanted),
                result_words=result_words, trigger_words=trigger_words, triggers=TRIGGERS, periods=periods(),
                trigger_name=lambda trigger: trigger_words({"trigger": trigger}), filtered=filtered(request))


def filter_of(connection: psycopg.Connection[Any], request: Request) -> queries.Filter:
    """Read the filter out of the address; what makes no sense is left out, an unknown job matches nothing."""
    given = {name: (request.query_params.get(name) or "").replace("\0", "").strip()[:200] for name in NAMES}
    statuses = [each for text in request.query_params.getlist("status") for each in text.split(",")]
    return queries.Filter(
        statuses=tuple(each for each in STATUSES if each in statuses),
        job=queries.job_named(connection, given["job"]) if given["job"] else None,
        job_type=given["type"] or None, market=given["market"] or None,
        trigger=given["trigger"] if given["trigger"] in TRIGGERS else None, node=given["node"] or None,
        since=seconds_of(given["since"]), q=given["q"] or None,
    )


def seconds_of(text: str) -> float | None:
    """Return the seconds of ``30m``, ``24h`` or ``7d``; None for anything else."""
    found = re.fullmatch(r"(\d{1,5})([mhd])", text)
    return None if found is None else float(found[1]) * UNITS[found[2]]


def number_of(text: str | None) -> int | None:
    """Return a whole number out of an address, None for anything else."""
    return int(text) if text and re.fullmatch(r"\d{1,18}", text) else None


def filtered(request: Request) -> dict[str, str]:
    """Return the filters of the address, which every form carries on."""
    return {name: ",".join(request.query_params.getlist(name)) for name in NAMES if request.query_params.get(name)}


def periods() -> list[tuple[str, str]]:
    """Return the periods to choose from, in words."""
    words = {"h": ("시간", " h"), "d": ("일", " days")}
    return [(each, say(f"최근 {each[:-1]}{words[each[-1]][0]}", f"last {each[:-1]}{words[each[-1]][1]}")) for each in PERIODS]


def tabs(wanted: queries.Filter) -> list[dict[str, Any]]:
    """Return the states to choose from, with the one that is chosen."""
    groups: list[tuple[tuple[str, ...], str]] = [
        ((), say("모두", "All")), (("running",), status_word("running")), (("queued",), status_word("queued")),
        (queries.FAILED, say("실패 모두", "All failures")),
        *(((each,), status_word(each)) for each in STATUSES if each not in queries.LIVE),
    ]
    chosen = set(wanted.statuses)
    return [{"value": ",".join(group), "words": words, "chosen": set(group) == chosen,
             "icon": STATES[group[0]][0] if len(group) == 1 else ""} for group, words in groups]


# -- to all that match -----------------------------------------------------------------------------------------------------


@router.get(PATH + "/{deed}-all", dependencies=[operator])
def ask(request: Request, deed: str) -> Response:
    """Show how many a deed would concern, before it is done."""
    finder = _finder(deed)
    with place_of(request).reading() as connection:
        wanted = filter_of(connection, request)
        found = finder(connection, wanted, None)
        choices = queries.choices(connection, wanted.job)
    return _bulk_page(request, deed, wanted, choices, found=found)


@router.post(PATH + "/{deed}-all", dependencies=[operator])
def do(
    request: Request, deed: str, expect: Annotated[int, Form()], upto: Annotated[int, Form()],
    typed: Annotated[str, Form()] = "", reason: Annotated[str, Form()] = "",
) -> Response:
    """Retry or cancel all that match, as many as were shown; tell of each that was refused."""
    finder = _finder(deed)
    place = place_of(request)
    with place.reading() as connection:
        wanted = filter_of(connection, request)
        found = finder(connection, wanted, upto)[:queries.MOST]
        choices = queries.choices(connection, wanted.job)
    if len(found) != expect:
        raise Conflict(say(f"그사이 바뀌었습니다: {expect}건이었는데 지금은 {len(found)}건입니다. 다시 확인하세요",
                           f"it has changed meanwhile: there were {expect}, now there are {len(found)}; look again"))
    if expect > ASK_ABOVE and typed.strip() != str(expect):
        raise Conflict(say(f"{expect}을(를) 입력해야 합니다", f"type {expect} to go on"))
    done, refused = _do_all(place, request, deed, found, reason.strip() or None)
    return _bulk_page(request, deed, wanted, choices, done=done, refused=refused)


def _finder(deed: str) -> Callable[[psycopg.Connection[Any], queries.Filter, int | None], list[Row]]:
    from starlette.exceptions import HTTPException

    finders = {"retry": queries.to_retry, "cancel": queries.to_cancel}
    if deed not in finders:
        raise HTTPException(404)
    return finders[deed]


def _do_all(place: Place, request: Request, deed: str, found: list[Row], reason: str | None) -> tuple[int, list[Row]]:
    """Do it to each in a transaction of its own, so that one refusal keeps nothing else from being done."""
    done, refused = 0, []
    for each in found:
        try:
            with place.changing(request) as connection:
                if deed == "retry":
                    deeds.retry(connection, request, each["id"])
                else:
                    deeds.cancel(connection, request, each["id"], reason)
            done += 1
        except (SchedulerError, psycopg.Error) as error:
            problem = problem_of(error, request.state.trace_id)
            if problem.status >= 500:
                raise
            refused.append({**each, "why": problem.detail})
    return done, refused


def _bulk_page(request: Request, deed: str, wanted: queries.Filter, choices: Any, **values: Any) -> Response:
    given = {"found": None, "done": None, "refused": (), **values}
    return page(request, "executions_bulk.html", deed=deed, wanted=wanted, choices=choices, filtered=filtered(request),
                most=queries.MOST, ask_above=ASK_ABOVE, shown=REFUSALS_SHOWN, status_word=status_word,
                trigger_name=lambda trigger: trigger_words({"trigger": trigger}), **given)
