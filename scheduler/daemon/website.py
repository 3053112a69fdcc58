"""The web process beside the daemon: started once the daemon works, started again when it ends, ended with it.

Nothing here matters to a job. The child is in a session of its own, so that Ctrl-C reaches the daemon alone, and it
asks the kernel to be killed when the daemon goes, however that goes.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable

from scheduler.address import SUPERVISOR, address, port_taken
from scheduler.log import event
from scheduler.running.kernel import kill_group
from scheduler.settings import Settings
from scheduler.words import language

PORT_TAKEN = 6  # what the command line answers to a conflict
FIRST_WAIT_SECONDS = 1.0
LONGEST_WAIT_SECONDS = 30.0
LONG_LIFE_SECONDS = 60.0
END_SECONDS = 5.0
CALM_SECONDS = 3.0
LOOK_SECONDS = 0.1
FOREIGN = ("ERP_SCHEDULER_DATABASE_URL", "DATABASE_URL_FILE", "ERP_SCHEDULER_CONFIG", "ERP_SCHEDULER_INSTANCE")


class Website:
    """Keeps one ``erp-scheduler web`` alive.

    calm  says whether the daemon has nothing to do: the first start waits for that for a moment, because importing
          the application takes a second of one core
    """

    def __init__(self, settings: Settings, dsn: str, calm: Callable[[], bool]) -> None:
        self.settings = settings
        self.dsn = dsn
        self.calm = calm
        self.url = address(settings)
        self.failures = 0

    async def run(self) -> None:
        """Start it again and again until cancelled; then end it."""
        await self._until_calm()
        clock = asyncio.get_running_loop().time
        while True:
            began = clock()
            try:
                code: int | str = await self._live()
            except Exception as error:
                code = f"{type(error).__name__}: {error}"
            self.failures = 0 if clock() - began > LONG_LIFE_SECONDS else self.failures
            wait = min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2.0 ** min(self.failures, 10))
            self.failures += 1
            self._tell(code, wait)
            await asyncio.sleep(wait)

    async def _until_calm(self) -> None:
        try:
            async with asyncio.timeout(CALM_SECONDS):
                await asyncio.sleep(LOOK_SECONDS)
                while not self.calm():
                    await asyncio.sleep(LOOK_SECONDS)
        except TimeoutError:
            pass

    async def _live(self) -> int:
        """Start one, note that it answers, and wait for its end. Returns its exit code."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-P", "-m", "scheduler", "web", "--json", env=self.environment(),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, start_new_session=True,
        )
        try:
            assert process.stdout is not None
            async for line in process.stdout:
                self._note(line, process.pid)
            return await process.wait()
        finally:
            await self._end(process)

    def _note(self, line: bytes, pid: int) -> None:
        try:
            said = json.loads(line)
        except ValueError:
            return
        if isinstance(said, dict) and said.get("running"):
            event("INFO", "web.ready", url=said.get("url"), pid=pid)

    async def _end(self, process: asyncio.subprocess.Process) -> None:
        """End it in order, by force after a while."""
        if process.returncode is not None:
            return
        try:
            process.terminate()
            async with asyncio.timeout(END_SECONDS):
                await process.wait()
        except TimeoutError:
            kill_group(process.pid)
            await process.wait()
        except ProcessLookupError:
            pass

    def _tell(self, code: int | str, wait: float) -> None:
        """Log the end, at growing distances when it ends again and again."""
        if self.failures not in (1, 2, 5) and self.failures % 20:
            return
        if code == PORT_TAKEN:
            event("ERROR", "web.port_taken", port=self.settings.web_port, again_in_s=wait,
                  to_do=" / ".join(port_taken(self.settings.web_port).splitlines()[1:]))
        else:
            event("WARNING", "web.ended", exit_code=code, again_in_s=wait)

    def environment(self) -> dict[str, str]:
        """Return the child's environment: all settings, so that no file is read twice and nothing stands on its command line."""
        given = {
            f"ERP_SCHEDULER_{name.upper()}": str(value)
            for name, value in self.settings.model_dump(exclude={"database_url", "lang"}).items() if value not in (None, "")
        }
        base = {name: value for name, value in os.environ.items() if name not in FOREIGN}
        return {
            **base, **given, "DATABASE_URL": self.dsn, "ERP_SCHEDULER_LANG": language(), "PYTHONUNBUFFERED": "1",
            SUPERVISOR: str(os.getpid()),
        }
