"""An execution in a person's words: what set it off, what it waits for, how it ended."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from scheduler.words import say

Row = Mapping[str, Any]
TRIGGERS = ("schedule", "manual", "retry", "catchup", "dependency", "backfill")
# What the scheduler itself writes of an execution; it keeps one language, whoever reads it.
TIMED_OUT = re.compile(r"did not end within timeout_minutes = ([\d.]+)")
LOST = re.compile(r"lost on node ([^:\n]+)(?:: (.*))?", re.DOTALL)


def trigger_words(row: Row) -> str:
    """Say what set an execution off."""
    words = {
        "schedule": say("일정", "schedule"), "manual": say("손으로", "manual"), "retry": say("재시도", "retry"),
        "catchup": say("놓친 것", "catchup"), "dependency": say("선행 작업", "after a job"), "backfill": say("소급", "backfill"),
    }
    return words.get(row["trigger"], str(row["trigger"]))


def result_words(row: Row) -> str:
    """Return what an execution says of itself in one line: what it waits for, counts, progress, the reason or the error."""
    if row["cancel_reason"] or row["error_message"]:
        return note_words(row)
    if row["skip_reason"]:
        return skip_words(str(row["skip_reason"]))
    if row["held_for"] is not None and row["status"] == "queued":
        return waiting_words(row)
    figures = row["result"] or (row["progress"] or {}).get("counts") or {}
    return " ".join(f"{name}={value}" for name, value in figures.items() if not isinstance(value, (dict, list)))


def note_words(row: Row) -> str:
    """Say why an execution ended as it did, in one line; nothing for one that simply went well."""
    if row["cancel_reason"]:
        return say(f"취소: {row['cancel_reason']}", f"cancelled: {row['cancel_reason']}")
    if row["error_message"]:
        return _error_words(str(row["error_message"]))
    reason = str(row["skip_reason"] or "")
    return skip_words(reason).removeprefix(f"{reason}: ")


def _error_words(message: str) -> str:
    first = message.splitlines()[0][:200] if message.strip() else ""
    late, lost = TIMED_OUT.fullmatch(first), LOST.fullmatch(first)
    if late is not None:
        minutes = f"{float(late[1]):g}"
        return say(f"제한 시간 {minutes}분 안에 끝나지 않음", f"did not end within its time limit of {minutes} min")
    if lost is not None:
        return say(f"노드 {lost[1]}에서 소식이 끊김", f"lost on node {lost[1]}") + (f": {lost[2]}" if lost[2] else "")
    return first


def skip_words(reason: str) -> str:
    """Say why a planned time was skipped: the scheduler's own reasons in words, a handler's as it gave it."""
    words = {
        "overlap": say("앞 실행이 끝나지 않음", "the former was not done"),
        "dependency": say("앞 예정이 아직 선행 작업을 기다림", "a former planned time still waits for other jobs"),
        "misfire": say("너무 늦음", "too late"), "no_handler": say("아는 노드가 없었음", "no node knew the type"),
    }
    return f"{reason}: {words[reason]}" if reason in words else reason


def waiting_words(row: Row) -> str:
    """Say what an execution is held for."""
    names = ", ".join(row["waits_for"] or ())
    if not names:
        return say("선행 작업을 기다림", "waits for other jobs")
    return say(f"{names}을(를) 기다림", f"waits for {names}")
