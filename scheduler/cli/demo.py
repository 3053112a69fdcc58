"""`erp-scheduler demo`: database, pretended marketplace, daemon and three jobs, in a folder of their own, until Ctrl-C.

The folder is kept: a demo that was killed goes on where it was. Nothing outside it is read or written, and no
DATABASE_URL of the environment is used; --dsn says so if another database is meant.
"""

from __future__ import annotations

import fcntl
import os
import shlex
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scheduler import instance
from scheduler.cli import exit_codes
from scheduler.cli.background import own_command
from scheduler.cli.demo_processes import Child, sandbox
from scheduler.cli.grammar import Stop, both, chosen, command
from scheduler.cli.output import print_line, show, spell_duration, tell
from scheduler.cli.session import open_connection, readable
from scheduler.errors import Conflict, NotAllowed
from scheduler.words import language, say

if TYPE_CHECKING:
    from psycopg import Connection

    from scheduler.database.embedded import Embedded

MARKER = "demo"
START_SECONDS = 60.0
FORMER_SECONDS = 90.0
DRAIN_SECONDS = 20.0
LOOK_SECONDS = 0.25
SHORT_LIFE_SECONDS = 5.0
SHORT_LIVES = 3
CREDENTIALS = ("vendor_id", "access_key", "secret_key")
FOREIGN = ("ERP_SCHEDULER_DATABASE_URL", "DATABASE_URL_FILE", "ERP_SCHEDULER_CONFIG", "ERP_SCHEDULER_NODE")


def register(app: typer.Typer) -> None:
    """Put the command on the root."""
    command(app, "demo", "가짜 마켓과 함께 전부 실행해 봅니다 (Ctrl-C로 끝)",
            "Run everything with a pretended marketplace (Ctrl-C ends it)")(demo)


def demo(
    clean: Annotated[bool, typer.Option("--clean", help=both("이전 데모를 지우고 새로", "Begin anew"))] = False,
    folder: Annotated[Path | None, typer.Option(help=both("데모 폴더", "Folder of the demo"))] = None,
) -> int:
    """Run the demo."""
    from scheduler.settings import default_state_dir

    base = os.environ.get("ERP_SCHEDULER_STATE_DIR")
    place = (folder or (Path(base) if base else default_state_dir()) / "demo").expanduser().absolute()
    _refuse_foreign(place)
    with _only_one(place):
        if clean:
            _clear(place)
        return Demo(place, chosen().dsn).play()


def _refuse_foreign(place: Path) -> None:
    if place.exists() and not (place / MARKER).exists() and (not place.is_dir() or any(place.iterdir())):
        raise NotAllowed(say(f"{place}은(는) 데모 폴더가 아닙니다", f"{place} is not the folder of a demo")
                         + "\nerp-scheduler demo --folder …")


