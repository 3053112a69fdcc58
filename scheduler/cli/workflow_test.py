"""`workflows run --test`: wait for all steps of one run and say what each gave."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from scheduler.cli import exit_codes
from scheduler.cli.grammar import chosen
from scheduler.cli.output import hint, print_json, print_table, spell_duration, tell
from scheduler.rules.workflows import NOT_RUN
from scheduler.words import say

if TYPE_CHECKING:
    from psycopg import Connection

LOOK_SECONDS = 0.2
FAILED = ("failed", "timed_out", "lost", "cancelled")


def watch(connection: Connection[Any], name: str, above: int, limit: float) -> int:
    """Wait until every step has ended or will not run.

    above    executions of this run have higher ids
    Returns  0 when none failed, 1 when one did, 124 when *limit* seconds passed
    """
    from scheduler.queries.workflow_runs import look

    deadline = time.monotonic() + limit
    said: dict[str, str] = {}
    while True:
        found, is_over = look(connection, name, above)
        _say_changes(found, said)
        if is_over or time.monotonic() > deadline:
            break
        time.sleep(LOOK_SECONDS)
    _show(found)
    if not is_over:
        tell(say("시간이 지났습니다. 실행은 계속됩니다", "the time is over; the executions go on"))
        return exit_codes.TIMEOUT
    return exit_codes.FAILED if any(each["status"] in FAILED for each in found) else exit_codes.OK


def _say_changes(found: list[dict[str, Any]], said: dict[str, str]) -> None:
    for each in found:
        if each["execution_id"] is not None and said.get(each["step"]) != each["status"]:
            said[each["step"]] = each["status"]
            hint(f"{each['step']}: {each['status']}")


def _show(found: list[dict[str, Any]]) -> None:
    if chosen().json:
        print_json(found)
        return
    print_table(found, [
        (say("단계", "STEP"), lambda row: row["step"]),
        (say("상태", "STATUS"), lambda row: say("실행 안 됨", "not run") if row["status"] == NOT_RUN else row["status"]),
        (say("실행", "EXECUTION"), lambda row: row["execution_id"]),
        (say("시간", "TOOK"), lambda row: spell_duration(row["duration_ms"])),
        (say("결과", "RESULT"), _gave),
    ], empty=say("단계가 없습니다", "there are no steps"))


def _gave(row: Mapping[str, Any]) -> str:
    if row["error_message"]:
        return str(row["error_message"]).splitlines()[0][:200]
    if row["skip_reason"]:
        return str(row["skip_reason"])
    return " ".join(f"{name}={value}" for name, value in (row["result"] or {}).items() if not isinstance(value, (dict, list)))
