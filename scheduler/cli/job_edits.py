"""`erp-scheduler jobs add, edit, pause, resume, remove`: what changes a job."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from scheduler.cli import exit_codes
from scheduler.cli.grammar import Stop, both, chosen, command
from scheduler.cli.output import at_terminal, hint, print_json, show, show_exact
from scheduler.cli.session import change, database
from scheduler.errors import ParameterError
from scheduler.words import say

if TYPE_CHECKING:
    from psycopg import Connection

Jobs = Annotated[list[str], typer.Argument(help=both(
    "번호, 이름, @failing, @paused, @all, @type:…, @market:…", "Ids, names, @failing, @paused, @all, @type:…, @market:…"))]
Every = Annotated[str | None, typer.Option(metavar="30m", help=both("주기: 90s, 30m, 1d, 1mo", "Interval: 90s, 30m, 1d, 1mo"))]
At = Annotated[list[str] | None, typer.Option(metavar="09:00,18:00", help=both("매일 정해진 시각", "Times of day"))]
Cron = Annotated[str | None, typer.Option(metavar="'0 9 * * 1-5'", help=both("cron 식", "Cron expression"))]
RunAt = Annotated[str | None, typer.Option(metavar="'2026-12-31 09:00'", help=both("한 번, 그 시각에", "Once, at that moment"))]
Delay = Annotated[str | None, typer.Option(metavar="10m", help=both("한 번, 그만큼 뒤에", "Once, after that time"))]
ByHand = Annotated[bool, typer.Option("--by-hand", help=both("일정 없음: 손으로만 실행", "No schedule: only by hand"))]
Timezone = Annotated[str | None, typer.Option("--tz", metavar="Asia/Seoul", help=both("시간대", "Time zone"))]
Market = Annotated[list[str] | None, typer.Option(metavar="coupang,naver", help=both("마켓", "Markets"))]
Param = Annotated[list[str] | None, typer.Option("--param", "-p", metavar="K=V", help=both("매개변수", "Parameter"))]
ParamsJson = Annotated[str | None, typer.Option(metavar="FILE|-", help=both("매개변수 JSON 전체", "All parameters as JSON"))]
Timeout = Annotated[str | None, typer.Option(metavar="30m", help=both("제한 시간", "Timeout"))]
Retries = Annotated[int | None, typer.Option(help=both("재시도 횟수", "Retries"))]
Priority = Annotated[int | None, typer.Option(help=both("우선순위 (클수록 먼저)", "Priority, higher first"))]
Misfire = Annotated[str | None, typer.Option(metavar="run_once|skip|run_all", help=both("놓친 실행", "Missed planned times"))]
Important = Annotated[bool | None, typer.Option("--important/--not-important", help=both("실패하면 알림", "Its failure alerts"))]
Owner = Annotated[str | None, typer.Option(help=both("담당자", "Who answers for it"))]
Description = Annotated[str | None, typer.Option(help=both("설명", "Description"))]
Tag = Annotated[list[str] | None, typer.Option(help=both("꼬리표", "Tags"))]
Sql = Annotated[bool, typer.Option("--sql", help=both("실행하지 않고 SQL만 출력", "Print the SQL instead of doing it"))]


def register(app: typer.Typer) -> None:
    """Put the commands on the noun."""
    command(app, "add", "작업을 만듭니다", "Make a job")(add)
    command(app, "edit", "작업을 고칩니다", "Change a job")(edit)
    command(app, "pause", "작업을 멈춥니다", "Pause jobs")(pause)
    command(app, "resume", "작업을 다시 시작합니다", "Let paused jobs go on")(resume)
    command(app, "remove", "작업을 지웁니다 (기록은 남음)", "Delete jobs (their history stays)")(remove)


def checked_parameters(connection: Connection[Any], job_type: str, parameters: dict[str, Any]) -> None:
    """Refuse parameters that the type's handler would refuse; an unknown type is only said.

    Raises  ParameterError listing every fault
    """
    from scheduler.queries.handlers import find_handler, unknown_type
    from scheduler.rules.parameters import check_parameters

    known = find_handler(connection, job_type)
    if known is None:
        hint("! " + unknown_type(connection, job_type))
        return
    faults = check_parameters(known["params_schema"], parameters)
    if faults:
        raise ParameterError("\n- ".join([say("매개변수가 맞지 않습니다", "the parameters do not fit"), *faults])
                             + f"\nerp-scheduler handlers show {job_type}")


def add(
    name: Annotated[str | None, typer.Option(help=both("이름", "Name"))] = None,
    type_: Annotated[str | None, typer.Option("--type", help=both("작업 유형", "Job type"))] = None,
    every: Every = None, at: At = None, cron: Cron = None, run_at: RunAt = None, delay: Delay = None,
    by_hand: ByHand = False, tz: Timezone = None, market: Market = None, param: Param = None,
    params_json: ParamsJson = None, timeout: Timeout = None, retries: Retries = None, priority: Priority = None,
    misfire: Misfire = None, important: Important = None, owner: Owner = None, description: Description = None,
    tag: Tag = None,
    paused: Annotated[bool, typer.Option("--paused", help=both("멈춘 상태로 만듭니다", "Make it paused"))] = False,
    sql: Sql = False,
) -> None:
    """Make a job."""
    from scheduler.cli.schedule_flags import parameters_of, plain_columns, schedule_columns
    from scheduler.queries import jobs as queries

    name, type_ = _asked(name, "--name", say("이름", "Name")), _asked(type_, "--type", say("작업 유형", "Job type"))
    schedule = schedule_columns(
        every=every, at=at, cron=cron, run_at=run_at, delay=delay, by_hand=by_hand, timezone=tz, now=_now()
    )
    if not schedule:
        raise Stop(exit_codes.USAGE, say("일정이 없습니다. --every, --at, --cron, --run-at, --delay 또는 --by-hand",
                                         "no schedule: give --every, --at, --cron, --run-at, --delay or --by-hand"))
    values = plain_columns({
        "name": name, "job_type": type_, "status": "paused" if paused else None, "timezone": tz, "market_codes": market,
        "timeout_minutes": timeout, "max_retries": retries, "priority": priority, "misfire_policy": misfire,
        "important": important, "owner": owner, "description": description, "tags": tag,
        "parameters": parameters_of(param, params_json),
    }) | {column: value for column, value in schedule.items() if value is not None}
    if sql:
        show_exact(queries.typed(queries.insert_statement(values)))
        return
    with database() as connection:
        checked_parameters(connection, type_, values.get("parameters", {}))
        with change(connection):
            number = queries.insert_job(connection, values)
        _show_saved(connection, [number], say("만들었습니다", "made"))


def edit(
    job: Jobs, name: Annotated[str | None, typer.Option(help=both("새 이름", "New name"))] = None,
    type_: Annotated[str | None, typer.Option("--type", help=both("작업 유형", "Job type"))] = None,
    every: Every = None, at: At = None, cron: Cron = None, run_at: RunAt = None, delay: Delay = None,
    by_hand: ByHand = False, tz: Timezone = None, market: Market = None, param: Param = None,
    params_json: ParamsJson = None, timeout: Timeout = None, retries: Retries = None, priority: Priority = None,
    misfire: Misfire = None, important: Important = None, owner: Owner = None, description: Description = None,
    tag: Tag = None, sql: Sql = False,
) -> None:
    """Change jobs; an edit plans anew and never makes a job fire."""
    from scheduler.cli.schedule_flags import parameters_of, plain_columns, schedule_columns
    from scheduler.queries import jobs as queries

    values = plain_columns({
        "name": name, "job_type": type_, "timezone": tz, "market_codes": market, "timeout_minutes": timeout,
        "max_retries": retries, "priority": priority, "misfire_policy": misfire, "important": important,
        "owner": owner, "description": description, "tags": tag,
    })
    given = parameters_of(param, params_json)
    with database() as connection:
        with change(connection):
            found = queries.list_jobs(connection, ids=queries.find_jobs(connection, job))
            zone = tz or found[0]["timezone"]
            values |= schedule_columns(
                every=every, at=at, cron=cron, run_at=run_at, delay=delay, by_hand=by_hand, timezone=zone, now=_now()
            )
            if not values and given is None:
                raise Stop(exit_codes.USAGE, say("무엇을 바꿀지 쓰세요", "say what to change")
                           + f"\nerp-scheduler jobs edit {found[0]['id']} --every 30m")
            for row in found:
                _edit_one(connection, row, values, given, replaced=params_json is not None, sql=sql)
        if not sql:
            _show_saved(connection, [row["id"] for row in found], say("고쳤습니다", "changed"))


def _edit_one(
    connection: Connection[Any], row: Any, values: dict[str, Any], given: dict[str, Any] | None, *,
    replaced: bool, sql: bool,
) -> None:
    from scheduler.queries import jobs as queries

    own = dict(values)
    if given is not None:
        own["parameters"] = given if replaced else {**row["parameters"], **given}
    if "parameters" in own or "job_type" in own:
        checked_parameters(connection, own.get("job_type", row["job_type"]), own.get("parameters", row["parameters"]))
    if sql:
        show_exact(queries.typed(queries.update_statement(own, [row["id"]])))
    else:
        queries.update_jobs(connection, own, [row["id"]])


def pause(job: Jobs, sql: Sql = False) -> None:
    """Pause jobs: nothing new starts, what runs goes on to its end."""
    _set_status(job, "paused", say("멈췄습니다", "paused"), sql=sql)


def resume(job: Jobs, sql: Sql = False) -> None:
    """Let jobs go on; planned strictly after now."""
    _set_status(job, "active", say("다시 시작했습니다", "resumed"), sql=sql)


def _set_status(texts: list[str], status: str, word: str, *, sql: bool) -> None:
    from scheduler.queries import jobs as queries

    with database() as connection:
        ids = queries.find_jobs(connection, texts)
        if sql:
            show_exact(queries.typed(queries.update_statement({"status": status}, ids)))
            return
        with change(connection):
            queries.update_jobs(connection, {"status": status}, ids)
        _show_saved(connection, ids, word)


def remove(
    job: Jobs, yes: Annotated[bool, typer.Option("--yes", "-y", help=both("묻지 않음", "Do not ask"))] = False
) -> None:
    """Delete jobs; their history stays, what waits ends as cancelled, what runs is ended."""
    from scheduler.queries import jobs as queries

    with database() as connection:
        found = queries.list_jobs(connection, ids=queries.find_jobs(connection, job))
        running = queries.running_of(connection, [row["id"] for row in found])
        names = ", ".join(f"{row['id']} {row['name']}" for row in found)
        for each in running:
            hint(say(f"! 실행 {each['id']} ({each['job_name']})이(가) 실행 중이며 중단됩니다",
                     f"! execution {each['id']} ({each['job_name']}) is running and will be ended"))
        confirm(say(f"작업을 지울까요? {names}", f"Delete {names}?"), yes)
        gone = queries.remove_jobs(connection, [row["id"] for row in found])
    if chosen().json:
        print_json(gone)
        return
    for each in gone:
        show(say(f"작업 {each['id']} {each['name']}: 지웠습니다", f"job {each['id']} {each['name']}: deleted"))


def confirm(question: str, yes: bool) -> None:
    """Ask at a terminal, demand --yes elsewhere. Raises Stop (declined)."""
    from scheduler.cli.output import clean

    if yes:
        return
    if not at_terminal():
        raise Stop(exit_codes.DECLINED, say(f"{question}\n--yes를 붙이세요", f"{question}\nadd --yes"))
    if not typer.confirm(clean(question), err=True):
        raise Stop(exit_codes.DECLINED, say("그만두었습니다", "nothing was done"))


def _asked(value: str | None, flag: str, question: str) -> str:
    if value is not None:
        return value
    if not at_terminal():
        raise Stop(exit_codes.USAGE, say(f"{flag}이(가) 필요합니다", f"{flag} is needed") + "\nerp-scheduler jobs add --help")
    return str(typer.prompt(question, err=True))


def _now() -> Any:
    from datetime import UTC, datetime

    return datetime.now(UTC)


def _show_saved(connection: Connection[Any], ids: list[int], word: str) -> None:
    from scheduler.cli.jobs import words_of
    from scheduler.queries import jobs as queries

    found = queries.list_jobs(connection, ids=ids)
    if chosen().json:
        public = [queries.public(row) for row in found]
        print_json(public)
        return
    for row in found:
        show(f"{say('작업', 'job')} {row['id']} {row['name']}: {word} ({words_of(row)})")
