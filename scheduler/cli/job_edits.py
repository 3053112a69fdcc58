"""`erp-scheduler jobs add, edit, remove`: what makes, changes and ends a job."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scheduler.cli import exit_codes
from scheduler.cli.grammar import Stop, both, chosen, command
from scheduler.cli.job_flags import JobFlags, given_parameters, job_columns, with_job_flags
from scheduler.cli.job_words import read_saved, show_saved
from scheduler.cli.output import SEOUL, at_terminal, hint, moment, print_json, show, show_exact
from scheduler.cli.session import change, database
from scheduler.errors import ParameterError
from scheduler.words import say

if TYPE_CHECKING:
    from psycopg import Connection
    from psycopg.sql import Composed

    from scheduler.queries.dependencies import Edge

Jobs = Annotated[list[str], typer.Argument(help=both(
    "번호, 이름, @failing, @paused, @all, @type:…, @market:…", "Ids, names, @failing, @paused, @all, @type:…, @market:…"))]
Sql = Annotated[bool, typer.Option("--sql", help=both("실행하지 않고 SQL만 출력", "Print the SQL instead of doing it"))]
DryRun = Annotated[bool, typer.Option(
    "--dry-run", help=both("저장하지 않고 결과만 보기", "Show what would come of it, save nothing"))]
EDGES = {"": ("since_last_run", "success"), "success": ("since_last_run", "success"), "ever": ("ever", "success"),
         "failure": ("since_last_run", "failure")}


def register(app: typer.Typer) -> None:
    """Put the commands on the noun."""
    command(app, "add", "작업을 만듭니다", "Make a job")(add)
    command(app, "edit", "작업을 고칩니다", "Change a job")(edit)
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


@with_job_flags
def add(
    *, name: Annotated[str | None, typer.Option(help=both("이름", "Name"))] = None, flags: JobFlags,
    paused: Annotated[bool, typer.Option("--paused", help=both("멈춘 상태로 만듭니다", "Make it paused"))] = False,
    sql: Sql = False, dry_run: DryRun = False,
) -> None:
    """Make a job."""
    from scheduler.queries import jobs as queries
    from scheduler.queries.dependencies import edge_statements, set_edges

    values = _columns_of_new(flags, name, paused)
    if sql and not flags.after:
        show_exact(queries.typed(queries.insert_statement(values)))
        return
    with database() as connection:
        edges = wanted_edges(connection, flags.after) or []
        if sql:
            _show_statements([queries.insert_statement(values), *edge_statements(values["name"], edges)[1:]])
            return
        checked_parameters(connection, values["job_type"], values.get("parameters", {}))
        with change(connection, keep=not dry_run):
            number = queries.insert_job(connection, values)
            if edges:
                set_edges(connection, number, edges)
            saved = read_saved(connection, [number])
    show_saved(saved, _trial(dry_run, say("만들었습니다", "made")))


def _columns_of_new(flags: JobFlags, name: str | None, paused: bool) -> dict[str, Any]:
    from scheduler.cli.schedule_flags import SCHEDULE_COLUMNS, plain_columns

    name = _asked(name, "--name", say("이름", "Name"))
    job_type = _asked(flags.type_, "--type", say("작업 유형", "Job type"))
    values = job_columns(flags, flags.tz, _now())
    refuse_past(values if flags.run_at else {}, flags.tz, f"erp-scheduler run-once {shlex.quote(job_type)}")
    if not set(SCHEDULE_COLUMNS) & set(values) and not flags.after:
        raise Stop(exit_codes.USAGE, say("일정이 없습니다. --every, --at, --cron, --run-at, --delay, --after 또는 --by-hand",
                                         "no schedule: give --every, --at, --cron, --run-at, --delay, --after or --by-hand"))
    first = plain_columns({"name": name, "job_type": job_type, "status": "paused" if paused else None})
    given = {column: value for column, value in values.items() if value is not None and column != "job_type"}
    parameters = given_parameters(flags)
    return first | given | ({} if parameters is None else {"parameters": parameters})


@with_job_flags
def edit(
    *, job: Jobs, name: Annotated[str | None, typer.Option(help=both("새 이름", "New name"))] = None, flags: JobFlags,
    sql: Sql = False, dry_run: DryRun = False,
) -> None:
    """Change jobs; an edit plans anew and never makes a job fire."""
    from scheduler.cli.schedule_flags import plain_columns
    from scheduler.queries import jobs as queries

    given = given_parameters(flags)
    with database() as connection, change(connection, keep=not dry_run):
        found = queries.list_jobs(connection, ids=queries.find_jobs(connection, job))
        timezone = flags.tz or found[0]["timezone"]
        values = plain_columns({"name": name}) | job_columns(flags, timezone, _now())
        numbers = " ".join(str(row["id"]) for row in found)
        refuse_past(values if flags.run_at else {}, timezone, f"erp-scheduler jobs run {numbers}")
        edges = wanted_edges(connection, flags.after)
        if not values and given is None and edges is None:
            raise Stop(exit_codes.USAGE, say("무엇을 바꿀지 쓰세요", "say what to change")
                       + f"\nerp-scheduler jobs edit {found[0]['id']} --every 30m")
        statements = [
            statement for row in found for statement in _changes(
                connection, row, values, given, edges, replaced=flags.params_json is not None)
        ]
        for statement in [] if sql else statements:
            connection.execute(statement)
        saved = None if sql else read_saved(connection, [row["id"] for row in found])
    if saved is None:
        _show_statements(statements)
    else:
        show_saved(saved, _trial(dry_run, say("고쳤습니다", "changed")))


def refuse_past(values: dict[str, Any], timezone: str | None, instead: str) -> None:
    """Refuse a run_at that is over: it would never run.

    instead  the command that runs it now
    Raises   Stop (usage)
    """
    now, zone = _now(), timezone or SEOUL
    run_at = values.get("run_at")
    if run_at is None or run_at > now:
        return
    then, clock = moment(run_at, zone), moment(now, zone)
    raise Stop(exit_codes.USAGE, say(
        f"--run-at {then} ({zone}): 이미 지났습니다. 지금은 {clock}\n지금 실행하려면: {instead}",
        f"--run-at {then} ({zone}) is over already; it is {clock} now\nto run it now: {instead}"))


def _changes(
    connection: Connection[Any], row: Any, values: dict[str, Any], given: dict[str, Any] | None, edges: list[Edge] | None, *,
    replaced: bool,
) -> list[Composed]:
    """Write the statements that change one job."""
    from scheduler.queries import jobs as queries
    from scheduler.queries.dependencies import edge_statements

    own = dict(values)
    if given is not None:
        own["parameters"] = given if replaced else {**row["parameters"], **given}
    if "parameters" in own or "job_type" in own:
        checked_parameters(connection, own.get("job_type", row["job_type"]), own.get("parameters", row["parameters"]))
    # Edges first: whoever adds one takes turns, and nobody may wait for that turn with the job's row in hand.
    statements = [] if edges is None else edge_statements(row["id"], edges)
    return statements + ([queries.update_statement(own, [row["id"]])] if own else [])


def wanted_edges(connection: Connection[Any], texts: list[str] | None) -> list[Edge] | None:
    """Read --after: the jobs to wait for, an empty list for ``none``, None when nothing was said.

    Raises  NotFound, Conflict as find_job does; Stop (usage) for none beside others
    """
    from scheduler.queries.dependencies import Edge
    from scheduler.queries.jobs import find_job

    if not texts:
        return None
    if "none" in texts:
        if len(texts) > 1:
            raise Stop(exit_codes.USAGE, say("--after none은 혼자 쓰세요", "--after none stands alone"))
        return []
    found: dict[int, Edge] = {}
    for text in texts:
        name, _, kind = text.rpartition(":")
        if not name or kind not in EDGES:
            name, kind = text, ""
        number = find_job(connection, name)
        found[number] = Edge(number, *EDGES[kind])
    return list(found.values())


def _show_statements(statements: list[Composed]) -> None:
    """Print statements to be typed again; several are one transaction, as they are here."""
    from scheduler.queries.jobs import typed

    lines = [typed(statement) for statement in statements]
    for line in lines if len(lines) == 1 else ["BEGIN;", *lines, "COMMIT;"]:
        show_exact(line)


def _trial(dry_run: bool, word: str) -> str:
    return say("저장하지 않음", "not saved") if dry_run else word


def remove(
    job: Jobs, yes: Annotated[bool, typer.Option("--yes", "-y", help=both("묻지 않음", "Do not ask"))] = False,
    purge: Annotated[bool, typer.Option("--purge", help=both(
        "실행 기록과 변경 이력까지 지웁니다 (되살릴 수 없음)",
        "Delete their executions and edits too (nothing brings them back)"))] = False,
) -> None:
    """Delete jobs; their history stays, what waits ends as cancelled, what runs is ended."""
    from scheduler.queries import jobs as queries
    from scheduler.queries.job_purge import purge_job

    with database() as connection:
        found = queries.list_jobs(connection, ids=queries.find_jobs(connection, job))
        ids = [row["id"] for row in found]
        _say_what_ends(connection, ids)
        names = ", ".join(f"{row['id']} {row['name']}" for row in found)
        confirm(say(f"작업을 기록까지 지울까요? 되살릴 수 없습니다: {names}", f"Delete {names} with the whole history, for good?")
                if purge else say(f"작업을 지울까요? {names}", f"Delete {names}?"), yes)
        with change(connection):
            gone = [purge_job(connection, number) for number in ids] if purge else queries.remove_jobs(connection, ids)
    if chosen().json:
        print_json(gone)
        return
    for each in gone:
        ending = say(f", 실행 기록 {each['executions']:,}건도", f", with {each['executions']:,} executions") if purge else ""
        show(say(f"작업 {each['id']} {each['name']}: 지웠습니다{ending}", f"job {each['id']} {each['name']}: deleted{ending}"))


def _say_what_ends(connection: Connection[Any], ids: list[int]) -> None:
    """Say which executions would be ended, and which jobs would no longer wait for these."""
    from scheduler.queries.dependencies import edges_about
    from scheduler.queries.jobs import running_of

    for each in running_of(connection, ids):
        hint(say(f"! 실행 {each['id']} ({each['job_name']})이(가) 실행 중이며 중단됩니다",
                 f"! execution {each['id']} ({each['job_name']}) is running and will be ended"))
    for edge in edges_about(connection, ids):
        if edge["depends_on"] in ids and edge["job_id"] not in ids:
            waiting, former = f"{edge['job_id']} {edge['job_name']}", edge["depends_on_name"]
            hint(say(f"! 작업 {waiting}은(는) 더 이상 {former}을(를) 기다리지 않게 됩니다",
                     f"! job {waiting} will no longer wait for {former}"))


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


def _now() -> datetime:
    return datetime.now(UTC)
