"""Workflows as documents, and what becomes of their steps: pure, the database keeps the jobs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from scheduler.errors import ScheduleError
from scheduler.rules.quoting import quoted
from scheduler.words import say

KEYS = ("name", "description", "schedule", "steps")
FAILURES = frozenset({"failed", "timed_out", "lost"})
NOT_RUN = "not_run"
DUE = "due"
WAITING = "waiting"


@dataclass(frozen=True, slots=True)
class Step:
    """One step, and after which others it runs.

    outcome  ``success`` or ``failure``: how those have to end
    """

    name: str
    follows: tuple[str, ...] = ()
    outcome: str = "success"


def workflows_in(value: Any) -> list[dict[str, Any]]:
    """Return the workflows of a document: one, a list, or a list under ``workflows``.

    What each holds is judged by the database, all at once; here only what would be lost silently is refused.
    Raises  ScheduleError
    """
    if isinstance(value, dict) and set(value) == {"workflows"}:
        value = value["workflows"]
    found = value if isinstance(value, list) else [value]
    if not found:
        raise ScheduleError(say("워크플로우가 없습니다", "there is no workflow in it"))
    return [_workflow(each) for each in found]


def _workflow(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict) or not isinstance(value.get("name"), str) or "steps" not in value:
        raise ScheduleError(say("워크플로우에는 name과 steps가 있어야 합니다", "a workflow has a name and steps")
                            + "\n" + '{"name": "morning", "steps": [{"name": "orders", "job_type": "order_collection"}]}')
    unknown = [str(key) for key in value if key not in KEYS]
    if unknown:
        raise ScheduleError(say(
            f"{quoted(unknown[0])}은(는) 없는 항목입니다. {', '.join(KEYS)}를 쓰세요",
            f"{quoted(unknown[0])} is not known; known are {', '.join(KEYS)}"))
    return value


def steps_ahead(steps: Iterable[Step], ended: Mapping[str, str]) -> dict[str, str]:
    """Say of each step that has not ended whether it is ``due``, ``waiting`` for others, or will not run (``not_run``).

    ended  how steps ended: the status of their last attempt
    """
    known = dict(ended)
    ahead: dict[str, str] = {}
    rest = [step for step in steps if step.name not in known]
    while True:
        before = len(known)
        for step in rest:
            ahead[step.name] = _state(step, known)
            if ahead[step.name] == NOT_RUN:
                known[step.name] = NOT_RUN
        if len(known) == before:
            return ahead


def _state(step: Step, ended: Mapping[str, str]) -> str:
    ends = [ended.get(name) for name in step.follows]
    if any(end is not None and not _meets(end, step.outcome) for end in ends):
        return NOT_RUN
    return WAITING if None in ends else DUE


def _meets(end: str, outcome: str) -> bool:
    return end == "success" if outcome == "success" else end in FAILURES
