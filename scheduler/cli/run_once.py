"""`erp-scheduler run-once`: one execution of a job type, now or later, without making a job."""

from __future__ import annotations

from typing import Annotated

import typer

from scheduler.cli import exit_codes
from scheduler.cli.grammar import Stop, both, chosen, command
from scheduler.cli.output import hint, moment, print_json, show
from scheduler.cli.session import change, database
from scheduler.words import say


def register(app: typer.Typer) -> None:
    """Put the command on the root."""
    command(app, "run-once", "작업을 만들지 않고 한 번 실행합니다", "Run a job type once, without making a job")(run_once)


def run_once(
    type_: Annotated[str, typer.Argument(metavar="TYPE", help=both("작업 유형", "Job type"))],
    param: Annotated[list[str] | None, typer.Option("--param", "-p", metavar="K=V", help=both("매개변수", "Parameter"))] = None,
    params_json: Annotated[str | None, typer.Option(metavar="FILE|-", help=both("매개변수 JSON", "Parameters as JSON"))] = None,
    market: Annotated[list[str] | None, typer.Option(metavar="coupang,naver", help=both("마켓", "Markets"))] = None,
    delay: Annotated[str | None, typer.Option("--in", metavar="10m", help=both("그만큼 뒤에", "After that time"))] = None,
    at: Annotated[str | None, typer.Option(metavar="'2026-12-31 09:00'", help=both("그 시각에", "At that moment"))] = None,
    wait: Annotated[bool, typer.Option("--wait", help=both("끝날 때까지 기다립니다", "Wait for the end"))] = False,
    timeout: Annotated[str | None, typer.Option(help=both("기다리는 시간 (--wait)", "How long to wait (--wait)"))] = None,
) -> int:
    """Queue one execution of a type."""
    from scheduler.cli.job_edits import checked_parameters
    from scheduler.cli.schedule_flags import parameters_of, plain_columns, read_moment, seconds
    from scheduler.cli.waiting import wait_for
    from scheduler.queries.executions import execution
    from scheduler.queries.nodes import list_nodes
    from scheduler.queries.run_once import run_once as ask

    if delay and at:
        raise Stop(exit_codes.USAGE, say("--in과 --at 중 하나만 쓰세요", "use only one of --in and --at"))
    limit = None if timeout is None else seconds(timeout)
    parameters = parameters_of(param, params_json) or {}
    markets = plain_columns({"market_codes": market}).get("market_codes", [])
    later = 0.0 if delay is None else seconds(delay)
    moment_at = None if at is None else read_moment(at, None)
    with database() as connection:
        checked_parameters(connection, type_, parameters)
        with change(connection):
            number = ask(connection, type_, parameters, markets, delay=later, at=moment_at)
        if wait:
            return wait_for(connection, [number], limit)
        row = execution(connection, number)
        is_alive = any(node["living"] for node in list_nodes(connection))
    if chosen().json:
        print_json({"execution_id": number, "job_type": type_, "available_at": row["available_at"]})
        return exit_codes.OK
    when = say(f", {moment(row['available_at'])}에", f", at {moment(row['available_at'])}") if delay or at else ""
    show(say(f"실행 {number}: {type_} 대기열에 넣음{when}", f"execution {number}: {type_} queued{when}"))
    if not is_alive:
        hint(say("실행 중인 데몬이 없어 대기합니다", "no daemon is running, so it waits") + ": erp-scheduler start -d")
    else:
        hint(f"→ erp-scheduler executions logs {number} --follow")
    return exit_codes.OK
