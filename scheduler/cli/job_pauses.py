"""`erp-scheduler jobs pause, resume`: stop jobs for a while, let them go on, make up for what was missed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scheduler.cli import exit_codes
from scheduler.cli.grammar import Stop, both, command
from scheduler.cli.job_edits import Jobs, Sql
from scheduler.cli.job_words import pause_words, read_saved, remaining, show_saved
from scheduler.cli.output import hint, moment, show_exact
from scheduler.cli.session import change, database
from scheduler.words import say

if TYPE_CHECKING:
    from psycopg import Connection


def register(app: typer.Typer) -> None:
    """Put the commands on the noun."""
    command(app, "pause", "작업을 멈춥니다", "Pause jobs")(pause)
    command(app, "resume", "작업을 다시 시작합니다", "Let paused jobs go on")(resume)


def pause(
    job: Jobs,
    until: Annotated[str | None, typer.Option(metavar="'2026-12-31 09:00'", help=both(
        "이 시각에 저절로 다시 시작", "Resumed by itself at this moment"))] = None,
    for_: Annotated[str | None, typer.Option("--for", metavar="2h", help=both(
        "이만큼 뒤에 저절로 다시 시작", "Resumed by itself after this time"))] = None,
    reason: Annotated[str | None, typer.Option(help=both("멈추는 이유", "Why"))] = None,
    sql: Sql = False,
) -> None:
    """Pause jobs: nothing new starts, what runs goes on to its end."""
    from scheduler.queries import jobs as queries

    if until is not None and for_ is not None:
        raise Stop(exit_codes.USAGE, say("--until과 --for 중 하나만 쓰세요", "use only one of --until and --for"))
    with database() as connection:
        found = queries.list_jobs(connection, ids=queries.find_jobs(connection, job))
        ids = [row["id"] for row in found]
        end = _end(until, for_, found[0]["timezone"])
        values = {"status": "paused", "paused_until": end, "pause_reason": reason}
        if sql:
            show_exact(queries.typed(queries.update_statement(values, ids)))
            return
        with change(connection):
            queries.update_jobs(connection, values, ids)
            saved = read_saved(connection, ids)
    show_saved(saved, say("멈췄습니다", "paused"))
    if end is not None:
        hint(f"  {pause_words(saved.rows[0], saved.now)}")


def _end(until: str | None, for_: str | None, timezone: str) -> datetime | None:
    from scheduler.cli.schedule_flags import read_moment, seconds

    if until is None and for_ is None:
        return None
    now = datetime.now(UTC)
    end = read_moment(until, timezone) if until is not None else now + timedelta(seconds=round(seconds(for_ or "")))
    if end <= now:
        shown = moment(end, timezone)
        raise Stop(exit_codes.USAGE, say(f"{shown}은(는) 이미 지났습니다", f"{shown} is over already"))
    return end if until is not None else end.replace(microsecond=0)


def resume(
    job: Jobs,
    run_missed: Annotated[bool, typer.Option("--run-missed", help=both(
        "멈춘 동안 예정 시각이 지났으면 한 번 실행", "Run once if a planned time passed during the pause"))] = False,
    sql: Sql = False,
) -> None:
    """Let jobs go on; planned strictly after now."""
    from scheduler.queries import jobs as queries

    with database() as connection:
        ids = queries.find_jobs(connection, job)
        if sql:
            if run_missed:
                raise Stop(exit_codes.USAGE, say("--sql과 --run-missed는 함께 쓸 수 없습니다",
                                                 "--sql and --run-missed exclude each other"))
            show_exact(queries.typed(queries.update_statement({"status": "active"}, ids)))
            return
        with change(connection):
            missed = _missed(connection, ids) if run_missed else {}
            queries.update_jobs(connection, {"status": "active"}, ids)
            queued = _queue(connection, missed)
            saved = read_saved(connection, ids)
    show_saved(saved, say("다시 시작했습니다", "resumed"), queued)
    zones = {row["id"]: row["timezone"] for row in saved.rows}
    for job_id, each in queued.items():
        missed_at = f"{moment(each['missed_at'], zones[job_id])} ({zones[job_id]})"
        hint(say(f"  실행 {each['missed_execution_id']}: 작업 {job_id}의 놓친 예정 시각 {missed_at}",
                 f"  execution {each['missed_execution_id']}: job {job_id}, missed at {missed_at}"))
    if run_missed and not queued:
        hint(say("멈춘 동안 지나간 예정 시각이 없습니다", "no planned time passed during the pause"))


def _missed(connection: Connection[Any], ids: list[int]) -> dict[int, tuple[datetime, int]]:
    """Return the last planned time that each job has missed by its pause, and how many before it."""
    from scheduler.queries import jobs as queries
    from scheduler.queries.pauses import paused_since
    from scheduler.queries.schedules import Surroundings
    from scheduler.rules.schedule import next_after, occurrences

    since, around, now = paused_since(connection, ids), Surroundings(connection), queries.database_now(connection)
    found: dict[int, tuple[datetime, int]] = {}
    for row in queries.list_jobs(connection, ids=list(since)) if since else []:
        schedule = around.schedule_of(row)
        first = next_after(schedule, since[row["id"]])
        if first is not None and first <= now and remaining(row):
            due = occurrences(schedule, first, now, 1)
            found[row["id"]] = (due.latest, due.count - 1)
    return found


def _queue(connection: Connection[Any], missed: dict[int, tuple[datetime, int]]) -> dict[int, dict[str, Any]]:
    from scheduler.queries.pauses import queue_missed

    queued: dict[int, dict[str, Any]] = {}
    for job_id, (planned, count) in missed.items():
        number = queue_missed(connection, job_id, planned, count)
        if number is not None:
            queued[job_id] = {"missed_execution_id": number, "missed_at": planned}
    return queued
