"""`erp-scheduler executions`: what ran, what runs, what waits, and the lines it wrote."""

from __future__ import annotations

import time
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scheduler.cli import exit_codes
from scheduler.cli.execution_words import result_words, skip_words, trigger_words, waiting_words
from scheduler.cli.grammar import Stop, both, chosen, command, noun
from scheduler.cli.output import (
    SEOUL,
    Column,
    columns_wide,
    hint,
    moment,
    print_fields,
    print_json,
    print_line,
    print_table,
    relative,
    show,
    spell_duration,
)
from scheduler.cli.session import database
from scheduler.errors import Conflict, NotAllowed
from scheduler.words import say

if TYPE_CHECKING:
    from psycopg import Connection

app = noun("executions", "실행 기록을 보고, 다시 시도하고, 취소합니다", "See, retry and cancel executions")
Number = Annotated[int, typer.Argument(min=1, help=both("실행 번호", "Execution"))]
Numbers = Annotated[list[int] | None, typer.Argument(min=1, help=both("실행 번호", "Executions"))]
STATUSES = ("queued", "running", "success", "failed", "timed_out", "cancelled", "skipped", "lost")
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
FOLLOW_SECONDS = 0.5
NARROW = 100


@command(app, "list", "실행 목록 (최근 것부터)", "List executions, newest first")
def list_(
    job: Annotated[str | None, typer.Option(help=both("작업 번호 또는 이름", "Job, by id or name"))] = None,
    status: Annotated[list[str] | None, typer.Option(help=both("상태 (여러 번 가능)", "Status, may be repeated"))] = None,
    trigger: Annotated[str | None, typer.Option(help="schedule, manual, retry, …")] = None,
    node: Annotated[str | None, typer.Option(help=both("노드", "Node"))] = None,
    since: Annotated[str | None, typer.Option(metavar="24h", help=both(
        "그 뒤에 끝났거나 아직 안 끝난 것 (24h 또는 '2026-12-01 09:00')",
        "Ended since then, or not yet (24h or '2026-12-01 09:00')"))] = None,
    until: Annotated[str | None, typer.Option(metavar="2h", help=both("그 전에 끝난 것", "Ended before then"))] = None,
    limit: Annotated[int, typer.Option(min=1, help=both("최대 개수", "At most"))] = 50,
) -> None:
    """List executions."""
    from scheduler.cli.schedule_flags import read_past
    from scheduler.queries import executions as queries
    from scheduler.queries.jobs import database_now, find_job

    wrong = [each for each in status or [] if each not in STATUSES]
    if wrong:
        raise Stop(exit_codes.USAGE, f"--status {wrong[0]}: {' | '.join(STATUSES)}")
    with database() as connection:
        number = None if job is None else find_job(connection, job)
        now = database_now(connection)
        first, last = (None if each is None else read_past(each, now) for each in (since, until))
        found = queries.list_executions(
            connection, job_id=number, statuses=status or None, trigger=trigger, node=node, since=first, until=last, limit=limit
        )
    if chosen().json:
        print_json(found)
        return
    print_table(found, columns(now), empty=say("실행이 없습니다. 지금 실행", "no executions; to run one now")
                + ": erp-scheduler jobs run JOB")


def columns(now: datetime) -> list[Column]:
    """Return the columns of `executions list`; a narrow terminal gets those that one cannot do without."""
    found: list[Column] = [
        ("ID", lambda row: row["id"]),
        (say("상태", "STATUS"), lambda row: row["status"]),
        (say("작업", "JOB"), lambda row: row["job_name"]),
        (say("계기", "TRIGGER"), trigger_words),
        (say("예정", "PLANNED"), lambda row: moment(row["scheduled_for"])),
        (say("시도", "TRY"), lambda row: row["attempt"]),
        (say("시작", "STARTED"), lambda row: relative(row["started_at"], now)),
        (say("시간", "TOOK"), lambda row: spell_duration(row["duration_ms"])),
        (say("노드", "NODE"), lambda row: row["node"]),
        (say("결과", "RESULT"), result_words),
    ]
    return found if columns_wide() >= NARROW else [found[place] for place in (0, 1, 2, 3, 4, 7, 9)]


