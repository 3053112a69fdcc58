"""`/scheduler/nodes`: the daemons as they report themselves; how to start one when none lives."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from scheduler import __version__
from scheduler.queries.nodes import list_drains, list_nodes, state_words
from scheduler.queries.rows import rows
from scheduler.web import aside_deeds
from scheduler.web.place import place_of
from scheduler.web.render import page
from scheduler.web.rights import operator, viewer

router = APIRouter(include_in_schema=False)
RUNNING = """
SELECT execution_id, job_id, job_name, node, started_at, usual_ms, cancel_requested
  FROM schedule_running ORDER BY started_at LIMIT 200
"""
COMMANDS = (
    ("systemd", "sudo systemctl start erp-scheduler"), ("pm2", "pm2 start deploy/ecosystem.config.js"),
    ("shell", "erp-scheduler start -d"),
)


@router.get("/scheduler/nodes", dependencies=[viewer])
def nodes(request: Request) -> Response:
    """Show the nodes, what they run, and those that are gone."""
    with place_of(request).reading() as connection:
        found = list_nodes(connection, every=request.query_params.get("all") == "1")
        running, drains = rows(connection, RUNNING), list_drains(connection)
    found = [{**each, "words": state_words(each)} for each in found]
    living = [each for each in found if each["living"]]
    return page(
        request, "nodes.html", living=living, gone=[each for each in found if not each["living"]], running=running,
        busy=len(running), room=sum(each["workers"] if each["drained_since"] is None else each["running"] for each in living),
        commands=COMMANDS, away=[each for each in drains if each["node"] not in {node["name"] for node in living}],
        versions=sorted({each["version"] for each in living} | {__version__}),
    )


@router.post("/scheduler/nodes/drain", dependencies=[operator])
def drain(request: Request, node: Annotated[str, Form()], reason: Annotated[str, Form()] = "") -> Response:
    """Let a node take no new work; what runs on it goes on to its end."""
    with place_of(request).changing(request) as connection:
        aside_deeds.drain(connection, request, node, reason or None)
    return RedirectResponse("/scheduler/nodes", 303)


@router.post("/scheduler/nodes/undrain", dependencies=[operator])
def undrain(request: Request, node: Annotated[str, Form()]) -> Response:
    """Let a drained node take work again."""
    with place_of(request).changing(request) as connection:
        aside_deeds.undrain(connection, request, node)
    return RedirectResponse("/scheduler/nodes", 303)
