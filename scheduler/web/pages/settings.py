"""`/scheduler/settings`: what is in force, and the two limits that the database keeps."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from psycopg.conninfo import conninfo_to_dict
from starlette.responses import RedirectResponse, Response

from scheduler.queries import health, web_settings
from scheduler.secrets import MASK, SECRET_NAME
from scheduler.settings import Settings
from scheduler.web.audit import note
from scheduler.web.place import place_of
from scheduler.web.render import page
from scheduler.web.rights import admin, viewer

router = APIRouter(include_in_schema=False)
SETTINGS = "/scheduler/settings"
GROUPS = (
    ("node", ("node", "workers", "poll_seconds", "max_executions_per_child", "memory_mb", "handlers")),
    ("lease", ("lease_seconds", "heartbeat_seconds", "reap_grace_seconds", "drain_seconds", "kill_seconds",
               "timeout_grace_seconds")),
    ("files", ("state_dir", "log_dir", "log_level", "log_days", "backup_dir", "report_dir", "lang")),
    ("web", ("web_host", "web_port", "web_hosts", "web_frames", "web_behind_proxy", "web_cert", "web_key")),
)


@router.get(SETTINGS, dependencies=[viewer])
def settings(request: Request) -> Response:
    """Show the settings of this installation."""
    place = place_of(request)
    with place.reading() as connection:
        limits, server, facts = web_settings.limits(connection), health.server(connection), web_settings.facts(connection)
    groups = [(group, [(name, shown(place.settings, name)) for name in names]) for group, names in GROUPS]
    return page(request, "settings.html", groups=groups, limits=limits, server=server, facts=facts,
                address=address(place.settings), settings=place.settings)


@router.post(SETTINGS + "/limits", dependencies=[admin])
def set_limits(
    request: Request, minimum_interval: Annotated[str, Form()] = "", maximum_interval: Annotated[str, Form()] = ""
) -> Response:
    """Set how short and how long the interval of a job may be."""
    with place_of(request).changing(request) as connection:
        former = web_settings.limits(connection)
        given = web_settings.set_limits(connection, minimum_interval, maximum_interval)
        note(connection, request, "setting.change", "setting:interval", before=former, after=given)
    return RedirectResponse(SETTINGS, 303)


def shown(settings: Settings, name: str) -> str:
    """Return a setting as anybody may see it."""
    value: Any = getattr(settings, name)
    if SECRET_NAME.search(name) and value:
        return MASK
    return "–" if value in (None, "") else str(value)


def address(settings: Settings) -> dict[str, str]:
    """Return where the database is, without what opens it."""
    known = conninfo_to_dict(settings.database_url or "")
    return {name: str(known[name]) for name in ("host", "port", "dbname", "user", "sslmode") if known.get(name)}
