"""`/scheduler/executions`: the history and the queue by filters that live in the address."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import psycopg
from fastapi import APIRouter, Request
from starlette.responses import Response

from scheduler.cli.execution_words import TRIGGERS, result_words, trigger_words
from scheduler.queries import filtered_executions as queries
from scheduler.web import list_filters, searches
from scheduler.web.inputs import refused
from scheduler.web.place import place_of
from scheduler.web.problems import Refused
from scheduler.web.render import SEOUL, page
from scheduler.web.rights import viewer
from scheduler.web.status_words import STATES, status_word
from scheduler.words import say

router = APIRouter(include_in_schema=False)
PATH = "/scheduler/executions"
STATUSES = ("queued", "running", "success", "failed", "timed_out", "lost", "skipped", "cancelled")
EXPORTED = 10_000
PERIODS = ("1h", "6h", "24h", "7d", "30d")
NAMES = searches.EXECUTION_FILTERS
MOST_TICKED = 1000


@router.get(PATH, dependencies=[viewer])
def executions(request: Request) -> Response:
    """Show the executions that the address asks for, newest first; a filter that cannot be read shows none."""
    before, fault = number_of(request.query_params.get("before")), ""
    with place_of(request).reading() as connection:
        try:
            wanted = filter_of(connection, request)
            listed = queries.list_page(connection, wanted, before)
        except Refused as error:
            wanted, listed, fault = queries.Filter(), queries.Listed([], None, True), error.problem.detail
        choices = queries.choices(connection, wanted.job)
        kept = searches.of_page(connection, request, searches.EXECUTIONS)
    return page(request, "executions.html", listed=listed, wanted=wanted, choices=choices, before=before, tabs=tabs(wanted),
                searches=kept, exported=EXPORTED, result_words=result_words, trigger_words=trigger_words, triggers=TRIGGERS,
                periods=periods(), trigger_name=lambda trigger: trigger_words({"trigger": trigger}), filtered=filtered(request),
                fault=fault, korea=SEOUL)


def filter_of(connection: psycopg.Connection[Any], request: Request) -> queries.Filter:
    """Read the filter out of the address. Raises Refused (422) for what cannot be read: it never means "all"."""
    given = {name: list_filters.text_of(request, name) for name in ("type", "market", "node", "q")}
    return queries.Filter(
        statuses=list_filters.choices_of(request, "status", STATUSES), job=_job(connection, list_filters.text_of(request, "job")),
        job_type=given["type"] or None, market=given["market"] or None,
        trigger=list_filters.choice_of(request, "trigger", TRIGGERS), node=given["node"] or None,
        since=list_filters.moment_of(request, "since"), until=list_filters.moment_of(request, "until"), q=given["q"] or None,
    )


def meant_of(connection: psycopg.Connection[Any], request: Request) -> queries.Filter:
    """Read the filter for a deed or an export, whose address may say nothing else. Raises Refused (422)."""
    list_filters.refuse_unknown(request, NAMES, ("id", "some", "before"))
    return filter_of(connection, request)


def _job(connection: psycopg.Connection[Any], text: str) -> int | None:
    """Return the number of the job that is named, None for any. Raises Refused (422)."""
    if not text:
        return None
    found = queries.job_named(connection, text)
    if not found:
        raise refused("job", say(f"job: '{text[:50]}' 작업을 찾지 못했습니다", f"job: there is no job '{text[:50]}'"))
    return found


def number_of(text: str | None) -> int | None:
    """Return a whole number out of an address, None for anything else."""
    return int(text) if text and re.fullmatch(r"\d{1,18}", text) else None


def ticked(texts: Sequence[str]) -> list[int]:
    """Return the numbers that were ticked, each once."""
    found = (number_of(each) for each in texts[:MOST_TICKED])
    return sorted({each for each in found if each is not None})


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
