"""`erp-scheduler jobs snooze, unsnooze`: keep the trouble of a job out of sight for a while, because it is known."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any

import typer

from scheduler.cli import exit_codes
from scheduler.cli.grammar import Stop, both, chosen, command
from scheduler.cli.job_edits import Jobs
from scheduler.cli.output import clean, hint, moment, print_json, relative, show
from scheduler.cli.session import change, database
from scheduler.words import say


def register(app: typer.Typer) -> None:
    """Put the commands on the noun."""
    command(app, "snooze", "작업의 알림을 한동안 끕니다 (실행은 그대로)",
            "Hide the trouble of jobs for a while (they go on running)")(snooze)
    command(app, "unsnooze", "작업의 알림을 다시 켭니다", "Let the trouble of jobs be seen again")(unsnooze)


def snooze(
    job: Jobs,
    for_: Annotated[str | None, typer.Option("--for", metavar="2h", help=both("이만큼", "For so long"))] = None,
    until: Annotated[str | None, typer.Option(metavar="'2026-12-31 09:00'", help=both(
        "이 시각까지", "Until this moment"))] = None,
    until_fixed: Annotated[bool, typer.Option("--until-fixed", help=both(
        "다음에 성공할 때까지", "Until it succeeds again"))] = False,
    reason: Annotated[str | None, typer.Option(help=both("끄는 이유", "Why"))] = None,
) -> None:
    """Hide the trouble of jobs until then; they run as before."""
    from scheduler.queries import jobs, snoozes
    from scheduler.queries.jobs import database_now

    if (for_ is not None) + (until is not None) + until_fixed != 1:
        raise Stop(exit_codes.USAGE, say("--for, --until, --until-fixed 중 하나를 쓰세요",
                                         "use one of --for, --until and --until-fixed"))
    with database() as connection:
        found = jobs.list_jobs(connection, ids=jobs.find_jobs(connection, job))
        length, end = _end(for_, until, found[0]["timezone"])
        with change(connection):
            saved = [snoozes.snooze(connection, each["id"], until=end, length=length, reason=reason) for each in found]
        now = database_now(connection)
    if chosen().json:
        print_json(saved)
        return
    for each in saved:
        show(say(f"작업 {each['job_id']} {clean(each['job_name'])}: 알림을 껐습니다, {_until_words(each, now)}",
                 f"job {each['job_id']} {clean(each['job_name'])}: snoozed {_until_words(each, now)}"))
    hint(f"→ erp-scheduler jobs unsnooze {saved[0]['job_id']}")


def _end(for_: str | None, until: str | None, timezone: str) -> tuple[timedelta | None, datetime | None]:
    from scheduler.cli.schedule_flags import read_moment, seconds

    length = None if for_ is None else timedelta(seconds=seconds(for_))
    return length, None if until is None else read_moment(until, timezone)


def _until_words(snoozed: dict[str, Any], now: datetime) -> str:
    until = snoozed["until"]
    if until is None:
        return say("다음에 성공할 때까지", "until it succeeds again")
    return say(f"{moment(until)}까지 ({relative(until, now)})", f"until {moment(until)} ({relative(until, now)})")


def unsnooze(job: Jobs) -> None:
    """Let the trouble of jobs be seen again."""
    from scheduler.queries import jobs, snoozes

    with database() as connection:
        ids = jobs.find_jobs(connection, job)
        with change(connection):
            for number in ids:
                snoozes.unsnooze(connection, number)
    if chosen().json:
        print_json([{"job_id": number, "snoozed": False} for number in ids])
        return
    for number in ids:
        show(say(f"작업 {number}: 알림을 다시 켰습니다", f"job {number}: no longer snoozed"))
