"""`erp-scheduler jobs show`: one job with its settings in words, its neighbours, what comes and what was."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scheduler.cli.grammar import both, chosen, command
from scheduler.cli.job_words import (
    Row,
    beginning,
    condition_words,
    pause_words,
    remaining,
    settings,
    state_words,
    upcoming,
    words_of,
)
from scheduler.cli.output import moment, print_fields, print_json, relative, show, spell_duration
from scheduler.cli.session import database
from scheduler.words import language, say

if TYPE_CHECKING:
    from scheduler.queries.schedules import Surroundings
    from scheduler.rules.forecast import Foreseen

SHOWN = 5


def register(app: typer.Typer) -> None:
    """Put the command on the noun."""
    command(app, "show", "작업 하나를 자세히", "Show everything about one job")(show_)


def show_(job: Annotated[str, typer.Argument(help=both(
    "번호, 이름 또는 이름의 앞부분", "Id, name or the beginning of a name"))],
) -> None:
    """Show a job with its next planned times, the jobs before and after it, and its last executions."""
    from scheduler.queries import executions
    from scheduler.queries import jobs as queries
    from scheduler.queries.dependencies import edges_about
    from scheduler.queries.schedules import Surroundings

    with database() as connection:
        number = queries.find_job(connection, job)
        row = queries.list_jobs(connection, ids=[number])[0]
        around, now = Surroundings(connection), queries.database_now(connection)
        edges = edges_about(connection, [number])
        ended = executions.list_executions(connection, job_id=number, limit=10)
    before = [edge for edge in edges if edge["job_id"] == number]
    planned, fault = upcoming(row, around, now, SHOWN)
    seen = [] if fault else foreseen(row, around, now)
    words = words_of(row, around, before)
    if chosen().json:
        print_json({
            **queries.public(row), "schedule": words, "next": planned, "problem": fault,
            "forecast": [_as_document(one) for one in seen], "after": before,
            "followed_by": [edge for edge in edges if edge["depends_on"] == number], "executions": ended,
        })
        return
    _show_settings(row, words, now)
    if fault:
        show(f"✕ {fault}")
    _show_edges(number, edges, now)
    _show_foreseen(row, seen, planned, now)
    _show_executions(row, ended)


def _show_settings(row: dict[str, Any], words: str, now: datetime) -> None:
    from scheduler.queries.jobs import public

    lines = [(say("일정", "schedule"), words)]
    if row["status"] == "paused":
        lines.append((say("정지", "pause"), pause_words(row, now)))
    zone = {"timezone": f"{row['timezone']}  ({say('이 화면의 시각은 모두 이 시간대', 'all times here are in this zone')})"}
    print_fields([*lines, *(public(row) | settings(row) | zone).items()], row["timezone"])


def _show_edges(number: int, edges: Sequence[Row], now: datetime) -> None:
    for edge in edges:
        if edge["job_id"] == number:
            label, neighbour = say("선행 작업", "after"), f"{edge['depends_on']} {edge['depends_on_name']}"
        else:
            label, neighbour = say("뒤 작업", "before"), f"{edge['job_id']} {edge['job_name']}"
        show(f"{label}  {neighbour}: {condition_words(edge)}  {state_words(edge, now)}")


def foreseen(job: Row, around: Surroundings, now: datetime) -> list[Foreseen]:
    """Work out the next planned times, those among them that will not run, and why."""
    from scheduler.rules.forecast import forecast

    begin = beginning(job, now)
    if begin is None:
        return []
    promised = job["next_run_at"]
    if promised is not None and promised <= begin:          # due, and not yet taken up
        begin = promised - timedelta(microseconds=1)
    return forecast(around.schedule_of(job), begin, count=SHOWN, remaining=None if job["max_runs"] is None else remaining(job))


def _as_document(one: Foreseen) -> dict[str, Any]:
    reason = None if one.reason is None else {"kind": one.reason.kind, "ko": one.reason.ko, "en": one.reason.en}
    return {"planned_at": one.planned_at, "run_at": one.run_at, "reason": reason}


def _show_foreseen(row: Row, seen: Sequence[Foreseen], planned: Sequence[datetime], now: datetime) -> None:
    told = {one.run_at for one in seen}
    for at in planned if not told & set(planned) else ():   # promised by hand: no rule would name it
        show(f"{say('예정', 'planned')}  {moment(at, row['timezone'])}  {relative(at, now)}")
    for one in seen:
        reason = "" if one.reason is None else one.reason.ko if language() == "ko" else one.reason.en
        if one.run_at is None:
            show(f"{say('쉼', 'not run')}  {moment(one.planned_at, row['timezone'])}  {reason}")
        else:
            when = f"{moment(one.run_at, row['timezone'])}  {relative(one.run_at, now)}"
            show(f"{say('예정', 'planned')}  {when}  {reason}".rstrip())


def _show_executions(row: Row, ended: Sequence[Row]) -> None:
    from scheduler.cli.execution_words import result_words

    for each in ended:
        when = moment(each["started_at"] or each["scheduled_for"], row["timezone"])
        show(f"{say('실행', 'execution')} {each['id']}  {each['status']}  {when}  {spell_duration(each['duration_ms'])}  "
             f"{result_words(each)}".rstrip())
