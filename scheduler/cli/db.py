"""`erp-scheduler db`: the schema, and the embedded PostgreSQL."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scheduler.cli import exit_codes
from scheduler.cli.grammar import Stop, both, chosen, command, noun
from scheduler.cli.output import hint, print_fields, print_json, show, show_exact
from scheduler.cli.session import APPLICATION, database, database_address, open_connection, read_settings, readable
from scheduler.words import say

if TYPE_CHECKING:
    from scheduler.database.embedded import Embedded
    from scheduler.settings import Settings

app = noun("db", "데이터베이스: 스키마와 내장 PostgreSQL", "The database: its schema and the embedded PostgreSQL")


def embedded_of(settings: Settings) -> Embedded:
    """Return the embedded database of this state folder. Raises Stop (not allowed) when DATABASE_URL points elsewhere."""
    from scheduler.database.embedded import Embedded

    if settings.database_url:
        raise Stop(exit_codes.NOT_ALLOWED, say(
            "DATABASE_URL이 정해져 있어 내장 데이터베이스를 쓰지 않습니다",
            "DATABASE_URL is set, so the embedded database is not in use",
        ) + "\nunset DATABASE_URL")
    return Embedded(settings.state_dir)


@command(app, "init", "데이터베이스를 만들고 스키마를 적용합니다", "Create the database and its schema")
def init() -> None:
    """Create the database if it is missing (the embedded one is started), then migrate."""
    settings = read_settings()
    if settings.database_url:
        _create_if_missing(readable(settings.database_url))
        _migrate(settings.database_url)
    else:
        _migrate(embedded_of(settings).start())


def _create_if_missing(dsn: str) -> None:
    import psycopg
    from psycopg.conninfo import conninfo_to_dict, make_conninfo

    from scheduler.database.connection import connect
    from scheduler.errors import DatabaseUnavailable
    from scheduler.queries.server import create_database

    try:
        connect(dsn, APPLICATION).close()
        return
    except DatabaseUnavailable as error:
        cause = error.__cause__
        name = str(conninfo_to_dict(dsn).get("dbname") or "")
        missing = isinstance(cause, psycopg.OperationalError) and f'database "{name}" does not exist' in str(cause)
        if not name or not missing:
            raise
    with connect(make_conninfo(dsn, dbname="postgres"), APPLICATION) as connection:
        create_database(connection, name)
    hint(say(f"데이터베이스 {name}을(를) 만들었습니다", f"database {name} was created"))


@command(app, "migrate", "스키마를 최신으로", "Bring the schema up to date")
def migrate(
    dry_run: Annotated[bool, typer.Option("--dry-run", help=both("무엇을 할지만 보여줌", "Only say what would be done"))] = False,
) -> None:
    """Apply the migrations that are pending."""
    from scheduler.database.migrate import pending

    if not dry_run:
        _migrate(database_address(read_settings()))
        return
    with database() as connection:
        waiting = [{"number": each.number, "name": each.name} for each in pending(connection)]
    if chosen().json:
        print_json({"pending": waiting})
        return
    for each in waiting:
        show(f"{each['number']:04d} {each['name']}")
    if not waiting:
        hint(say("적용할 것이 없습니다", "nothing is pending"))


def _migrate(dsn: str) -> None:
    from scheduler.database.migrate import migrate as apply

    with open_connection(dsn) as connection:
        applied = apply(connection, lambda each: hint(f"✓ {each.number:04d} {each.name}"))
    if chosen().json:
        print_json({"applied": [{"number": each.number, "name": each.name} for each in applied]})
    else:
        show(say(f"스키마가 최신입니다 ({len(applied)}개 적용)", f"the schema is up to date ({len(applied)} applied)"))


@command(app, "status", "데이터베이스 상태", "State of the database and its schema")
def status() -> int:
    """Show where the database is, whether it answers, and what is pending. Exit code 8 when it cannot be used."""
    facts = _facts(read_settings())
    if chosen().json:
        print_json(facts)
    else:
        print_fields([(name, "✓" if value is True else "✕" if value is False else value) for name, value in facts.items()])
    if not facts["ok"] or facts["pending"]:
        hint("→ erp-scheduler " + ("db migrate" if facts["ok"] else "doctor"))
        return exit_codes.DATABASE
    return exit_codes.OK


def _facts(settings: Settings) -> dict[str, Any]:
    from scheduler.database.connection import masked
    from scheduler.database.embedded import Embedded
    from scheduler.errors import SchedulerError

    embedded = None if settings.database_url else Embedded(settings.state_dir).status()
    facts: dict[str, Any] = {
        "ok": False, "kind": "embedded" if embedded else "external", "url": None, "server": None, "applied": None,
        "pending": [], "error": None,
    }
    if embedded:
        facts["embedded"] = embedded
    try:
        facts["url"] = masked(database_address(settings))
        with database() as connection:
            facts |= _schema(connection)
    except SchedulerError as error:
        facts["error"] = str(error).splitlines()[0]
    return facts


def _schema(connection: Any) -> dict[str, Any]:
    from scheduler.database.migrate import available, pending
    from scheduler.queries.health import server

    waiting = pending(connection)
    return {
        "ok": True, "server": server(connection)["version"], "applied": len(available()) - len(waiting),
        "pending": [f"{each.number:04d} {each.name}" for each in waiting],
    }


@command(app, "start", "내장 데이터베이스를 켭니다", "Start the embedded database")
def start() -> None:
    """Start the embedded PostgreSQL, creating it at the first call."""
    from scheduler.database.connection import masked

    url = embedded_of(read_settings()).start()
    print_json({"running": True, "url": masked(url)}) if chosen().json else show(masked(url))


@command(app, "stop", "내장 데이터베이스를 끕니다", "Stop the embedded database")
def stop(
    force: Annotated[bool, typer.Option("--force", help=both("데몬이 쓰고 있어도", "Even while a daemon uses it"))] = False,
) -> None:
    """Stop the embedded PostgreSQL; not under a daemon that uses it."""
    from scheduler import instance
    from scheduler.errors import Conflict

    settings = read_settings()
    embedded = embedded_of(settings)
    if instance.is_held(settings.state_dir) and not force:
        raise Conflict(say("데몬이 이 데이터베이스를 쓰고 있습니다", "a daemon uses this database") + "\nerp-scheduler stop")
    embedded.stop()
    if chosen().json:
        print_json({"running": False})
    else:
        show(say("내장 데이터베이스를 껐습니다", "the embedded database is stopped"))


@command(app, "url", "데이터베이스 주소", "Print the address of the database")
def url() -> None:
    """Print the address with its password left out."""
    from scheduler.database.connection import masked

    address = masked(database_address(read_settings()))
    print_json({"url": address}) if chosen().json else show_exact(address)


@command(app, "psql", "psql을 엽니다", "Open psql", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def psql(
    arguments: Annotated[list[str] | None, typer.Argument(
        metavar="[-- PSQL…]", help=both("psql에 넘길 것", "Passed to psql"))] = None,
) -> None:
    """Become psql on this database; the password goes by environment, never by argument."""
    from psycopg.conninfo import conninfo_to_dict

    settings = read_settings()
    given = conninfo_to_dict(database_address(settings))
    environment = {**os.environ, **{_ENVIRONMENT[name]: str(value) for name, value in given.items() if name in _ENVIRONMENT}}
    program = _psql(settings)
    os.execve(program, [str(program), *(arguments or [])], environment)


_ENVIRONMENT = {
    "host": "PGHOST", "hostaddr": "PGHOSTADDR", "port": "PGPORT", "dbname": "PGDATABASE", "user": "PGUSER",
    "password": "PGPASSWORD", "passfile": "PGPASSFILE", "sslmode": "PGSSLMODE", "sslrootcert": "PGSSLROOTCERT",
    "sslcert": "PGSSLCERT", "sslkey": "PGSSLKEY", "options": "PGOPTIONS", "service": "PGSERVICE",
    "target_session_attrs": "PGTARGETSESSIONATTRS", "connect_timeout": "PGCONNECT_TIMEOUT",
}


def _psql(settings: Settings) -> Path:
    from scheduler.database.embedded import Embedded
    from scheduler.database.programs import bin_folders

    folders = [Path(found).parent] if (found := shutil.which("psql")) else []
    if not settings.database_url:
        folders.insert(0, Embedded(settings.state_dir).bin_dir)
    folders += [folder for _, folder in bin_folders()]
    for folder in folders:
        if os.access(folder / "psql", os.X_OK):
            return folder / "psql"
    raise Stop(exit_codes.FAILED, say("psql을 찾을 수 없습니다", "psql was not found")
               + "\napt install postgresql-client   |   psql \"$(erp-scheduler db url)\"")
