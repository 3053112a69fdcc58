"""`/scheduler/nodes`: the daemons as they report themselves; how to start one when none lives."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from scheduler import __version__
from scheduler.queries.nodes import list_nodes
from scheduler.queries.rows import rows
from scheduler.web.place import place_of
from scheduler.web.render import page
from scheduler.web.rights import viewer

router = APIRouter(include_in_schema=False)
RUNNING = """
SELECT execution_id, job_id, job_name, node, started_at, usual_ms, cancel_requested
  FROM schedule_running ORDER BY started_at LIMIT 200
"""
COMMANDS = (
    ("systemd", "sudo systemctl start erp-scheduler"), ("pm2", "pm2 start ecosystem.config.js"),
    ("shell", "erp-scheduler start -d"),
)


@router.get("/scheduler/nodes", dependencies=[viewer])
def nodes(request: Request) -> Response:
    """Show the nodes, what they run, and those that are gone."""
    with place_of(request).reading() as connection:
        found = list_nodes(connection, every=request.query_params.get("all") == "1")
        running = rows(connection, RUNNING)
    living = [each for each in found if each["living"]]
    return page(
        request, "nodes.html", living=living, gone=[each for each in found if not each["living"]], running=running,
        busy=len(running), room=sum(each["workers"] for each in living), commands=COMMANDS,
        versions=sorted({each["version"] for each in living} | {__version__}),
    )
