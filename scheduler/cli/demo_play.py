"""One play of the demo: start the shops, the database and the daemon, show what ends, bring back what breaks, end it all."""

from __future__ import annotations

import os
import shlex
import signal
import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scheduler import instance
from scheduler.cli import exit_codes
from scheduler.cli.background import MARK, own_command
from scheduler.cli.demo_lines import end_line
from scheduler.cli.demo_processes import Child, all_open, sandbox, shops
from scheduler.cli.demo_site import Site
from scheduler.cli.grammar import Stop, chosen
from scheduler.cli.output import print_line, show, tell
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
FOREIGN = ("ERP_SCHEDULER_DATABASE_URL", "DATABASE_URL_FILE", "ERP_SCHEDULER_CONFIG", "ERP_SCHEDULER_NODE")


def wait_for_former(place: Path) -> None:
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

    def __init__(self, place: Path, dsn: str | None, port: int | None = None) -> None:
        self.place = place
        self.site = Site(place, port)
        self.given_dsn = dsn
        self.signals = 0
        self.shown: dict[int, None] = {}
        self.since: datetime | None = None
        self.short_lives = 0
        self.went_on = False

    def play(self) -> int:
        """Start, show, end: in order, whatever happens between."""
        self._take_signals()
        self.place.mkdir(parents=True, exist_ok=True, mode=0o700)
        (self.place / MARKER).touch()
        wait_for_former(self.place)
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
            if shop.wait_until(lambda: all_open(self.place), START_SECONDS, self._stopped):
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
        from scheduler.queries import demo as queries
        from scheduler.queries.jobs import database_now

        with open_connection(dsn) as connection:
            if queries.has_real_shops(connection):
                raise NotAllowed(say("이 데이터베이스에는 진짜 마켓 계정이 있습니다. 데모는 다른 데이터베이스에서 실행하세요",
                                     "this database knows real shops; run the demo on another one"))
            self.since = database_now(connection)
            queries.set_up(connection, shops(self.place))
            self._ask_for(connection, queries.FIRST)

    def _ask_for(self, connection: Connection[Any], names: tuple[str, ...]) -> None:
        from scheduler.protocol.requests import run_now

        for name in names:
            try:
                run_now(connection, name)
            except NotAllowed as error:
                tell(str(error))

    def environment(self, dsn: str) -> dict[str, str]:
        """Return the environment of the demo's daemon."""
        base = {name: value for name, value in os.environ.items() if name not in FOREIGN}
        return {
            **base, **self.site.environment(), MARK: "1",
            "DATABASE_URL": dsn, "ERP_SCHEDULER_STATE_DIR": str(self.place), "ERP_SCHEDULER_NODE": "demo",
            "ERP_SCHEDULER_LOG_DIR": str(self.place / "logs"), "ERP_SCHEDULER_BACKUP_DIR": str(self.place / "backups"),
            "ERP_SCHEDULER_REPORT_DIR": str(self.place / "reports"),
            "ERP_SCHEDULER_DRAIN_SECONDS": f"{DRAIN_SECONDS:g}", "ERP_SCHEDULER_LANG": language(),
        }

    def _daemon(self, dsn: str) -> Child:
        command_ = [*own_command(), "start"]
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
                    self.site.show_once(dsn)
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
        wait_for_former(self.place)
        return self._daemon(dsn)

    def _show_ends(self, connection: Connection[Any]) -> None:
        from scheduler.queries.demo import ended_since

        assert self.since is not None
        for row in ended_since(connection, self.since):
            if row["id"] not in self.shown:
                self.shown[row["id"]] = None
                self.since = max(self.since, row["finished_at"])
                print_line(row) if chosen().json else show(end_line(row))
                self._go_on(connection, row)

    def _go_on(self, connection: Connection[Any], row: dict[str, Any]) -> None:
        """Ask for the jobs that need a catalogue once there is one."""
        from scheduler.queries import demo as queries

        if not self.went_on and row["job_type"] == "product_collection" and row["status"] == "success":
            self.went_on = True
            if not self._stopped():
                self._ask_for(connection, queries.AFTERWARDS)

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
