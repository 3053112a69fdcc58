"""Start our own command as a process of its own and wait until it is ready or dead."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scheduler import instance
from scheduler.cli import exit_codes
from scheduler.cli.grammar import Stop, chosen
from scheduler.cli.output import clean, hint
from scheduler.words import language, say

if TYPE_CHECKING:
    from scheduler.settings import Settings

READY_SECONDS = 120.0
LOOK_SECONDS = 0.05
SAY_SECONDS = 5.0
LAST_LINES = 15
MARK = "ERP_SCHEDULER_BACKGROUND"
"""The variable that tells a daemon that what it prints is read later, from a file."""


def own_command() -> list[str]:
    """Return how to call this very program: its console script where there is one."""
    script = Path(sys.executable).with_name("erp-scheduler")
    return [str(script)] if os.access(script, os.X_OK) else [sys.executable, "-m", "scheduler"]


def environment(**more: str) -> dict[str, str]:
    """Return the environment for a child: global flags as variables, so that no password shows in a process list."""
    flags = chosen()
    given = {**os.environ, "ERP_SCHEDULER_LANG": language()}
    if flags.dsn:
        given.pop("ERP_SCHEDULER_DATABASE_URL", None)
        given.pop("DATABASE_URL_FILE", None)
        given["DATABASE_URL"] = flags.dsn
    if flags.config:
        given["ERP_SCHEDULER_CONFIG"] = str(flags.config.absolute())
    return {**given, **more}


def console_file(settings: Settings) -> Path:
    """Return the file that takes what a daemon in the background prints."""
    return settings.log_dir / "scheduler" / "console.log"


def start(settings: Settings, arguments: list[str]) -> dict[str, Any]:
    """Start the daemon in a session of its own and return its record once it is ready.

    Raises  Stop with the last lines it printed when it ended instead
    """
    path = console_file(settings)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as console:
        began = console.tell()
        child = subprocess.Popen(
            [*own_command(), *arguments], stdin=subprocess.DEVNULL, stdout=console, stderr=console,
            start_new_session=True, env=environment(**{MARK: "1"}),
        )
    return _until_ready(settings, child, began)


def _until_ready(settings: Settings, child: subprocess.Popen[bytes], began: int) -> dict[str, Any]:
    since = said = time.monotonic()
    while child.poll() is None:
        record = instance.read_record(settings.state_dir) or {}
        if record.get("pid") == child.pid and record.get("ready"):
            return record
        moment = time.monotonic()
        if moment - since > READY_SECONDS:
            raise Stop(exit_codes.FAILED, say(f"아직 준비되지 않았습니다 (pid {child.pid})", f"still not ready (pid {child.pid})")
                       + f"\ntail -f {console_file(settings)}")
        if moment - said >= SAY_SECONDS:
            said = moment
            hint(say("준비를 기다리는 중…", "waiting until it is ready…"))
        time.sleep(LOOK_SECONDS)
    if child.returncode == 0:
        return {"pid": child.pid}
    raise Stop(child.returncode if child.returncode > 0 else exit_codes.FAILED, _last_words(settings, began))


def _last_words(settings: Settings, began: int) -> str:
    path = console_file(settings)
    with path.open("rb") as console:
        console.seek(began)
        lines = console.read().decode("utf-8", "replace").splitlines()[-LAST_LINES:]
    return "\n".join([say("데몬이 시작하지 못했습니다", "the daemon did not start"), *map(clean, lines), f"less {path}"])
