"""Wait for executions to end, saying how far they are."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from scheduler.cli import exit_codes
from scheduler.cli.execution_words import skip_words, waiting_words
from scheduler.cli.grammar import chosen
from scheduler.cli.output import clean, hint, print_json, show, spell_duration, tell
from scheduler.model import ENDED
from scheduler.words import say

if TYPE_CHECKING:
    from psycopg import Connection

LOOK_SECONDS = 0.2
FAILED = ("failed", "timed_out", "cancelled", "lost")


def wait_for(connection: Connection[Any], ids: list[int], limit: float | None) -> int:
    """Wait until all executions and their retries have ended.

    Returns  0 when the last attempt of each succeeded or was skipped, 1 when one failed, 124 when *limit* seconds passed
    """
    deadline = None if limit is None else time.monotonic() + limit
    waiting, ended = list(ids), []
    said: dict[int, str] = {}
    while waiting:
        if deadline is not None and time.monotonic() > deadline:
            tell(say(f"시간이 지났습니다. 실행은 계속됩니다: {waiting}", f"the time is over; the executions go on: {waiting}"))
            hint(f"→ erp-scheduler executions logs {waiting[0]} --follow")
            return exit_codes.TIMEOUT
        waiting, done = _look(connection, waiting, said)
        ended += done
        if waiting:
            time.sleep(LOOK_SECONDS)
    _show(ended)
    return exit_codes.FAILED if any(row["status"] in FAILED for row in ended) else exit_codes.OK


def _look(connection: Connection[Any], ids: list[int], said: dict[int, str]) -> tuple[list[int], list[Any]]:
    from scheduler.queries.executions import execution, successor

    waiting, done = [], []
    for number in ids:
        row = execution(connection, number)
        following = successor(connection, number) if row["status"] in ENDED else None
        if following is not None:
            hint(say(f"실행 {number}: {row['status']}, 재시도 {following}",
                     f"execution {number}: {row['status']}, retry {following}"))
            waiting.append(following)
        elif row["status"] in ENDED:
            done.append(row)
        else:
            waiting.append(number)
            _say_progress(row, said)
    return waiting, done


def _say_progress(row: Any, said: dict[int, str]) -> None:
    progress = row["progress"] or {}
    held = waiting_words(row) if row["held_for"] is not None and row["status"] == "queued" else ""
    parts = [row["status"], held, str(progress.get("message") or "")]
    if progress.get("done") is not None:
        parts.append(f"{progress['done']}/{progress['total']}" if progress.get("total") else str(progress["done"]))
    parts += [f"{name}={value}" for name, value in (progress.get("counts") or {}).items()]
    text = " ".join(part for part in parts if part)
    if said.get(row["id"]) != text:
        said[row["id"]] = text
        hint(say(f"실행 {row['id']}: {text}", f"execution {row['id']}: {text}"))


def _show(ended: list[Any]) -> None:
    if chosen().json:
        print_json(ended)
        return
    for row in ended:
        show(f"{'✓' if row['status'] == 'success' else '✕'} {row['id']} {clean(row['job_name'])}  {row['status']}  "
             f"{spell_duration(row['duration_ms'])}")
        if row["skip_reason"]:
            tell(skip_words(row["skip_reason"]))
        if row["error_message"]:
            tell(clean(row["error_message"]))
            hint(f"→ erp-scheduler executions logs {row['id']}")
