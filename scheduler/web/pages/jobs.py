"""`/scheduler/jobs`: the list, whose filters, order and columns live in the address."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import psycopg
from fastapi import APIRouter, Request
from starlette.responses import Response

from scheduler.queries import web_jobs, web_searches
from scheduler.queries.job_facets import facet_counts
from scheduler.queries.rows import Row
from scheduler.web import list_filters, searches
from scheduler.web.job_list import ALL, FIXED, PREFERENCE, Column, read_columns, shown_columns
from scheduler.web.job_rows import with_pictures
from scheduler.web.paging import make_cursor, read_cursor
from scheduler.web.people import Person
from scheduler.web.place import place_of
from scheduler.web.problems import Refused
from scheduler.web.render import page
from scheduler.web.rights import viewer
from scheduler.words import say

router = APIRouter(include_in_schema=False)
SHOWN = 50
STATUSES = ("active", "paused", "invalid", "completed")
ASIDE = ("sort", "columns", "cursor")
"""What an address of the list says besides its filters."""


@router.get("/scheduler/jobs", dependencies=[viewer])
def jobs(request: Request) -> Response:
    """Show a page of the jobs that the filters of the address let through; programs get the list as JSON."""
    if "text/html" not in request.headers.get("accept", "") and request.headers.get("hx-request") != "true":
        from scheduler.web.api.compat_recipe import json_jobs

        return with_vary(json_jobs(request))
    filters, fault = _readable(request)
    sort, falls = order_of(request.query_params)
    with place_of(request).reading() as connection:
        place = place_after(request, sort, falls)
        found = [] if fault else web_jobs.page_of_jobs(connection, filters, sort, falls, place, SHOWN + 1)
        values: dict[str, Any] = {
            "jobs": with_pictures(connection, found[:SHOWN]), "choices": web_jobs.choices(connection),
            "matching": 0 if fault else web_jobs.count_jobs(connection, filters), "counts": facet_counts(connection, filters),
            "searches": searches.of_page(connection, request, searches.JOBS), **columns_for(connection, request),
        }
    last = found[SHOWN - 1] if len(found) > SHOWN else None
    cursor = None if last is None else make_cursor(scope_of(sort, falls), (last["sort_key"], last["id"]))
    return with_vary(page(request, "jobs.html", **values, filters=filters, sort=sort, falls=falls, cursor=cursor,
                          healths=web_jobs.HEALTHS, back=address_of(request), params=params_of(request),
                          orders=orders(sort, falls), columns_known=ALL, fixed=FIXED, fault=fault))


def filters_of(request: Request) -> Row:
    """Return the filters of an address; those that are empty let everything through. Raises Refused (422)."""
    found = {name: list_filters.text_of(request, name) for name in web_jobs.FILTERS}
    list_filters.choice_of(request, "status", STATUSES)
    list_filters.choice_of(request, "health", web_jobs.HEALTHS)
    return {name: text for name, text in found.items() if text}


def meant_of(request: Request) -> Row:
    """Return the filters for a deed or an export, whose address may say nothing else. Raises Refused (422)."""
    list_filters.refuse_unknown(request, web_jobs.FILTERS, (*ASIDE, "action", "id", "all"))
    return filters_of(request)


def _readable(request: Request) -> tuple[Row, str]:
    """Return the filters of an address and what is wrong with them: a list says so and shows nothing."""
    try:
        return filters_of(request), ""
    except Refused as error:
        return {}, error.problem.detail


def params_of(request: Request) -> Row:
    """Return what the address says, each name once: every link of the page carries it on."""
    query = request.query_params
    columns = ",".join(read_columns(query.getlist("columns")))
    return {**_readable(request)[0], "sort": query.get("sort"), "columns": columns or None, "cursor": query.get("cursor")}


def columns_for(connection: psycopg.Connection[Any], request: Request) -> Row:
    """Return the columns to show, and whether they are those that the person likes."""
    person: Person = request.state.person
    liked = None if person.user_id is None else web_searches.preference(connection, person.user_id, PREFERENCE)
    shown = shown_columns(request.query_params.getlist("columns"), liked)
    return {"columns": shown, "column_names": [each.name for each in shown], "has_liked": liked is not None,
            "are_liked": [each.name for each in shown] == [each.name for each in shown_columns((), liked)]}


def order_of(query: Mapping[str, str]) -> tuple[str, bool]:
    """Read ``sort=name`` or ``sort=-name``: the column, and whether it falls. The worst come first when nothing is said."""
    text = query.get("sort", "")
    name = text.removeprefix("-")
    if name not in web_jobs.ORDERS:
        return "worst", True
    return name, text.startswith("-")


def orders(sort: str, falls: bool) -> list[tuple[str, str, bool]]:
    """Return the orders to choose from: value, words, and whether it is the present one; each in its usual direction."""
    found = [("", say("문제 있는 것부터", "Worst first"), (sort, falls) == ("worst", True))]
    for each in ALL:
        if each.sort == "worst":
            continue
        here, way = each.sort == sort, falls if each.sort == sort else each.falls
        found.append((_sort_value(each, way), f"{each.words} {'▾' if way else '▴'}", here))
    if (sort, falls) == ("worst", False):
        found.append(("worst", say("문제 없는 것부터", "Best first"), True))
    return found


def _sort_value(column: Column, falls: bool) -> str:
    return f"-{column.sort}" if falls else column.sort


def scope_of(sort: str, falls: bool) -> str:
    return f"web-jobs {sort} {falls}"


def place_after(request: Request, sort: str, falls: bool) -> tuple[str, int] | None:
    """Return where the page goes on. Raises Refused for a cursor of another list."""
    text = request.query_params.get("cursor")
    if not text:
        return None
    key, number = read_cursor(text, scope_of(sort, falls), (str, int))
    return (str(key), int(number)) if web_jobs.ORDERS[sort].shape.fullmatch(str(key)) else None


def address_of(request: Request) -> str:
    """Return the address of this page, to come back to."""
    return f"{request.url.path}?{request.url.query}" if request.url.query else request.url.path


def with_vary(response: Any) -> Response:
    """Say that the answer goes by what is accepted."""
    made: Response = response
    made.headers["Vary"] = "Accept"
    return made
