"""`erp-scheduler jobs`: look at jobs and ask for something; job_edits.py changes them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scheduler.cli import exit_codes
from scheduler.cli.grammar import Stop, both, chosen, command, noun
from scheduler.cli.output import (
    Column,
    moment,
    print_fields,
    print_json,
    print_table,
    relative,
    show,
    spell_duration,
)
from scheduler.cli.session import database
from scheduler.words import language, say

if TYPE_CHECKING:
    from psycopg import Connection

app = noun("jobs", "작업을 보고, 만들고, 고치고, 실행합니다", "See, make, change and run jobs")
Job = Annotated[str, typer.Argument(help=both("번호, 이름 또는 이름의 앞부분", "Id, name or the beginning of a name"))]
Jobs = Annotated[list[str], typer.Argument(help=both(
    "번호, 이름, @failing, @paused, @all, @type:…, @market:…", "Ids, names, @failing, @paused, @all, @type:…, @market:…"))]
MARKS = {"active": "●", "paused": "⏸", "completed": "✓", "invalid": "✕"}
BARS = {"success": "▇", "failed": "×", "timed_out": "×", "lost": "×", "cancelled": "·", "skipped": "·"}
LOOKED_AHEAD = 10_000


def words_of(job: Any) -> str:
    """Return a job's schedule in words, or as it stands when it cannot be read."""
    from scheduler.queries.jobs import schedule_of
    from scheduler.rules.words import schedule_in_words

    return schedule_in_words(schedule_of(job), language())


def columns(now: datetime, ends: dict[int, list[str]]) -> list[Column]:
    """Return the columns of `jobs list`."""
    return [
        ("ID", lambda job: job["id"]),
        (say("상태", "STATUS"), lambda job: f"{MARKS.get(job['status'], '')} {job['status']}"),
        (say("이름", "NAME"), lambda job: job["name"]),
        (say("유형", "TYPE"), lambda job: job["job_type"]),
        (say("일정", "SCHEDULE"), words_of),
        (say("최근", "RECENT"), lambda job: "".join(BARS.get(end, "?") for end in ends.get(job["id"], []))),
        (say("마지막", "LAST"), lambda job: _last(job, now)),
        (say("다음", "NEXT"), lambda job: relative(job["next_run_at"], now) if job["status"] == "active" else "-"),
    ]


def _last(job: Any, now: datetime) -> str:
    if job["last_status"] is None:
        return "-"
    return f"{'✓' if job['last_status'] == 'success' else '✕'} {relative(job['last_run_at'], now)}"


@command(app, "list", "작업 목록", "List the jobs")
def list_(
    status: Annotated[str | None, typer.Option(help="active, paused, completed, invalid")] = None,
    type_: Annotated[str | None, typer.Option("--type", help=both("작업 유형", "Job type"))] = None,
    market: Annotated[str | None, typer.Option(help=both("마켓", "Market"))] = None,
    tag: Annotated[str | None, typer.Option(help=both("꼬리표", "Tag"))] = None,
    failing: Annotated[bool, typer.Option("--failing", help=both("실패하고 있는 작업만", "Only what fails"))] = False,
    sort: Annotated[str, typer.Option(help="id, next, name, last")] = "id",
    limit: Annotated[int | None, typer.Option(min=1, help=both("최대 개수", "At most"))] = None,
) -> None:
    """List the jobs."""
    from scheduler.queries import jobs as queries

    _among("--status", status, tuple(MARKS))
    _among("--sort", sort, ("id", "next", "name", "last"))
    with database() as connection:
        found = queries.list_jobs(
            connection, status=status, job_type=type_, market=market, tag=tag, failing=failing, sort=sort, limit=limit
        )
        if chosen().json:
            print_json([queries.public(job) for job in found])
            return
        now = queries.database_now(connection)
        ends = queries.last_ends(connection, [job["id"] for job in found])
    nothing = say("작업이 없습니다. 만들기: erp-scheduler jobs add --help", "no jobs; make one: erp-scheduler jobs add --help")
    print_table(found, columns(now, ends), empty=nothing)


def _among(flag: str, value: str | None, allowed: tuple[str, ...]) -> None:
    if value is not None and value not in allowed:
        raise Stop(exit_codes.USAGE, f"{flag} {value}: {' | '.join(allowed)}")


@command(app, "show", "작업 하나를 자세히", "Show everything about one job")
def show_(job: Job) -> None:
    """Show a job with its next planned times and its last executions."""
    from scheduler.queries import executions
    from scheduler.queries import jobs as queries

    with database() as connection:
        number = queries.find_job(connection, job)
        row = queries.list_jobs(connection, ids=[number])[0]
        now = queries.database_now(connection)
        ended = executions.list_executions(connection, job_id=number, limit=10)
    planned, fault = upcoming(row, now, 5)
    if chosen().json:
        print_json({**queries.public(row), "schedule": words_of(row), "next": planned, "problem": fault, "executions": ended})
        return
    print_fields([(say("일정", "schedule"), words_of(row)), *queries.public(row).items()])
    if fault:
        show(f"✕ {fault}")
    for at in planned:
        show(f"{say('예정', 'planned')}  {moment(at, row['timezone'])}  {relative(at, now)}")
    for each in ended:
        show(f"{say('실행', 'execution')} {each['id']}  {each['status']}  {moment(each['started_at'], row['timezone'])}  "
             f"{spell_duration(each['duration_ms'])}")