@command(app, "show", "실행 하나를 자세히", "Show everything about one execution")
def show_(execution: Number) -> None:
    """Show one execution, with the times of its job's own zone."""
    from scheduler.queries.executions import execution as find
    from scheduler.queries.jobs import list_jobs

    with database() as connection:
        row = find(connection, execution)
        jobs = [] if row["job_id"] is None else list_jobs(connection, ids=[row["job_id"]])
    if chosen().json:
        print_json(row)
        return
    trigger = trigger_words(row)
    words: dict[str, str | None] = {"trigger": trigger if trigger == row["trigger"] else f"{row['trigger']}  ({trigger})"}
    if row["skip_reason"]:
        words["skip_reason"] = skip_words(row["skip_reason"])
    if row["held_for"] is not None and row["status"] == "queued":
        words |= {"held_for": f"{row['held_for']}  ({waiting_words(row)})", "available_at": None, "waits_for": None}
    zone = jobs[0]["timezone"] if jobs else SEOUL
    words["timezone"] = f"{zone}  ({say('이 화면의 시각은 모두 이 시간대', 'all times here are in this zone')})"
    print_fields((row | words).items(), zone)


@command(app, "logs", "실행이 남긴 로그 (작업 이름이면 최근 실행)", "The lines of an execution (of a job: its latest)")
def logs(
    execution: Annotated[str, typer.Argument(metavar="EXECUTION|JOB", help=both("실행 번호 또는 작업", "Execution or job"))],
    follow: Annotated[bool, typer.Option("--follow", "-f", help=both("끝날 때까지 계속", "Go on until it ends"))] = False,
    tail: Annotated[int | None, typer.Option(min=1, help=both("마지막 몇 줄", "The last lines only"))] = None,
    level: Annotated[str, typer.Option(help="DEBUG, INFO, WARNING, ERROR")] = "DEBUG",
) -> None:
    """Print the lines of an execution."""
    from scheduler.queries import executions as queries

    if level.upper() not in LEVELS:
        raise Stop(exit_codes.USAGE, f"--level {level}: {' | '.join(LEVELS)}")
    levels = None if level.upper() == "DEBUG" else [*LEVELS[LEVELS.index(level.upper()):], "CRITICAL"]
    with database() as connection:
        number = _execution_of(connection, execution)
        if follow:
            _follow(connection, number, tail, levels)
            return
        lines = queries.logs(connection, number, tail=tail, levels=levels)
        row = queries.execution(connection, number)
    if chosen().json:
        print_json(lines)
        return
    for line in lines:
        _show_line(line)
    _say_end(row)


def _execution_of(connection: Connection[Any], text: str) -> int:
    from scheduler.queries.executions import execution, latest_of
    from scheduler.queries.jobs import find_job

    if text.isascii() and text.isdigit():
        return int(execution(connection, int(text))["id"])
    return latest_of(connection, find_job(connection, text))


def _follow(connection: Connection[Any], number: int, tail: int | None, levels: list[str] | None) -> None:
    from scheduler.model import ENDED
    from scheduler.queries import executions as queries

    after = -1
    try:
        while True:
            # The status first: lines are stored no later than the end they belong to.
            row = queries.execution(connection, number)
            for line in queries.logs(connection, number, after=after, tail=tail if after < 0 else None, levels=levels):
                after = line["line"]
                print_line(line) if chosen().json else _show_line(line)
            if row["status"] in ENDED:
                _say_end(row)
                return
            time.sleep(FOLLOW_SECONDS)
    except KeyboardInterrupt:
        hint(say("\n실행은 계속됩니다", "\nthe execution goes on") + f": erp-scheduler executions logs {number} --follow")
        raise


def _show_line(line: Any) -> None:
    fields = " ".join(f"{name}={value}" for name, value in (line["fields"] or {}).items())
    stream = "" if line["stream"] == "log" else f" {line['stream']}"
    show(f"{moment(line['logged_at'])} {line['level']:<7}{stream} {line['message']}{'  ' + fields if fields else ''}")


def _say_end(row: Any) -> None:
    hint(f"— {row['status']}  {spell_duration(row['duration_ms'])}  {result_words(row)}")


