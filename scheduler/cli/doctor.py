"""`erp-scheduler doctor`: every fault and warning it can find, each with the way out. It starts and changes nothing."""

from __future__ import annotations

import os
import shlex
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from scheduler.cli import exit_codes
from scheduler.cli.grammar import chosen, command
from scheduler.cli.output import moment, print_json, show
from scheduler.errors import SchedulerError
from scheduler.words import say

if TYPE_CHECKING:
    from psycopg import Connection

    from scheduler.settings import Settings

OK, WARNING, FAULT = "ok", "warning", "failed"
MARKS = {OK: "✓", WARNING: "!", FAULT: "✕"}
NOTIFY_SECONDS = 3.0
FREE_BYTES = 1 << 30
CONNECTIONS_OF_A_DAEMON = 5


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the report: what was looked at, how it is, and what to type when it is not well."""

    name: str
    state: str
    words: str
    fix: str = ""


Checks = Iterator[Check]


def register(app: typer.Typer) -> None:
    """Put the command on the root."""
    command(app, "doctor", "설치와 데이터베이스를 점검합니다", "Check installation, settings and database")(doctor)


def doctor() -> int:
    """Check everything; exit code 1 when a check failed."""
    found = []
    for check in _all():
        found.append(check)
        if not chosen().json:
            show(f"{MARKS[check.state]} {check.words}" + (f"\n    → {check.fix}" if check.fix else ""))
    faults = sum(check.state == FAULT for check in found)
    warnings = sum(check.state == WARNING for check in found)
    if chosen().json:
        print_json({"failed": faults, "warnings": warnings, "checks": [asdict(check) for check in found]})
    else:
        show(say(f"결과: 실패 {faults}, 경고 {warnings}", f"result: {faults} failed, {warnings} warnings"))
    return exit_codes.FAILED if faults else exit_codes.OK


def _all() -> Checks:
    from scheduler.cli.session import read_settings

    yield from _packages()
    try:
        settings = read_settings()
    except SchedulerError as error:
        yield Check("settings", FAULT, str(error), "deploy/.env.example")
        return
    yield Check("settings", OK, say("설정", "settings"))
    yield from _folders(settings)
    yield from _kernel()
    try:
        with _opened(settings) as connection:
            yield from _database(settings, connection)
    except SchedulerError as error:
        first, *rest = str(error).splitlines()
        fix = next((line for line in rest if "doctor" not in line), "erp-scheduler db start   |   DATABASE_URL=…")
        yield Check("database", FAULT, first, fix)


@contextmanager
def _opened(settings: Settings) -> Iterator[Connection[Any]]:
    from scheduler.cli.session import database_address, open_connection

    with open_connection(database_address(settings)) as connection:
        yield connection


def _packages() -> Checks:
    from scheduler.cli.daemon import name_clashes

    clashes = name_clashes()
    if clashes:
        owners = " ".join(sorted({clash.partition(":")[0] for clash in clashes}))
        yield Check("packages", FAULT, say("다른 패키지가 같은 이름을 씁니다", "another package owns our name")
                    + f": {', '.join(clashes)}", f"pip uninstall {owners}")
    else:
        yield Check("packages", OK, say("패키지 이름이 겹치지 않음", "no other package owns our names"))


def _folders(settings: Settings) -> Checks:
    for name in ("log_dir", "state_dir", "backup_dir", "report_dir"):
        folder = getattr(settings, name)
        there = _nearest(folder)
        if not os.access(there, os.W_OK | os.X_OK) or not there.is_dir():
            yield Check(name, FAULT, say(f"{name}: {folder}에 쓸 수 없음", f"{name}: {folder} is not writable"),
                        f"ERP_SCHEDULER_{name.upper()}=…")
            continue
        free = shutil.disk_usage(there).free
        words = say(f"{name}: {folder}, 여유 {free >> 30} GB", f"{name}: {folder}, {free >> 30} GB free")
        yield Check(name, OK if free >= FREE_BYTES else WARNING, words)


def _nearest(folder: Path) -> Path:
    """Return the folder itself or the nearest one above it that exists: doctor creates nothing."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder


def _kernel() -> Checks:
    if not hasattr(os, "pidfd_open"):
        yield Check("kernel", FAULT, say("pidfd가 없는 커널: Linux 5.3 이상이 필요함", "no pidfd: Linux 5.3 or later is needed"))


def _database(settings: Settings, connection: Connection[Any]) -> Checks:
    from scheduler.queries import health

    server = health.server(connection)
    yield _server(server)
    yield _schema(connection)
    if not _has_schema(connection):
        return
    for check in (_notify, _pooler):
        yield check(settings, connection)
    yield _pg_dump(int(server["major"]))
    yield _connections(settings, server)
    yield from _jobs(connection)
    yield from _promises(settings, connection)


def _server(server: dict[str, Any]) -> Check:
    words = f"PostgreSQL {server['version']}, {server['encoding']}"
    if server["major"] < 15:
        return Check("server", FAULT, words + say(": 15 이상이 필요함", ": 15 or later is needed"))
    if server["encoding"] != "UTF8":
        return Check("server", FAULT, words + say(": UTF8이어야 함", ": must be UTF8"), "CREATE DATABASE … ENCODING 'UTF8'")
    return Check("server", OK, words)


