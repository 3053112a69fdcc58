"""`/scheduler/jobs-export`: the jobs of a filter as a file that import reads again."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from scheduler.errors import NotFound
from scheduler.queries import web_jobs
from scheduler.queries.config import exported, read_present
from scheduler.rules.config_writing import as_yaml
from scheduler.web.config_masks import masked
from scheduler.web.pages.jobs import meant_of
from scheduler.web.place import place_of
from scheduler.web.render import SEOUL
from scheduler.web.rights import viewer
from scheduler.words import say

router = APIRouter(include_in_schema=False)
LARGEST = 2**63 - 1


@router.get("/scheduler/jobs-export", dependencies=[viewer])
def export(request: Request, id: Annotated[list[int] | None, Query()] = None, all: bool = False) -> Response:
    """Write the jobs that are ticked, else those of the filter, as YAML; plain secrets are masked in it."""
    ids = None if all or not id else [each for each in id if 0 < each <= LARGEST]
    with place_of(request).reading() as connection:
        found = web_jobs.matching(connection, {} if ids is not None else meant_of(request), ids)
        config = exported(read_present(connection), [each["name"] for each in found])
    if not found:
        raise NotFound(say("내보낼 작업이 없습니다", "there is no job to export"))
    left = len(found) - len(config.jobs)
    note = say(f"# 워크플로의 작업 {left}개는 여기에 없습니다\n", f"# {left} jobs of workflows are not in here\n") if left else ""
    name = f"jobs-{datetime.now(UTC).astimezone(SEOUL):%Y%m%d-%H%M}.yaml"
    return Response(note + as_yaml(masked(config)), media_type="application/yaml", headers={
        "Content-Disposition": f'attachment; filename="{name}"'})