@contextmanager
def _only_one(place: Path) -> Iterator[None]:
    place.parent.mkdir(parents=True, exist_ok=True)
    lock = os.open(place.with_name(f".{place.name}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise Conflict(say(f"데모가 이미 실행 중입니다 ({place})", f"a demo is already running ({place})")
                       + "\nerp-scheduler demo --folder …") from None
    try:
        yield
    finally:
        os.close(lock)


def _clear(place: Path) -> None:
    from scheduler.database.embedded import Embedded

    if not place.exists():
        return
    _wait_for_former(place)
    embedded = Embedded(place)
    data = Path(embedded.status()["data"])
    embedded.stop("immediate")
    shutil.rmtree(data, ignore_errors=True)
    shutil.rmtree(place)


def _wait_for_former(place: Path) -> None:
    """Wait until the daemon of a demo that was killed has ended; it was told so by the kernel."""
    limit = time.monotonic() + FORMER_SECONDS
    while instance.is_held(place):
        if time.monotonic() > limit:
            pid = (instance.read_record(place) or {}).get("pid", "?")
            raise Conflict(say(f"이전 데몬이 아직 끝나지 않았습니다 (pid {pid})", f"the former daemon has not ended (pid {pid})")
                           + f"\nkill {pid}")
        time.sleep(LOOK_SECONDS)


class Demo:
    """One run of the demo: what it started, and what it has shown."""

    def __init__(self, place: Path, dsn: str | None) -> None:
        self.place = place
        self.given_dsn = dsn
        self.signals = 0
        self.shown: dict[int, None] = {}
        self.since: datetime | None = None
        self.short_lives = 0

    def play(self) -> int:
        """Start, show, end: in order, whatever happens between."""
        self._take_signals()
        self.place.mkdir(parents=True, exist_ok=True, mode=0o700)
        (self.place / MARKER).touch()
        _wait_for_former(self.place)
        embedded = self._embedded()
        try:
            self._run(embedded)
        finally:
            if embedded is not None:
                embedded.stop()
                tell(say("데이터베이스를 껐습니다", "the database is stopped"))
        return exit_codes.OK

    def _take_signals(self) -> None:
        def count(*_: object) -> None:
            self.signals += 1

        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, count)

    def _embedded(self) -> Embedded | None:
        from scheduler.database.embedded import Embedded

        return None if self.given_dsn else Embedded(self.place)

    def _run(self, embedded: Embedded | None) -> None:
        from scheduler.database.migrate import migrate

        tell(say(f"데모 폴더: {self.place}", f"folder of the demo: {self.place}"))
        dsn = embedded.start() if embedded else readable(str(self.given_dsn))
        with open_connection(dsn) as connection:
            migrate(connection)
        shop = sandbox(self.place)
        try:
            if shop.wait_until((self.place / "port").exists, START_SECONDS, self._stopped):
                self._work(dsn, embedded)
        finally:
            shop.end(DRAIN_SECONDS)

    def _stopped(self) -> bool:
        return self.signals > 0

    def _work(self, dsn: str, embedded: Embedded | None) -> None:
        self._set_up(dsn)
        daemon = self._daemon(dsn)
        try:
            if daemon.wait_until(lambda: self._is_ready(daemon), START_SECONDS, self._stopped):
                self._say_how_to_look(dsn)
                while not self._stopped():
                    daemon = self._look(dsn, embedded, daemon)
        finally:
            tell(say("끝내는 중…", "ending…"))
            daemon.end(DRAIN_SECONDS + 20, hurried=lambda: self.signals > 1)
            self._say_totals(dsn)

    def _set_up(self, dsn: str) -> None:
        from scheduler.protocol.requests import run_now
        from scheduler.queries import demo as queries
        from scheduler.queries.jobs import database_now

        port = (self.place / "port").read_text(encoding="utf-8").strip()
        credentials = {name: f"secret://file{self.place / 'keys' / name}" for name in CREDENTIALS}
        with open_connection(dsn) as connection:
            self.since = database_now(connection)
            queries.set_up(connection, f"http://127.0.0.1:{port}", credentials)
            for name, *_ in queries.JOBS:
                try:
                    run_now(connection, name)
                except NotAllowed as error:
                    tell(str(error))

    def environment(self, dsn: str) -> dict[str, str]:
        """Return the environment of the demo's daemon."""
        base = {name: value for name, value in os.environ.items() if name not in FOREIGN}
        return {
            **base, "DATABASE_URL": dsn, "ERP_SCHEDULER_STATE_DIR": str(self.place), "ERP_SCHEDULER_NODE": "demo",
            "ERP_SCHEDULER_LOG_DIR": str(self.place / "logs"), "ERP_SCHEDULER_BACKUP_DIR": str(self.place / "backups"),
            "ERP_SCHEDULER_DRAIN_SECONDS": f"{DRAIN_SECONDS:g}", "ERP_SCHEDULER_LANG": language(),
        }

    def _daemon(self, dsn: str) -> Child:
        command_ = [*own_command(), "start", "--no-web"]
        return Child("daemon", command_, self.environment(dsn), self.place / "logs" / "scheduler" / "console.log")

    def _is_ready(self, daemon: Child) -> bool:
        record = instance.read_record(self.place) or {}
        return record.get("pid") == daemon.pid and bool(record.get("ready"))

    def _say_how_to_look(self, dsn: str) -> None:
        program = shlex.quote(own_command()[0])
        prefix = f"DATABASE_URL={shlex.quote(dsn)} " if self.given_dsn else "env -u DATABASE_URL "
        prefix += f"ERP_SCHEDULER_STATE_DIR={shlex.quote(str(self.place))} {program}"
        lines = ("status", "jobs list", "executions list", "executions logs '주문 수집' --follow", "db psql", "doctor")
        talk = tell if chosen().json else show
        talk(say("데모가 실행 중입니다. 다른 터미널에서 살펴보기:", "The demo is running. To look, in another terminal:"))
        for line in lines:
            talk(f"  {prefix} {line}")
        talk(say("끝내기: Ctrl-C", "To end: Ctrl-C"))

    def _look(self, dsn: str, embedded: Embedded | None, daemon: Child) -> Child:
        """Follow one connection until something breaks; bring back what broke, as a service manager would."""
        from scheduler.errors import DatabaseUnavailable

        try:
            with open_connection(dsn) as connection:
                while not self._stopped() and daemon.lives:
                    self._show_ends(connection)
                    time.sleep(LOOK_SECONDS)
        except DatabaseUnavailable:
            self._revive(embedded)
        except Exception as error:
            from scheduler.database.connection import is_outage

            if not is_outage(error):
                raise
            self._revive(embedded)
        return daemon if daemon.lives or self._stopped() else self._restarted(dsn, daemon)

    def _revive(self, embedded: Embedded | None) -> None:
        if self._stopped():
            return
        tell(say("데이터베이스가 끊겼습니다. 다시 연결합니다", "the database is gone; reaching for it again"))
        time.sleep(LOOK_SECONDS)
        if embedded is not None:
            embedded.start()

    def _restarted(self, dsn: str, daemon: Child) -> Child:
        self.short_lives = self.short_lives + 1 if time.monotonic() - daemon.started < SHORT_LIFE_SECONDS else 0
        if self.short_lives >= SHORT_LIVES:
            raise Stop(exit_codes.FAILED, "\n".join([
                say("데몬이 계속 끝납니다", "the daemon ends again and again"), *daemon.last_lines(),
            ]))
        tell(say("데몬이 끝나 다시 시작합니다", "the daemon ended; starting it again"))
        daemon.process.wait()
        _wait_for_former(self.place)
        return self._daemon(dsn)

    def _show_ends(self, connection: Connection[Any]) -> None:
        from scheduler.queries.demo import ended_since

        assert self.since is not None
        for row in ended_since(connection, self.since):
            if row["id"] not in self.shown:
                self.shown[row["id"]] = None
                self.since = max(self.since, row["finished_at"])
                print_line(row) if chosen().json else show(_line(row))

    def _say_totals(self, dsn: str) -> None:
        from scheduler.errors import SchedulerError
        from scheduler.queries.demo import totals

        try:
            with open_connection(dsn) as connection:
                self._show_ends(connection)
                ended = totals(connection)
        except SchedulerError:
            return
        tell(say(f"실행 {ended['executions']}회: 성공 {ended['success']}, 실패 {ended['failed']}",
                 f"{ended['executions']} executions: {ended['success']} succeeded, {ended['failed']} failed"))


