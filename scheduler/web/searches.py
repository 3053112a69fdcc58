"""Saved searches: which lists have them, what of an address they keep, and what a page shows of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, urlencode

import psycopg
from starlette.requests import Request

from scheduler.queries import web_jobs, web_searches
from scheduler.queries.rows import Row
from scheduler.web.job_list import COLUMNS
from scheduler.web.people import Person

JOBS, EXECUTIONS = "jobs", "executions"
EXECUTION_FILTERS = ("status", "job", "type", "market", "trigger", "node", "since", "until", "q")
PATHS: Mapping[str, str] = {JOBS: "/scheduler/jobs", EXECUTIONS: "/scheduler/executions"}
KEPT: Mapping[str, tuple[str, ...]] = {JOBS: (*web_jobs.FILTERS, "sort", "columns"), EXECUTIONS: EXECUTION_FILTERS}
SEVERAL: Mapping[str, tuple[str, ...]] = {JOBS: ("columns",), EXECUTIONS: ("status",)}
LONGEST_QUERY = 2000
LONGEST_VALUE = 200


def cleaned(list_: str, query: str, without: Sequence[str] = ()) -> str:
    """Return what a search keeps of the query string of an address: filters that the list knows, each once, nothing else."""
    known = [name for name in KEPT[list_] if name not in without]
    found: dict[str, list[str]] = {}
    for name, value in parse_qsl(query[:LONGEST_QUERY].removeprefix("?"), max_num_fields=100):
        text = value.replace("\0", "").strip()[:LONGEST_VALUE]
        if name in known and text and _means(list_, name, text) and text not in found.setdefault(name, []):
            found[name].append(text)
    return urlencode({name: ",".join(found[name]) if name in SEVERAL[list_] else found[name][0]
                      for name in known if found.get(name)})


def _means(list_: str, name: str, value: str) -> bool:
    """Say whether a value is one that the list would go by."""
    if list_ == JOBS and name == "sort":
        return value.removeprefix("-") in web_jobs.ORDERS
    if name == "columns":
        return any(each in COLUMNS for each in value.split(","))
    return True


def of_page(connection: psycopg.Connection[Any], request: Request, list_: str) -> Row | None:
    """Return what a list shows of searches: those there are, and what would be kept now; None for programs, who have none."""
    person: Person = request.state.person
    if person.user_id is None:
        return None
    now = cleaned(list_, request.url.query)
    found = [{**each, "address": f"{PATHS[list_]}?{each['query']}", "here": each["query"] == now}
             for each in web_searches.listed(connection, person.user_id, list_)]
    return {"list": list_, "all": found, "now": now, "may_share": person.role in ("operator", "admin"),
            "may_remove": person.role == "admin"}
