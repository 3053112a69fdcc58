"""The dashboard of the demo: a port that is free, and its address once it answers."""

from __future__ import annotations

import errno
import os
import socket
import time
from pathlib import Path
from typing import TYPE_CHECKING

from scheduler.cli.grammar import chosen
from scheduler.cli.output import show_exact, tell
from scheduler.cli.web import set_up_link
from scheduler.words import say

if TYPE_CHECKING:
    from scheduler.settings import Settings

HOST = "127.0.0.1"
USUAL_PORT = 3000
PROBE_SECONDS = 0.5
# A name without a file, which ends with its holder.
PROMISE = "\0erp-scheduler-demo-{port}"
FOREIGN = "ERP_SCHEDULER_WEB_"


class Site:
    """Where the demo's dashboard is; it is shown once, when it answers, or as soon as it is clear that it does not."""

    def __init__(self, place: Path, port: int | None) -> None:
        self.place = place
        self.promise, self.port = (None, port) if port else promised_port()
        self.shown = False
        self.next_probe = 0.0

    def environment(self) -> dict[str, str]:
        """Return what the daemon is told of its dashboard; nothing that this user has set for another one counts."""
        foreign = {name: "" for name in os.environ if name.startswith(FOREIGN)}
        return {**foreign, f"{FOREIGN}HOST": HOST, f"{FOREIGN}PORT": str(self.port)}

    def show_once(self, dsn: str) -> None:
        """Show the address, large, as soon as the dashboard answers there."""
        if self.shown or time.monotonic() < self.next_probe:
            return
        self.next_probe = time.monotonic() + PROBE_SECONDS
        from scheduler.address import address
        from scheduler.cli.web_probe import answers

        settings = self._settings()
        if answers(settings, address(settings)):
            self.shown = True
            self._show(settings, dsn)

    def _settings(self) -> Settings:
        from scheduler.settings import Settings

        return Settings(state_dir=self.place, web_host=HOST, web_port=self.port, web_hosts="", web_cert=None, web_key=None,
                        web_behind_proxy=False)

    def _show(self, settings: Settings, dsn: str) -> None:
        from scheduler.address import address

        link = set_up_link(settings, dsn)
        if chosen().json:  # stdout is for executions
            tell(link or address(settings))
            return
        what = say("대시보드", "Dashboard") if link is None else say(
            "대시보드 (계정을 만들고 들어갑니다)", "Dashboard (make an account and go in)")
        line = "━" * 78
        show_exact(f"\n{line}\n\n   {what}\n\n   ➜  {link or address(settings)}\n\n{line}\n")


def promised_port() -> tuple[socket.socket | None, int]:
    """Return the usual port, or one that is free, and what keeps other demos off it until the web process listens there.

    The port is looked at now and bound much later: without a promise, two demos that start together take the same one.
    """
    for wanted in (USUAL_PORT, 0, 0, 0):
        port = free_port(wanted)
        if port is None:
            continue
        promise = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            promise.bind(PROMISE.format(port=port))
        except OSError as error:
            promise.close()
            if error.errno == errno.EADDRINUSE:
                continue
            return None, port  # a system that knows no such names
        return promise, port
    return None, USUAL_PORT


def free_port(wanted: int) -> int | None:
    """Return *wanted*, or any port for 0, if nobody listens there."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, wanted))
            probe.listen()
        except OSError:
            return None
        return int(probe.getsockname()[1])