MARKS = {"success": "✓", "skipped": "–", "cancelled": "–"}


def _line(row: dict[str, Any]) -> str:
    words = row["error_message"] or row["skip_reason"] or " ".join(figures(row["result"] or {}))
    first = str(words).splitlines()[0] if words else ""
    clock = row["finished_at"].astimezone().strftime("%H:%M:%S")
    took = spell_duration(row["duration_ms"])
    return f"{MARKS.get(row['status'], '✕')} {clock}  {row['job_name']}  {row['id']}  {took}  {first}"


KOREAN = {
    "orders": "주문", "orders_inserted": "새 주문", "orders_updated": "바뀐 주문", "orders_unchanged": "그대로인 주문",
    "products": "상품", "products_inserted": "새 상품", "products_updated": "바뀐 상품", "products_unchanged": "그대로인 상품",
    "products_gone": "사라진 상품", "options": "옵션", "windows": "구간", "bytes": "바이트", "tables": "테이블",
}


def figures(result: dict[str, Any]) -> list[str]:
    """Return the figures of a result that are not zero, those of each market behind its name."""
    markets = result.get("markets")
    if not isinstance(markets, dict):
        return _numbers(result)
    found: list[str] = []
    for market, numbers in markets.items():
        found += [f"{market}:", *_numbers(numbers if isinstance(numbers, dict) else {})]
    return found


def _numbers(result: dict[str, Any]) -> list[str]:
    return [
        f"{say(KOREAN.get(name, name), name.replace('_', ' '))} {value:,}" for name, value in result.items()
        if isinstance(value, (int, float)) and not isinstance(value, bool) and value
    ]
