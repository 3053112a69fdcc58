"""`/scheduler/problems`: all that needs somebody, by kind and by cause."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import APIRouter, Request
from starlette.responses import Response

from scheduler.queries import web_problems
from scheduler.web import list_filters
from scheduler.web.pages.executions import number_of
from scheduler.web.place import place_of
from scheduler.web.render import page
from scheduler.web.rights import viewer
from scheduler.words import say

router = APIRouter(include_in_schema=False)
PATH = "/scheduler/problems"
SHOWN = 50
LAST = 1_000_000
LONGEST_CAUSE = 300
KINDS: Mapping[str, tuple[str, str]] = {
    "no_node": ("데몬 없음", "No daemon"), "drained": ("모든 노드 비움", "All nodes drained"),
    "dead_node": ("응답 없는 노드", "Silent nodes"), "full_pool": ("자리 없음", "No free slot"),
    "invalid": ("설정 오류", "Cannot be run as written"), "failing": ("이어서 실패", "Failing"),
    "overdue": ("예정 시각이 지남", "Past their time"), "stuck": ("10분 넘게 대기", "Waiting for more than ten minutes"),
    "slow": ("오래 실행 중", "Running for long"), "skipping": ("여러 번 건너뜀", "Skipped many times"),
    "expiring_key": ("만료되는 키", "Keys that expire"), "lock_by_hand": ("사람이 잠금", "Locked by a person"),
}


@router.get(PATH, dependencies=[viewer])
def problems(request: Request) -> Response:
    """Show what needs somebody, the gravest first; many jobs with one cause as one line, each by itself when it is asked for."""
    kind = list_filters.choice_of(request, "kind", tuple(KINDS))
    cause = (request.query_params.get("cause") or "").replace("\0", "")[:LONGEST_CAUSE] or None
    skip = min(number_of(request.query_params.get("skip")) or 0, LAST)
    with place_of(request).reading() as connection:
        found = (web_problems.gathered(connection, SHOWN + 1, skip) if kind is None else
                 web_problems.one_by_one(connection, kind, cause, SHOWN + 1, skip))
        kinds = web_problems.kinds(connection)
    return page(request, "problems.html", problems=found[:SHOWN], kinds=kinds, kind=kind, cause=cause, skip=skip, shown=SHOWN,
                has_more=len(found) > SHOWN, total=sum(each["number"] for each in kinds), kind_words=kind_words)


def kind_words(kind: str) -> str:
    """Name a kind of problem in the language of the request; one that is unknown keeps its name."""
    found = KINDS.get(kind)
    return say(*found) if found else kind