def upcoming(job: Any, now: datetime, count: int, until: datetime | None = None) -> tuple[list[datetime], str | None]:
    """Compute the next planned times of a job, and say why there are none when its schedule cannot be read."""
    from scheduler.errors import ScheduleError
    from scheduler.queries.jobs import schedule_of
    from scheduler.rules.schedule import next_after

    if job["status"] != "active":
        return [], None
    times: list[datetime] = []
    try:
        planned = job["next_run_at"] or next_after(schedule_of(job), now)
        while planned is not None and len(times) < count and (until is None or planned <= until):
            times.append(planned)
            planned = next_after(schedule_of(job), planned)
    except ScheduleError as error:
        return [], str(error)
    return times, None


@command(app, "next", "다음 예정 시각", "Say when jobs are next due")
def next_(
    job: Annotated[str | None, typer.Argument(help=both("번호 또는 이름 (없으면 전부)", "Id or name (none: all)"))] = None,
    count: Annotated[int, typer.Option(min=1, max=LOOKED_AHEAD, help=both("개수", "How many"))] = 10,
    hours: Annotated[float, typer.Option(min=0.01, help=both("몇 시간 앞까지", "How many hours ahead"))] = 24 * 366,
) -> None:
    """Compute the next planned times."""
    from scheduler.queries import jobs as queries

    with database() as connection:
        ids = None if job is None else [queries.find_job(connection, job)]
        found = queries.list_jobs(connection, ids=ids, status=None if ids else "active")
        now = queries.database_now(connection)
    until = now + timedelta(hours=min(hours, 24 * 366 * 100))
    planned = sorted(
        ({"job_id": row["id"], "name": row["name"], "at": at, "timezone": row["timezone"]}
         for row in found for at in upcoming(row, now, count, until)[0]),
        key=lambda each: (each["at"], each["job_id"]),
    )[:count]
    if chosen().json:
        print_json(planned)
        return
    print_table(planned, [
        (say("예정 시각", "PLANNED TIME"), lambda each: moment(each["at"], each["timezone"])),
        ("", lambda each: relative(each["at"], now)),
        ("ID", lambda each: each["job_id"]),
        (say("이름", "NAME"), lambda each: each["name"]),
    ], empty=_why_nothing(found))


def _why_nothing(found: list[Any]) -> str:
    if len(found) == 1 and found[0]["status"] != "active":
        return say(f"작업 상태가 {found[0]['status']}입니다. 다시 시작: erp-scheduler jobs resume {found[0]['id']}",
                   f"the job is {found[0]['status']}; to go on: erp-scheduler jobs resume {found[0]['id']}")
    return say("그 안에 예정된 실행이 없습니다", "nothing is planned in that time")


@command(app, "run", "지금 실행합니다", "Run jobs now")
def run(
    job: Jobs,
    param: Annotated[list[str] | None, typer.Option("--param", "-p", metavar="K=V", help=both("매개변수", "Parameter"))] = None,
    params_json: Annotated[str | None, typer.Option(metavar="FILE|-", help=both("매개변수 JSON", "Parameters as JSON"))] = None,
    market: Annotated[list[str] | None, typer.Option(help=both("마켓", "Market"))] = None,
    wait: Annotated[bool, typer.Option("--wait", help=both("끝날 때까지 기다립니다", "Wait for the end"))] = False,
    timeout: Annotated[str | None, typer.Option(help=both("기다리는 시간 (--wait)", "How long to wait (--wait)"))] = None,
) -> int:
    """Queue an execution of each job; the schedule stays as it is."""
    from scheduler.cli.job_edits import checked_parameters
    from scheduler.cli.schedule_flags import parameters_of, plain_columns, seconds
    from scheduler.cli.waiting import wait_for
    from scheduler.protocol.requests import run_now
    from scheduler.queries import jobs as queries

    limit = None if timeout is None else seconds(timeout)
    given = parameters_of(param, params_json)
    markets = plain_columns({"market_codes": market}).get("market_codes")
    with database() as connection:
        found = queries.list_jobs(connection, ids=queries.find_jobs(connection, job))
        queued = []
        with connection.transaction():
            for row in found:
                parameters = None if given is None else {**row["parameters"], **given}
                if parameters is not None:
                    checked_parameters(connection, row["job_type"], parameters)
                queued.append((row, run_now(connection, row["id"], parameters, markets)))
        if wait:
            return wait_for(connection, [number for _, number in queued], limit)
        _say_queued(connection, queued)
    return exit_codes.OK


def _say_queued(connection: Connection[Any], queued: list[tuple[Any, int]]) -> None:
    from scheduler.cli.output import hint
    from scheduler.queries.nodes import list_nodes

    if chosen().json:
        print_json([{"job_id": row["id"], "name": row["name"], "execution_id": number} for row, number in queued])
    for row, number in [] if chosen().json else queued:
        show(say(f"실행 {number}: 작업 {row['id']} {row['name']} 대기열에 넣음",
                 f"execution {number}: job {row['id']} {row['name']} queued"))
    if not any(node["living"] for node in list_nodes(connection)):
        hint(say("실행 중인 데몬이 없어 대기합니다", "no daemon is running, so it waits") + ": erp-scheduler start -d")
    else:
        hint(f"→ erp-scheduler executions logs {queued[-1][1]} --follow")


from scheduler.cli import job_edits  # noqa: E402  the commands that change jobs register themselves on the same noun

job_edits.register(app)
