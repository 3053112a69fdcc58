"""`erp-scheduler jobs`: list jobs and run them; the files that stand at the end of this one do the rest."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scheduler.cli import exit_codes
from scheduler.cli.grammar import Stop, both, chosen, command, noun
from scheduler.cli.job_words import words_of
from scheduler.cli.output import Column, columns_wide, print_json, print_table, relative, show
from scheduler.cli.session import database
from scheduler.words import say

if TYPE_CHECKING:
    from psycopg import Connection

    from scheduler.queries.schedules import Surroundings

app = noun("jobs", "작업을 보고, 만들고, 고치고, 실행합니다", "See, make, change and run jobs")
Job = Annotated[str, typer.Argument(help=both("번호, 이름 또는 이름의 앞부분", "Id, name or the beginning of a name"))]
Jobs = Annotated[list[str], typer.Argument(help=both(
    "번호, 이름, @failing, @paused, @all, @type:…, @market:…", "Ids, names, @failing, @paused, @all, @type:…, @market:…"))]
MARKS = {"active": "●", "paused": "⏸", "completed": "✓", "invalid": "✕"}
BARS = {"success": "▇", "failed": "×", "timed_out": "×", "lost": "×", "cancelled": "·", "skipped": "·"}
NARROW = 100


@dataclass(frozen=True, slots=True)
class Listed:
    """What `jobs list` shows beside the rows."""

    now: datetime
    around: Surroundings
    ends: dict[int, list[str]]
    edges: dict[int, list[dict[str, Any]]]
    held: set[int]


def columns(listed: Listed) -> list[Column]:
    """Return the columns of `jobs list`; a narrow terminal gets those that one cannot do without."""
    found: list[Column] = [
        ("ID", lambda job: job["id"]),
        (say("상태", "STATUS"), lambda job: f"{MARKS.get(job['status'], '')} {job['status']}"),
        (say("이름", "NAME"), lambda job: job["name"]),
        (say("유형", "TYPE"), lambda job: job["job_type"]),
        (say("일정", "SCHEDULE"), lambda job: words_of(job, listed.around, listed.edges.get(job["id"], ()))),
        (say("최근", "RECENT"), lambda job: "".join(BARS.get(end, "?") for end in listed.ends.get(job["id"], []))),
        (say("마지막", "LAST"), lambda job: _last(job, listed.now)),
        (say("다음", "NEXT"), lambda job: _next(job, listed)),
    ]
    if columns_wide() >= NARROW:
        return found
    mark: Column = ("", lambda job: MARKS.get(job["status"], "?"))
    return [found[0], mark, found[2], found[4], found[7]]


def _next(job: Any, listed: Listed) -> str:
    if job["status"] == "paused" and job["paused_until"] is not None:
        return say(f"재개 {relative(job['paused_until'], listed.now)}", f"resumes {relative(job['paused_until'], listed.now)}")
    if job["status"] != "active":
        return "-"
    if job["id"] in listed.held:
        names = ", ".join(edge["depends_on_name"] for edge in listed.edges.get(job["id"], ()) if not edge["met"])
        return say(f"기다림: {names}", f"waits for {names}")
    return relative(job["next_run_at"], listed.now)


def _last(job: Any, now: datetime) -> str:
    if job["last_status"] is None:
        return "-"
    return f"{'✓' if job['last_status'] == 'success' else '✕'} {relative(job['last_run_at'], now)}"


@command(app, "list", "작업 목록", "List the jobs")
def list_(
    status: Annotated[str | None, typer.Option(help="active, paused, completed, invalid")] = None,
    type_: Annotated[str | None, typer.Option("--type", help=both("작업 유형", "Job type"))] = None,
    market: Annotated[str | None, typer.Option(help=both("마켓", "Market"))] = None,
    tag: Annotated[str | None, typer.Option(help=both("태그", "Tag"))] = None,
    failing: Annotated[bool, typer.Option("--failing", help=both("실패하고 있는 작업만", "Only what fails"))] = False,
    sort: Annotated[str, typer.Option(help="id, next, name, last")] = "id",
    limit: Annotated[int | None, typer.Option(min=1, help=both("최대 개수", "At most"))] = None,
) -> None:
    """List the jobs."""
    from scheduler.queries import jobs as queries
    from scheduler.queries.dependencies import edges_from, held_jobs
    from scheduler.queries.schedules import Surroundings

    _among("--status", status, tuple(MARKS))
    _among("--sort", sort, ("id", "next", "name", "last"))
    with database() as connection:
        found = queries.list_jobs(
            connection, status=status, job_type=type_, market=market, tag=tag, failing=failing, sort=sort, limit=limit
        )
        if chosen().json:
            print_json([queries.public(job) for job in found])
            return
        ids = [job["id"] for job in found]
        listed = Listed(queries.database_now(connection), Surroundings(connection), queries.last_ends(connection, ids),
                        edges_from(connection, ids), held_jobs(connection, ids))
    nothing = say("작업이 없습니다. 만들기: erp-scheduler jobs add --help", "no jobs; make one: erp-scheduler jobs add --help")
    print_table(found, columns(listed), empty=nothing)


def _among(flag: str, value: str | None, allowed: tuple[str, ...]) -> None:
    if value is not None and value not in allowed:
        raise Stop(exit_codes.USAGE, f"{flag} {value}: {' | '.join(allowed)}")


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


# They put their commands on the same noun, in the order in which --help shows them.
from scheduler.cli import (  # noqa: E402
    backfill,
    config_as_code,
    forecast,
    job_edits,
    job_pauses,
    job_show,
    job_snoozes,
    revisions,
)

for each in (job_show, forecast, job_edits, job_pauses, job_snoozes, backfill, config_as_code):
    each.register(app)
revisions.register_jobs(app)
