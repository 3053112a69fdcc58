"""`/scheduler/jobs-examples`: six paused jobs to begin with, for a list that is empty."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from scheduler.queries.config_import import take_turn_and_apply
from scheduler.queries.presets import missing, read_preset
from scheduler.web.audit import note
from scheduler.web.place import place_of
from scheduler.web.rights import admin

router = APIRouter(include_in_schema=False)


@router.post("/scheduler/jobs-examples", dependencies=[admin])
def add_examples(request: Request) -> Response:
    """Add the everyday jobs of a shop, paused; those that are there already stay as they are."""
    preset = read_preset("shop")
    with place_of(request).changing(request) as connection:
        _, changes = missing(connection, preset)
        if changes:
            take_turn_and_apply(connection, lambda: missing(connection, preset), changes)
        for each in changes:
            after = {name: new for name, _, new in each.fields}
            note(connection, request, "job.import", f"job:{each.name}", each.name, after={"action": each.action, **after})
    return RedirectResponse("/scheduler/jobs", 303)
