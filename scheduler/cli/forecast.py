"""`erp-scheduler jobs next`: what comes, what will not and why, and when there will be no room for all of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scheduler.cli.grammar import both, chosen, command
from scheduler.cli.output import SEOUL, Column, moment, print_json, print_table, relative, show, spell_seconds, tell
from scheduler.cli.session import database, read_settings
from scheduler.words import language, say

if TYPE_CHECKING:
    from psycopg import Connection

    from scheduler.queries.forecast import Crowd, Upcoming

LOOKED_AHEAD = 10_000
CROWD_HOURS = 24.0
CROWDS_SHOWN = 10
INSTANT = timedelta(microseconds=1)


def register(app: typer.Typer) -> None:
    """Put the command on the noun `jobs`."""
    command(app, "next", "다음 예정 시각과 실행하지 않는 이유", "Say when jobs are due next, and why some times are not")(next_)


def next_(
    job: Annotated[str | None, typer.Argument(help=both("번호 또는 이름 (없으면 전부)", "Id or name (none: all)"))] = None,
    count: Annotated[int, typer.Option(min=1, max=LOOKED_AHEAD, help=both("개수", "How many"))] = 10,
    hours: Annotated[float | None, typer.Option(min=0.01, help=both("몇 시간 앞까지", "How many hours ahead"))] = None,
    start: Annotated[str | None, typer.Option(
        "--from", metavar="'2026-12-01 09:00'", help=both(
            "이 시각부터 (작업의 시간대)", "From this moment, in the job's own zone"))] = None,
    utc: Annotated[bool, typer.Option("--utc", help=both("UTC 시각도", "Show UTC as well"))] = False,
) -> None:
    """Compute the coming times."""
    from scheduler.cli.schedule_flags import read_moment
    from scheduler.queries import jobs as queries
    from scheduler.queries.forecast import upcoming

    with database() as connection:
        number = None if job is None else queries.find_job(connection, job)
        now = queries.database_now(connection)
        own = [] if number is None else queries.list_jobs(connection, ids=[number])
        zone = own[0]["timezone"] if own else None
        first = None if start is None else read_moment(start, zone).astimezone(UTC) - INSTANT
        until = None if hours is None else (first or now) + timedelta(hours=min(hours, 24 * 366 * 100))
        listed = upcoming(connection, number, count, until, first)
        ahead = (first or now) + timedelta(hours=min(hours or CROWD_HOURS, CROWD_HOURS))
        crowded = [] if number is not None else _crowds(connection, ahead, first)
        if own:
            _say_standstill(own[0])
    if chosen().json:
        print_json([_document(each, crowded) for each in listed])
        return
    _show(listed, now, utc)
    _show_crowds(crowded)


def _crowds(connection: Connection[Any], until: datetime, start: datetime | None) -> list[Crowd]:
    from scheduler.queries.forecast import crowds, durations, slots, upcoming

    listed = [each for each in upcoming(connection, None, LOOKED_AHEAD, until, start) if each.run_at is not None]
    seconds = durations(connection, sorted({each.job_id for each in listed}))
    return crowds(listed, seconds, slots(connection, read_settings().workers))


def _document(each: Upcoming, crowded: list[Crowd]) -> dict[str, Any]:
    within = next((crowd for crowd in crowded if each.run_at is not None and crowd.begin <= each.run_at < crowd.end), None)
    return {
        "job_id": each.job_id, "name": each.name, "planned_at": each.planned_at, "at": each.run_at, "timezone": each.timezone,
        "reason": each.reason and each.reason.kind, "reason_ko": each.reason and each.reason.ko,
        "reason_en": each.reason and each.reason.en, "waits_for": list(each.waits_for),
        "crowd": within and {"from": within.begin, "until": within.end, "running": within.most, "slots": within.slots,
                             "jobs": list(within.jobs)},
    }


def _show(listed: list[Upcoming], now: datetime, utc: bool) -> None:
    rows: list[dict[str, Any]] = [{"each": each} for each in listed]
    columns: list[Column] = [(say("시각", "TIME"), lambda row: moment(row["each"].moment, row["each"].timezone))]
    if any(each.timezone != "Asia/Seoul" for each in listed):
        columns.append((say("시간대", "ZONE"), lambda row: row["each"].timezone))
    if utc:
        columns.append(("UTC", lambda row: moment(row["each"].moment, "UTC")))
    columns += [
        ("", lambda row: relative(row["each"].moment, now)),
        ("ID", lambda row: row["each"].job_id),
        (say("이름", "NAME"), lambda row: row["each"].name),
        ("", lambda row: _note(row["each"])),
    ]
    print_table(rows, columns, empty=say("그 안에 예정된 실행이 없습니다", "nothing is planned in that time"))


def _note(each: Upcoming) -> str:
    """Say what is special about a time: why it does not run or moved, and whom it waits for."""
    parts = []
    if each.reason is not None:
        words = each.reason.ko if language() == "ko" else each.reason.en
        parts.append(words if each.run_at is not None else say(f"✕ 실행 안 함 ({words})", f"✕ does not run ({words})"))
    if each.waits_for and each.run_at is not None:
        names = ", ".join(each.waits_for)
        parts.append(say(f"'{names}' 뒤", f"after '{names}'"))
    return "; ".join(parts)


def _show_crowds(crowded: list[Crowd]) -> None:
    if not crowded:
        return
    show()
    show(say(f"! 앞으로 하루 안에 자리({crowded[0].slots})보다 많이 실행될 때 (평소 걸린 시간으로 계산, {SEOUL})",
             f"! moments with more to run than slots ({crowded[0].slots}) in the coming day (by usual durations, {SEOUL})"))
    for crowd in crowded[:CROWDS_SHOWN]:
        rest = len(crowd.jobs) - 8
        names = ", ".join(crowd.jobs[:8]) + (say(f" 외 {rest}개", f" and {rest} more") if rest > 0 else "")
        length = spell_seconds((crowd.end - crowd.begin).total_seconds())
        show(say(f"  {moment(crowd.begin)}부터 {length}: {crowd.most}개 ({names})",
                 f"  from {moment(crowd.begin)} for {length}: {crowd.most} ({names})"))
    if len(crowded) > CROWDS_SHOWN:
        show(say(f"  … 외 {len(crowded) - CROWDS_SHOWN}번", f"  … and {len(crowded) - CROWDS_SHOWN} more"))


def _say_standstill(job: Any) -> None:
    """Say how a job that is not active comes to run again."""
    if job["status"] != "active":
        tell(say(f"작업 상태가 {job['status']}입니다. 다시 시작: erp-scheduler jobs resume {job['id']}",
                 f"the job is {job['status']}; to go on: erp-scheduler jobs resume {job['id']}"))
