"""`erp-scheduler locks`: who holds which job, and how to free one."""

from __future__ import annotations

from typing import Annotated

import typer

from scheduler.cli.grammar import both, chosen, command, noun
from scheduler.cli.job_edits import confirm
from scheduler.cli.output import print_json, print_table, relative, show
from scheduler.cli.session import database
from scheduler.words import say

app = noun("locks", "잠금을 보고 풉니다", "See and release locks")


@command(app, "list", "잠금 목록", "List the locks")
def list_() -> None:
    """List the locks."""
    from scheduler.queries.jobs import database_now
    from scheduler.queries.locks import list_locks

    with database() as connection:
        found = list_locks(connection)
        now = database_now(connection)
    if chosen().json:
        print_json(found)
        return
    print_table(found, [
        (say("작업", "JOB"), lambda row: f"{row['job_id']} {row['job_name']}"),
        (say("실행", "EXECUTION"), lambda row: row["execution_id"] or say("(손으로 잠금)", "(by hand)")),
        (say("노드", "NODE"), lambda row: row["node"]),
        (say("잠근 때", "LOCKED"), lambda row: relative(row["locked_at"], now)),
        (say("하트비트", "HEARTBEAT"), lambda row: relative(row["heartbeat_at"], now)),
        (say("만료", "LAPSES"), lambda row: relative(row["expires_at"], now)),
        ("", lambda row: "" if row["living"] else say("만료됨", "lapsed")),
    ], empty=say("잠금이 없습니다", "no locks"))


@command(app, "release", "잠금을 풉니다", "Release locks")
def release(
    job: Annotated[list[str], typer.Argument(help=both("작업 번호 또는 이름", "Jobs, by id or name"))],
    force: Annotated[bool, typer.Option("--force", help=both(
        "살아 있는 잠금도 (그 실행은 취소됨)", "Living ones too (their executions are cancelled)"))] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help=both("묻지 않음", "Do not ask"))] = False,
) -> None:
    """Free the locks of jobs: those that lapsed, with --force the living ones too."""
    from scheduler.protocol.requests import release_lock
    from scheduler.queries.jobs import find_jobs
    from scheduler.queries.locks import list_locks

    with database() as connection:
        ids = find_jobs(connection, job)
        living = [held for number in ids for held in list_locks(connection, number) if held["living"]]
        if force and living:
            who = ", ".join(f"{held['job_id']} {held['job_name']} ({held['node'] or '?'})" for held in living)
            confirm(say(f"살아 있는 잠금입니다: {who}. 그 실행을 취소하고 풀까요?",
                        f"these locks live: {who}. Cancel those executions and release them?"), yes)
        with connection.transaction():
            freed = [{"job_id": number, **held} for number in sorted(ids) for held in release_lock(connection, number, force)]
    if chosen().json:
        print_json(freed)
        return
    for held in freed:
        show(say(f"작업 {held['job_id']}: 잠금을 풀었습니다", f"job {held['job_id']}: lock released")
             + (say(f" (실행 {held['execution_id']} 취소)", f" (execution {held['execution_id']} is cancelled)")
                if held["living"] and held["execution_id"] else ""))
