"""The daemon that a program starts for itself: a child process over a state folder of its own.

A function that is registered later needs a daemon that knows it. The successor is started first, in a folder of its own;
only when it works is the former one told to end what it runs, however long that takes. If it does not, nothing has changed.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from scheduler import instance
from scheduler.client.core import Core
from scheduler.client.functions import program_name
from scheduler.client.probe import refuse_unimportable
from scheduler.errors import ConfigError, Conflict
from scheduler.queries import programs
from scheduler.running.kernel import EXECUTION_VARIABLE, INSTANCE_VARIABLE, is_zombie
from scheduler.words import language, say

READY_SECONDS = 90.0
LOOK_SECONDS = 0.02
STOP_MARGIN_SECONDS = 30.0
PROGRAMS_AT_ONCE = 50
LAST_LINES = 15
DRAIN_SECONDS = 10.0
RETIRE = signal.SIGUSR1
NOT_HANDED_ON = ("ERP_SCHEDULER_DATABASE_URL", "DATABASE_URL_FILE", "ERP_SCHEDULER_CONFIG", "NOTIFY_SOCKET", "WATCHDOG_USEC",
                 INSTANCE_VARIABLE, EXECUTION_VARIABLE)


class OwnDaemon:
    """One program's daemon: started, followed by one that knows more functions, stopped.

    retired  former ones that end what they still run
    known    the functions that the present one was started with
    """

    def __init__(self, core: Core) -> None:
        self.core = core
        self.process: subprocess.Popen[bytes] | None = None
        self.folder: Path | None = None
        self.retired: list[subprocess.Popen[bytes]] = []
        self.known: frozenset[str] = frozenset()
        self._began = 0

    @property
    def lives(self) -> bool:
        """Whether the daemon that works for this program is there: ours, or the one of the given state folder."""
        if self.process is None:
            return self.core.state_dir_is_told and _is_kept(self.core.settings.state_dir)
        return self.process.poll() is None

    def start(self) -> None:
        """Start it and wait until it works; a daemon of the given state folder is used if it knows what is needed.

        Raises   Conflict when it does not; ConfigError with its last words when ours did not start
        """
        settings = self.core.settings
        if not self.core.state_dir_is_told:
            self._take(self._free_folder())
        elif _is_kept(settings.state_dir):
            self._refuse_unknowing()
        else:
            _until_free(settings.state_dir, settings.kill_seconds + STOP_MARGIN_SECONDS)
            self._take(settings.state_dir)

    def refuse_unknowable(self, job_type: str) -> None:
        """Refuse a function that no daemon of this program could come to know. Raises Conflict, ConfigError."""
        if self.process is None:
            self._refuse_unknowing()
        else:
            refuse_unimportable(self.core.functions.sources({job_type}))

    def follow(self) -> None:
        """Start a successor that knows every function of now, and let the former one end what it runs.

        Raises  what start() raises; the former one works on then
        """
        former = self.process
        if former is None:
            self._refuse_unknowing()
            return
        self._take(self._free_folder())
        self.retired = [each for each in (*self.retired, former) if each.poll() is None]
        if former.poll() is None:
            former.send_signal(RETIRE)

    def _free_folder(self) -> Path:
        base = self.core.settings.state_dir / "programs"
        for number in range(1, PROGRAMS_AT_ONCE):
            folder = base / (program_name() + (f"-{number}" if number > 1 else ""))
            if not instance.is_held(folder):
                return folder
        raise Conflict(say(f"같은 프로그램이 너무 많이 실행 중입니다: {base}", f"too many of this program are running: {base}"))

    def _refuse_unknowing(self) -> None:
        """Accept the daemon that holds our folder only when it knows every function of ours."""
        folder = self.core.settings.state_dir
        record = instance.read_record(folder) or {}
        with self.core.open() as connection:
            nodes = programs.living_nodes(connection)
        known = {name for each in nodes if str(each["instance_id"]) == record.get("instance_id") for name in each["job_types"]}
        missing = sorted(self.core.functions.known.keys() - known)
        if missing:
            raise Conflict(say(
                f"{folder}의 데몬(pid {record.get('pid', '?')})은 이 함수를 모릅니다: {', '.join(missing)}. "
                "그 데몬을 멈추거나 state_dir을 지정하지 마세요",
                f"the daemon of {folder} (pid {record.get('pid', '?')}) does not know {', '.join(missing)}; "
                "stop it, or give no state_dir",
            ))

    def _take(self, folder: Path) -> None:
        """Start a daemon over *folder* and, once it works, take it for ours."""
        known = frozenset(self.core.functions.known)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with console_of(folder).open("ab") as console:
            began = console.tell()
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", "scheduler.client.hosted", str(os.getpid())], stdin=subprocess.DEVNULL,
                stdout=console, stderr=console, start_new_session=True, env=self._environment(folder),
            )
        try:
            _until_ready(process, folder, began)
        except BaseException:
            self._end([process], hurry=True)
            raise
        self.process, self.folder, self.known, self._began = process, folder, known, began

    def _environment(self, folder: Path) -> dict[str, str]:
        settings = self.core.settings
        kept = {name: value for name, value in os.environ.items() if name not in NOT_HANDED_ON}
        chosen: dict[str, Any] = {name: getattr(settings, name) for name in settings.model_fields_set if name != "database_url"}
        chosen = {"log_dir": folder / "logs", "drain_seconds": DRAIN_SECONDS, "node": self._node(), **chosen}
        chosen |= {"state_dir": folder, "functions": json.dumps(self.core.functions.sources(), ensure_ascii=False),
                   "lang": language()}
        named = {f"ERP_SCHEDULER_{name.upper()}": str(value) for name, value in chosen.items()}
        return {**kept, **named, "DATABASE_URL": self.core.address()}

    def _node(self) -> str:
        return f"{self.core.settings.node}-{program_name()}"[:100]

    def last_words(self) -> str:
        """Return the last lines that the daemon said, with where they are."""
        assert self.folder is not None
        return _last_words(self.folder, self._began)

    def stop(self, hurry: bool = False) -> None:
        """Let what runs end, at most drain_seconds, and see the daemon gone; a second Ctrl-C hurries."""
        self._end([each for each in (*self.retired, self.process) if each is not None], hurry)
        self.process, self.retired = None, []

    def _end(self, processes: list[subprocess.Popen[bytes]], hurry: bool) -> None:
        limit = time.monotonic() + self.core.settings.kill_seconds + DRAIN_SECONDS + STOP_MARGIN_SECONDS
        if "drain_seconds" in self.core.settings.model_fields_set:
            limit += self.core.settings.drain_seconds
        _tell(processes)
        while left := [each for each in processes if each.poll() is None]:
            try:
                if hurry:
                    _tell(left)  # the second signal means: do not wait
                left[0].wait(0.5 if hurry else max(0.0, limit - time.monotonic()))
            except subprocess.TimeoutExpired:
                if time.monotonic() > limit:
                    for each in left:
                        each.kill()
            except KeyboardInterrupt:
                hurry = True


def _is_kept(folder: Path) -> bool:
    """Say whether a daemon holds *folder* and is there, which its warden alone, cleaning up after it, is not."""
    record = instance.read_record(folder) or {}
    return instance.is_held(folder) and not is_zombie(int(record.get("pid") or 0))


def _until_free(folder: Path, seconds: float) -> None:
    limit = time.monotonic() + seconds
    while instance.is_held(folder) and time.monotonic() < limit:
        time.sleep(LOOK_SECONDS)


def _tell(processes: list[subprocess.Popen[bytes]]) -> None:
    for each in processes:
        if each.poll() is None:
            each.terminate()


def console_of(folder: Path) -> Path:
    """Return the file that takes what the daemon of *folder* itself says."""
    return folder / "console.log"


def _until_ready(process: subprocess.Popen[bytes], folder: Path, began: int) -> None:
    limit = time.monotonic() + READY_SECONDS
    while process.poll() is None:
        record = instance.read_record(folder) or {}
        if record.get("pid") == process.pid and record.get("ready"):
            return
        if time.monotonic() > limit:
            break
        time.sleep(LOOK_SECONDS)
    raise ConfigError(_last_words(folder, began))


def _last_words(folder: Path, began: int) -> str:
    with console_of(folder).open("rb") as console:
        console.seek(began)
        lines = console.read()[-20_000:].decode("utf-8", "replace").splitlines()[-LAST_LINES:]
    said = say("데몬이 시작하지 못했거나 끝났습니다", "the daemon did not start, or has ended")
    return "\n".join([said, *lines, str(console_of(folder))])
