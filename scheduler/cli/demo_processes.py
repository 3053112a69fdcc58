"""The processes of the demo: sandbox and daemon, each of which ends when the demo does, however that ends."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from scheduler.cli import exit_codes
from scheduler.cli.grammar import Stop
from scheduler.cli.output import clean
from scheduler.words import say

PR_SET_PDEATHSIG = 1
LOOK_SECONDS = 0.05


class Child:
    """One process in a session of its own, so that Ctrl-C reaches only the demo, which then ends it in order."""

    def __init__(self, name: str, command: Sequence[str], environment: dict[str, str], output: Path) -> None:
        self.name = name
        self.output = output
        self.started = time.monotonic()
        output.parent.mkdir(parents=True, exist_ok=True)
        with output.open("ab") as console:
            self.process = subprocess.Popen(
                list(command), stdin=subprocess.DEVNULL, stdout=console, stderr=console, start_new_session=True,
                env=environment, preexec_fn=_end_with(os.getpid()),
            )

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def lives(self) -> bool:
        return self.process.poll() is None

    def wait_until(self, ready: Callable[[], bool], seconds: float, stopped: Callable[[], bool]) -> bool:
        """Wait until *ready* says so. Returns False when *stopped* came first.

        Raises  Stop with the child's last lines when it ended or took too long
        """
        limit = time.monotonic() + seconds
        while not ready():
            if stopped():
                return False
            if not self.lives or time.monotonic() > limit:
                raise Stop(exit_codes.FAILED, "\n".join([
                    say(f"{self.name}이(가) 시작하지 못했습니다", f"{self.name} did not start"), *self.last_lines(),
                ]))
            time.sleep(LOOK_SECONDS)
        return True

    def last_lines(self, count: int = 15) -> list[str]:
        """Return the last lines it printed, fit for a terminal."""
        text = self.output.read_bytes()[-8000:].decode("utf-8", "replace")
        return [clean(line) for line in text.splitlines()[-count:]]

    def end(self, seconds: float, hurried: Callable[[], bool] = lambda: False) -> None:
        """Ask it to end, again when *hurried*, and kill it after *seconds*."""
        asked_again = False
        limit = time.monotonic() + seconds
        if self.lives:
            self.process.terminate()
        while self.lives:
            if hurried() and not asked_again:
                asked_again = True
                self.process.terminate()
            if time.monotonic() > limit:
                self.process.kill()
                self.process.wait()
                return
            time.sleep(LOOK_SECONDS)


def _end_with(parent: int) -> Callable[[], None]:
    library = ctypes.CDLL(None, use_errno=True)

    def arrange() -> None:
        library.prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)

    return arrange


PATHS = {"coupang": "", "naver": "/external", "11st": "/rest"}
CREDENTIALS = {
    "coupang": ("vendor_id", "access_key", "secret_key"), "naver": ("client_id", "client_secret"), "11st": ("openapikey",),
}


def sandbox(folder: Path) -> Child:
    """Start the pretended marketplaces; their shops live on in *folder*."""
    for market in PATHS:
        (folder / f"port.{market}").unlink(missing_ok=True)
    return Child("sandbox", sandbox_command(folder), dict(os.environ), folder / "sandbox.log")


def sandbox_command(folder: Path, *options: str) -> list[str]:
    """Return the command that serves the pretended marketplaces until this process ends; the last of an option counts."""
    return [
        sys.executable, "-P", "-m", "handlers.sandbox", "--port", "0", "--port-file", str(folder / "port"),
        "--state", str(folder / "shop.json"), "--keys-dir", str(folder / "keys"), "--orders-per-minute", "6",
        "--parent-pid", str(os.getpid()), *(word for market in PATHS for word in ("--market", market)), *options,
    ]


def all_open(folder: Path) -> bool:
    """Say whether every shop listens."""
    return all((folder / f"port.{market}").exists() for market in PATHS)


def shops(folder: Path) -> dict[str, tuple[str, dict[str, str]]]:
    """Return base address and credentials of every shop, by market code."""
    return {
        market: (
            f"http://127.0.0.1:{(folder / f'port.{market}').read_text(encoding='utf-8').strip()}{path}",
            {name: f"secret://file{folder / 'keys' / market / name}" for name in CREDENTIALS[market]},
        )
        for market, path in PATHS.items()
    }
