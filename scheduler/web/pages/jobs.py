"""`/scheduler/jobs`: the list, whose filters and order live in the address."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from scheduler.queries import web_jobs
from scheduler.queries.rows import Row
from scheduler.web.job_rows import with_pictures
from scheduler.web.paging import make_cursor, read_cursor
from scheduler.web.place import place_of
from scheduler.web.render import page
from scheduler.web.rights import viewer

router = APIRouter(include_in_schema=False)
SHOWN = 50
LONGEST = 200


@router.get("/scheduler/jobs", dependencies=[viewer])
def jobs(request: Request) -> Response:
    """Show a page of the jobs that the filters of the address let through; programs get the list as JSON."""
    if "text/html" not in request.headers.get("accept", "") and request.headers.get("hx-request") != "true":
        from scheduler.web.api.compat_recipe import json_jobs

        return with_vary(json_jobs(request))
    filters = filters_of(request.query_params)
    sort, falls = order_of(request.query_params)
    with place_of(request).reading() as connection:
        found = web_jobs.page_of_jobs(connection, filters, sort, falls, place_after(request, sort, falls), SHOWN + 1)
        values: dict[str, Any] = {
            "jobs": with_pictures(connection, found[:SHOWN]), "choices": web_jobs.choices(connection),
            "matching": web_jobs.count_jobs(connection, filters),
        }
    last = found[SHOWN - 1] if len(found) > SHOWN else None
    cursor = None if last is None else make_cursor(scope_of(sort, falls), (last["sort_key"], last["id"]))
    return with_vary(page(request, "jobs.html", **values, filters=filters, sort=sort, falls=falls, cursor=cursor,
                          healths=web_jobs.HEALTHS, back=address_of(request)))


def filters_of(query: Mapping[str, str]) -> Row:
    """Return the filters of an address; those that are empty let everything through."""
    return {name: query[name].replace("\0", "")[:LONGEST] for name in web_jobs.FILTERS if query.get(name)}


def order_of(query: Mapping[str, str]) -> tuple[str, bool]:
    """Read ``sort=name`` or ``sort=-name``: the column, and whether it falls. The worst come first when nothing is said."""
    text = query.get("sort", "")
    name = text.removeprefix("-")
    if name not in web_jobs.ORDERS:
        return "worst", True
    return name, text.startswith("-")


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