def _has_schema(connection: Connection[Any]) -> bool:
    from scheduler.database.migrate import pending

    try:
        return not pending(connection)
    except SchedulerError:
        return False


def _schema(connection: Connection[Any]) -> Check:
    from scheduler.database.migrate import available, pending

    try:
        waiting = pending(connection)
    except SchedulerError as error:
        return Check("schema", FAULT, str(error))
    if waiting:
        names = ", ".join(f"{each.number:04d}" for each in waiting)
        return Check("schema", FAULT, say(f"적용하지 않은 스키마: {names}", f"schema: {names} pending"),
                     "erp-scheduler db migrate")
    return Check("schema", OK, say(f"스키마 {available()[-1].number} = 기대한 값", f"schema {available()[-1].number} = expected"))


def _notify(settings: Settings, connection: Connection[Any]) -> Check:
    from scheduler.queries.checks import notify_arrives

    with _opened(settings) as listener:
        arrived = notify_arrives(listener, connection, uuid.uuid4().hex, NOTIFY_SECONDS)
    if arrived:
        return Check("notify", OK, say("LISTEN/NOTIFY가 도착함", "LISTEN/NOTIFY reaches us"))
    return Check("notify", WARNING, say("NOTIFY가 오지 않음: 고친 내용은 폴링으로만 보임",
                                        "NOTIFY does not arrive: edits are seen by polling only"))


def _pooler(settings: Settings, connection: Connection[Any]) -> Check:
    from scheduler.queries.checks import changes_sessions

    if changes_sessions(connection):
        return Check("pooler", WARNING, say("트랜잭션 모드의 풀러를 거침", "a pooler in transaction mode stands between"))
    return Check("pooler", OK, say("직접 연결", "a direct connection"))


def _pg_dump(major: int) -> Check:
    from scheduler.database.programs import program

    try:
        return Check("pg_dump", OK, f"pg_dump {major}: {program('pg_dump', major)}")
    except SchedulerError as error:
        return Check("pg_dump", WARNING, str(error), f"apt install postgresql-client-{major}")


def _connections(settings: Settings, server: dict[str, Any]) -> Check:
    needed = settings.workers + CONNECTIONS_OF_A_DAEMON
    room = server["max_connections"] - server["reserved"] - server["connections"]
    words = say(f"연결 {server['connections']}/{server['max_connections']}, 이 노드는 최대 {needed}개",
                f"connections {server['connections']}/{server['max_connections']}, this node takes up to {needed}")
    return Check("connections", OK if needed <= room else WARNING, words, "" if needed <= room else "ERP_SCHEDULER_WORKERS=…")


def _jobs(connection: Connection[Any]) -> Checks:
    from scheduler.queries import checks
    from scheduler.queries.nodes import list_drains

    for each in checks.types_without_node(connection):
        names = ", ".join(each["names"][:5])
        yield Check("job_types", WARNING, say(f"작업 유형 {each['job_type']}을(를) 아는 살아 있는 노드가 없음: {names}",
                                              f"no live node knows job type {each['job_type']}: {names}"),
                    "erp-scheduler nodes list   |   ERP_SCHEDULER_HANDLERS=…")
    for each in list_drains(connection):
        who = f"{each['by_whom']}, {moment(each['since'])}" + (f": {each['reason']}" if each["reason"] else "")
        yield Check("drained", WARNING, say(f"비운 노드 {each['node']}: 새 작업을 받지 않음 ({who})",
                                            f"node {each['node']} is drained and takes no new work ({who})"),
                    f"erp-scheduler nodes drain {shlex.quote(each['node'])} --undo")
    for each in checks.invalid_jobs(connection):
        yield Check("invalid", WARNING, f"{each['id']} {each['name']}: {each['last_error'] or ''}",
                    f"erp-scheduler jobs edit {each['id']} …")
    for each in checks.locks_by_hand(connection):
        who, until = f"{each['job_id']} {each['name']}", moment(each["expires_at"])
        yield Check("locks", WARNING, say(f"손으로 만든 잠금: {who}, {until}까지", f"locked by hand: {who} until {until}"),
                    f"erp-scheduler locks release {each['job_id']} --force")


def _promises(settings: Settings, connection: Connection[Any]) -> Checks:
    from scheduler.queries.promises import check_promises

    broken = check_promises(connection, settings.reap_grace_seconds + settings.poll_seconds + settings.heartbeat_seconds)
    for each in broken:
        numbers = ", ".join(map(str, each.executions[:10]))
        yield Check(each.promise, FAULT, f"{each.promise} {each.words}: " + say(f"작업 {each.job_id}, 실행 {numbers}",
                                                                               f"job {each.job_id}, executions {numbers}"),
                    f"erp-scheduler executions show {each.executions[0]}")
    if not broken:
        yield Check("promises", OK, say("약속 I1, I3–I8, I12 지켜짐", "promises I1, I3–I8, I12 are kept"))