@command(app, "retry", "다시 시도합니다", "Try again")
def retry(
    execution: Numbers = None,
    failed: Annotated[bool, typer.Option("--failed", help=both("실패한 것 전부", "All that failed"))] = False,
    since: Annotated[str, typer.Option(metavar="1h", help=both("최근 얼마 동안 (--failed)", "How far back (--failed)"))] = "1h",
    job: Annotated[str | None, typer.Option(help=both("이 작업만 (--failed)", "Only this job (--failed)"))] = None,
    param: Annotated[list[str] | None, typer.Option("--param", "-p", metavar="K=V", help=both("매개변수", "Parameter"))] = None,
    wait: Annotated[bool, typer.Option("--wait", help=both("끝날 때까지 기다립니다", "Wait for the end"))] = False,
    timeout: Annotated[str | None, typer.Option(help=both("기다리는 시간 (--wait)", "How long to wait (--wait)"))] = None,
) -> int:
    """Queue another attempt at the same planned time."""
    from scheduler.cli.schedule_flags import parameters_of, seconds
    from scheduler.cli.waiting import wait_for
    from scheduler.queries.executions import failed_since
    from scheduler.queries.jobs import find_job

    given = parameters_of(param, None)
    limit = None if timeout is None else seconds(timeout)
    with database() as connection:
        number = None if job is None else find_job(connection, job)
        former = failed_since(connection, seconds(since), number) if failed else list(execution or [])
        if not former and not failed:
            raise Stop(exit_codes.USAGE, say("실행 번호 또는 --failed가 필요합니다", "name executions, or give --failed")
                       + "\nerp-scheduler executions list --status failed")
        queued = _retry_failed(connection, former, given) if failed else _retry_named(connection, former, given)
        if wait and queued:
            return wait_for(connection, [new for _, new in queued], limit)
    if chosen().json:
        print_json([{"retry_of": each, "execution_id": new} for each, new in queued])
        return exit_codes.OK
    for each, new in queued:
        show(say(f"실행 {new}: {each}의 재시도", f"execution {new}: retry of {each}"))
    if not queued:
        hint(say("실패한 실행이 없습니다", "nothing failed"))
    return exit_codes.OK


def _retry_named(connection: Connection[Any], former: list[int], given: dict[str, Any] | None) -> list[tuple[int, int]]:
    with connection.transaction():
        return [(each, _retry_one(connection, each, given)) for each in dict.fromkeys(former)]


def _retry_failed(connection: Connection[Any], former: list[int], given: dict[str, Any] | None) -> list[tuple[int, int]]:
    """Try again what can be; a paused job or an attempt that came meanwhile keeps nothing else from its turn."""
    queued = []
    for each in former:
        try:
            queued.append((each, _retry_one(connection, each, given)))
        except (Conflict, NotAllowed) as error:
            hint(f"! {each}: {str(error).splitlines()[0]}")
    return queued


def _retry_one(connection: Connection[Any], number: int, given: dict[str, Any] | None) -> int:
    from scheduler.cli.job_edits import checked_parameters
    from scheduler.protocol.requests import retry as ask
    from scheduler.queries.executions import execution as find

    if given is None:
        return ask(connection, number)
    row = find(connection, number)
    parameters = {**row["parameters"], **given}
    checked_parameters(connection, row["job_type"], parameters)
    return ask(connection, number, parameters)


@command(app, "cancel", "취소합니다", "Cancel executions")
def cancel(
    execution: Annotated[list[int], typer.Argument(min=1, help=both("실행 번호", "Executions"))],
    reason: Annotated[str | None, typer.Option(help=both("까닭 (기록에 남습니다)", "Why; kept with it"))] = None,
) -> None:
    """End executions: those that wait at once, those that run at their node's next look."""
    from scheduler.protocol.requests import cancel as ask

    with database() as connection, connection.transaction():
        ended = [{"execution_id": number, "state": ask(connection, number, reason)} for number in dict.fromkeys(execution)]
    if chosen().json:
        print_json(ended)
        return
    for each in ended:
        if each["state"] == "cancelled":
            show(say(f"실행 {each['execution_id']}: 취소했습니다", f"execution {each['execution_id']}: cancelled"))
        else:
            show(say(f"실행 {each['execution_id']}: 취소를 요청했습니다", f"execution {each['execution_id']}: asked to end"))
