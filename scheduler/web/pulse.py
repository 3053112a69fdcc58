"""Whether the scheduler runs, in one word and a colour: green well, yellow degraded, red stopped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from scheduler.words import say

FULL_FOR = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Pulse:
    """kind is good, warn or bad; *why* says what is amiss, one line each."""

    kind: str
    icon: str
    words: str
    why: tuple[str, ...] = ()


def pulse_of(state: Mapping[str, Any], now: datetime | None = None) -> Pulse:
    """Judge what ``web_overview.status`` found."""
    if not state["alive"]:
        return Pulse("bad", "■", say("중지됨", "Stopped"))
    amiss = tuple(_amiss(state, now or datetime.now(UTC)))
    if amiss:
        return Pulse("warn", "!", say("실행 중, 주의 필요", "Running, with trouble"), amiss)
    return Pulse("good", "●", say("실행 중", "Running"))


def _amiss(state: Mapping[str, Any], now: datetime) -> list[str]:
    found = []
    if state.get("drained"):
        found.append(say("모든 노드를 비워 두었습니다", "Every node is drained"))
    if state["lost"]:
        names = ", ".join(state["lost"])
        found.append(say(f"응답 없는 노드: {names}", f"No answer from: {names}"))
    since = state["waiting_since"]
    if not state.get("drained") and state["running"] >= state["workers"] and since is not None and now - since > FULL_FOR:
        found.append(say("자리가 5분 넘게 모두 차 있습니다", "All slots have been taken for more than five minutes"))
    if state["overdue"]:
        found.append(say(f"예정 시각이 지난 작업 {state['overdue']}개", f"Jobs past their time: {state['overdue']}"))
    return found
