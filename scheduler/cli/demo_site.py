"""The dashboard of the demo: a port that is free, and its address once it answers."""

from __future__ import annotations

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
FOREIGN = "ERP_SCHEDULER_WEB_"


class Site:
    """Where the demo's dashboard is; it is shown once, when it answers, or as soon as it is clear that it does not."""

    def __init__(self, place: Path, port: int | None) -> None:
        self.place = place
        self.port = port or free_port()
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


def free_port() -> int:
    """Return the usual port, or one that is free."""
    for port in (USUAL_PORT, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
                probe.listen()
            except OSError:
                continue
            return int(probe.getsockname()[1])
    return USUAL_PORT
