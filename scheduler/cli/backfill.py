"""`erp-scheduler jobs backfill`: run planned times of the past after all."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scheduler.cli import exit_codes
from scheduler.cli.grammar import Stop, both, chosen, command
from scheduler.cli.output import hint, moment, print_json, show, tell
from scheduler.cli.session import change, database
from scheduler.words import say

if TYPE_CHECKING:
    from psycopg import Connection

LOOK_SECONDS = 0.5
SHOWN = 3


def register(app: typer.Typer) -> None:
    """Put the command on the noun `jobs`."""
    command(app, "backfill", "지난 예정 시각을 지금 실행합니다", "Run planned times of the past after all")(backfill)


def backfill(
    job: Annotated[str, typer.Argument(help=both("번호, 이름 또는 이름의 앞부분", "Id, name or the beginning of a name"))],
    start: Annotated[str, typer.Option("--from", metavar="'2026-11-01'", help=both("시작", "From this moment"))],
    end: Annotated[str | None, typer.Option("--to", metavar="'2026-11-08'", help=both(
        "끝 (포함, 날짜만 쓰면 그날 끝, 없으면 지금)", "Until this moment, included (a date: its end; none: now)"))] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help=both("미리 보기만", "Only show what would be queued"))] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help=both("묻지 않음", "Do not ask"))] = False,
    wait: Annotated[bool, typer.Option("--wait", help=both("끝날 때까지 기다립니다", "Wait for the end"))] = False,
    timeout: Annotated[str | None, typer.Option(help=both("기다리는 시간 (--wait)", "How long to wait (--wait)"))] = None,
) -> int:
    """Queue one execution for each planned time of a past period that has none yet, below the job's own priority."""
    from scheduler.cli.job_edits import confirm
    from scheduler.cli.schedule_flags import seconds
    from scheduler.queries import backfill as queries
    from scheduler.queries import jobs

    limit = None if timeout is None else seconds(timeout)
    with database() as connection:
        row = jobs.list_jobs(connection, ids=[jobs.find_job(connection, job)])[0]
        first, until = _period(start, end, row["timezone"], jobs.database_now(connection))
        planned = queries.planned_between(connection, row, first, until)
        known = queries.known_times(connection, row["id"], planned)
        wanted = [each for each in planned if each not in known]
        _preview(row, wanted, len(known))
        queued: list[Any] = []
        if wanted and not dry_run:
            confirm(say(f"{len(wanted)}개를 대기열에 넣을까요?", f"Queue {len(wanted)}?"), yes)
            with change(connection):
                queued = queries.backfill(connection, row, wanted)
        _say(row, wanted, queued, known, dry_run)
        if wait and queued:
            return _wait(connection, row["id"], [each["scheduled_for"] for each in queued], limit)
    return exit_codes.OK


def _period(start: str, end: str | None, timezone: str, now: datetime) -> tuple[datetime, datetime]:
    from scheduler.cli.schedule_flags import read_moment

    first = read_moment(start, timezone).astimezone(UTC)
    until = now if end is None else read_moment(end, timezone).astimezone(UTC)
    is_day = end is not None and len(end.strip()) <= len("2026-11-08")
    if until > now:
        raise Stop(exit_codes.USAGE, say(f"--to {end}: 지난 시각이어야 합니다", f"--to {end}: has to lie in the past"))
    until = min(now, until + timedelta(days=1, seconds=-1)) if is_day else until
    if first > until:
        raise Stop(exit_codes.USAGE, say("--from이 --to보다 뒤입니다", "--from is later than --to"))
    return first, until


def _preview(job: Any, wanted: list[datetime], known: int) -> None:
    tell(say(f"작업 {job['id']} {job['name']}: 예정 시각 {len(wanted)}개를 실행합니다"
             + (f" (이미 기록이 있는 {known}개는 그대로)" if known else ""),
             f"job {job['id']} {job['name']}: {len(wanted)} planned times to run"
             + (f" ({known} that have a record already stay)" if known else "")))
    shown = wanted if len(wanted) <= 2 * SHOWN else [*wanted[:SHOWN], None, *wanted[-SHOWN:]]
    for each in shown:
        tell("  …" if each is None else f"  {moment(each, job['timezone'])}")


def _say(job: Any, wanted: list[datetime], queued: list[Any], known: set[datetime], dry_run: bool) -> None:
    if chosen().json:
        print_json({"job_id": job["id"], "name": job["name"], "planned": wanted, "known": sorted(known), "dry_run": dry_run,
                    "executions": queued})
        return
    if dry_run or not wanted:
        return
    numbers = "" if not queued else f" ({queued[0]['id']}–{queued[-1]['id']})"
    show(say(f"실행 {len(queued)}건을 대기열에 넣었습니다{numbers}", f"{len(queued)} executions queued{numbers}"))
    hint(f"→ erp-scheduler executions list --job {job['id']} --trigger backfill")


def _wait(connection: Connection[Any], job_id: int, times: list[datetime], limit: float | None) -> int:
    from scheduler.queries.backfill import progress

    deadline = None if limit is None else time.monotonic() + limit
    said = ""
    while True:
        found = progress(connection, job_id, times)
        done = found["total"] - found["queued"] - found["running"]
        text = say(f"{done}/{found['total']} 끝남, 실패 {found['failed']}",
                   f"{done}/{found['total']} done, {found['failed']} failed")
        if text != said:
            said = text
            hint(text)
        if done == found["total"]:
            return exit_codes.FAILED if found["failed"] else exit_codes.OK
        if deadline is not None and time.monotonic() > deadline:
            tell(say("시간이 지났습니다. 실행은 계속됩니다", "the time is over; the executions go on"))
            return exit_codes.TIMEOUT
        time.sleep(LOOK_SECONDS)
