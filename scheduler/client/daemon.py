"""The daemon that a program starts for itself: a child process over a state folder of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from scheduler import instance
from scheduler.client.core import Core
from scheduler.client.functions import program_name
from scheduler.errors import ConfigError, Conflict
from scheduler.queries import programs
from scheduler.running.kernel import EXECUTION_VARIABLE, INSTANCE_VARIABLE
from scheduler.words import language, say

READY_SECONDS = 90.0
LOOK_SECONDS = 0.02
STOP_MARGIN_SECONDS = 30.0
PROGRAMS_AT_ONCE = 50
LAST_LINES = 15
DRAIN_SECONDS = 10.0
NOT_HANDED_ON = ("ERP_SCHEDULER_DATABASE_URL", "DATABASE_URL_FILE", "ERP_SCHEDULER_CONFIG", "NOTIFY_SOCKET", "WATCHDOG_USEC",
                 INSTANCE_VARIABLE, EXECUTION_VARIABLE)


class OwnDaemon:
    """One program's daemon: started, started again when functions are added, stopped."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self.process: subprocess.Popen[bytes] | None = None
        self.folder: Path | None = None

    @property
    def lives(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def start(self) -> bool:
        """Start it and wait until it works.

        Returns  False when a daemon of the given state folder runs already and knows what is needed
        Raises   Conflict when it does not; ConfigError with its last words when ours did not start
        """
        settings = self.core.settings
        if self.core.state_dir_is_told:
            if instance.is_held(settings.state_dir):
                self._refuse_unknowing()
                return False
            self._launch(settings.state_dir)
            return True
        base = settings.state_dir / "programs"
        for number in range(1, PROGRAMS_AT_ONCE):
            folder = base / (program_name() + (f"-{number}" if number > 1 else ""))
            if not instance.is_held(folder):
                self._launch(folder)
                return True
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

    def _launch(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.folder = folder
        with self.console.open("ab") as console:
            began = console.tell()
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", "scheduler.client.hosted", str(os.getpid())], stdin=subprocess.DEVNULL,
                stdout=console, stderr=console, start_new_session=True, env=self._environment(folder),
            )
        try:
            self._until_ready(folder, began)
        except BaseException:
            self.stop(hurry=True)
            raise

    @property
    def console(self) -> Path:
        """The file that takes what the daemon itself says."""
        assert self.folder is not None
        return self.folder / "console.log"

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

    def _until_ready(self, folder: Path, began: int) -> None:
        process, limit = self.process, time.monotonic() + READY_SECONDS
        assert process is not None
        while process.poll() is None:
            record = instance.read_record(folder) or {}
            if record.get("pid") == process.pid and record.get("ready"):
                return
            if time.monotonic() > limit:
                break
            time.sleep(LOOK_SECONDS)
        raise ConfigError(self.last_words(began))

    def last_words(self, began: int = 0) -> str:
        """Return the last lines that the daemon said, with where they are."""
        with self.console.open("rb") as console:
            console.seek(began)
            lines = console.read()[-20_000:].decode("utf-8", "replace").splitlines()[-LAST_LINES:]
        said = say("데몬이 시작하지 못했거나 끝났습니다", "the daemon did not start, or has ended")
        return "\n".join([said, *lines, str(self.console)])

    def stop(self, hurry: bool = False) -> None:
        """Let what runs end, at most drain_seconds, and see the daemon gone; a second Ctrl-C hurries."""
        if self.process is None:
            return
        limit = time.monotonic() + self.core.settings.kill_seconds + DRAIN_SECONDS + STOP_MARGIN_SECONDS
        if "drain_seconds" in self.core.settings.model_fields_set:
            limit += self.core.settings.drain_seconds
        self._tell()
        while self.process.poll() is None:
            try:
                if hurry:
                    self._tell()  # the second signal means: do not wait
                self.process.wait(0.5 if hurry else max(0.0, limit - time.monotonic()))
            except subprocess.TimeoutExpired:
                if time.monotonic() > limit:
                    self.process.kill()
            except KeyboardInterrupt:
                hurry = True
        self.process = None

    def _tell(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
