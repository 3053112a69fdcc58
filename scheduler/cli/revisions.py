"""`erp-scheduler jobs history`, `jobs restore` and `why`: what was changed, the way back, and why nothing ran."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scheduler.cli import exit_codes
from scheduler.cli.grammar import Stop, both, chosen, command
from scheduler.cli.output import hint, moment, print_json, print_table, show
from scheduler.cli.session import change, database
from scheduler.errors import NotFound
from scheduler.words import language, say

if TYPE_CHECKING:
    from psycopg import Connection

Job = Annotated[str, typer.Argument(help=both("번호, 이름 또는 이름의 앞부분", "Id, name or the beginning of a name"))]
Revision = Annotated[int | None, typer.Argument(
    min=0, metavar="[REV]", help=both("변경 번호 (없으면 마지막 변경을 취소)", "Revision (none: undo the latest edit)"))]
At = Annotated[str | None, typer.Option(
    "--at", metavar="'2026-11-21 09:00'", help=both("어느 시각에 (없으면 지금)", "At which moment (none: now)"))]
Limit = Annotated[int, typer.Option(min=1, help=both("최대 개수", "At most"))]
WORDS_SHOWN = 60


def register_jobs(app: typer.Typer) -> None:
    """Put the commands on the noun `jobs`."""
    command(app, "history", "작업의 변경 이력", "What was changed of a job, by whom")(history_)
    command(app, "restore", "작업을 되돌립니다 (지운 작업도)", "Set a job back, also one that was deleted")(restore)


def register(app: typer.Typer) -> None:
    """Put the command on the root."""
    command(app, "why", "왜 실행되지 않았는지", "Say why a job did not run")(why)


def history_(job: Job, limit: Limit = 20) -> None:
    """List the revisions of a job, newest first."""
    from scheduler.queries.revisions import history

    with database() as connection:
        found = history(connection, _number(connection, job), limit)
    if chosen().json:
        print_json(found)
        return
    print_table(found, [
        (say("번호", "REV"), lambda row: row["revision"]),
        (say("시각", "WHEN"), lambda row: moment(row["changed_at"])),
        (say("누가", "WHO"), lambda row: row["actor"]),
        (say("어디서", "VIA"), lambda row: row["via"]),
        (say("무엇을", "WHAT"), _what),
    ], empty=say("변경 이력이 없습니다", "nothing was changed"))


def _number(connection: Connection[Any], job: str) -> int:
    """Return the id of a job, also of one that was deleted. Raises NotFound."""
    from scheduler.queries.jobs import find_job
    from scheduler.queries.revisions import find_deleted

    try:
        return find_job(connection, job)
    except NotFound:
        gone = find_deleted(connection, job)
        if gone is None:
            raise
        return gone


def _what(row: Any) -> str:
    """Say what an edit changed: ``interval: 00:30:00 → 01:00:00``."""
    actions = {"insert": say("만듦", "made"), "delete": say("지움", "deleted"), "restore": say("되돌림", "restored")}
    old, new = row["old"] or {}, row["new"] or {}
    parts = [f"{name}: {_short(old.get(name))} → {_short(new.get(name))}" for name in row["changed"]]
    return " ".join(part for part in (actions.get(row["action"], ""), ", ".join(parts)) if part)


def _short(value: Any) -> str:
    if isinstance(value, list):
        value = ", ".join(_edge(each) if isinstance(each, dict) else str(each) for each in value) or None
    text = "-" if value is None else value if isinstance(value, str) else str(value)
    return text if len(text) <= WORDS_SHOWN else text[:WORDS_SHOWN] + "…"


def _edge(edge: Any) -> str:
    """Say what a job waits for, as --after takes it."""
    kind = ":failure" if edge.get("outcome") == "failure" else ":ever" if edge.get("condition") == "ever" else ""
    return f"{edge.get('job')}{kind}"


def restore(job: Job, revision: Revision = None) -> None:
    """Set a job back to what it was after a revision."""
    from scheduler.queries.revisions import restore as ask

    with database() as connection, change(connection):
        row = ask(connection, str(_number(connection, job)), revision)
    if chosen().json:
        print_json(row)
        return
    show(say(f"작업 {row['id']} {row['name']}: 되돌렸습니다 ({row['status']})",
             f"job {row['id']} {row['name']}: set back ({row['status']})"))
    hint(f"→ erp-scheduler jobs history {row['id']}")


def why(job: Job, at: At = None) -> None:
    """Say why a job did not run; the answer first, then what else there is to know."""
    from scheduler.queries.revisions import why as ask

    with database() as connection, change(connection):
        number = _number(connection, job)
        found = ask(connection, str(number), None if at is None else _moment(connection, at, number))
    if chosen().json:
        print_json(found)
        return
    for row in found:
        show(f"{row['cause']}: {row[language()]}")
        if row["fix"]:
            hint(f"→ {row['fix']}")


def _moment(connection: Connection[Any], text: str, number: int) -> datetime:
    """Read a moment in the job's own zone where it names none. Raises Stop."""
    from zoneinfo import ZoneInfo

    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        raise Stop(exit_codes.USAGE, f"--at {text}: " + say("예: '2026-11-21 09:00'", "write '2026-11-21 09:00'")) from None
    if read.tzinfo is not None:
        return read
    found = connection.execute("SELECT timezone FROM schedule_jobs WHERE id = %(id)s", {"id": number}).fetchone()
    return read.replace(tzinfo=ZoneInfo(found[0] if found else "Asia/Seoul"))
