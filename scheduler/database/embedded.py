"""The private PostgreSQL: a cluster of our own over a bin folder, for people who give no DATABASE_URL.

Only start and stop need the file lock; everybody else connects to the socket. Nothing is ever guessed about a server:
what runs is ours when its process names our data folder (postmaster.py) or holds the lock file that we passed to it.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from scheduler.database import place as places
from scheduler.database.account import Account, choose, make_own_folder
from scheduler.database.cluster import bring_up, fitting_bins, initdb
from scheduler.database.place import Place
from scheduler.database.postmaster import is_alive, server_pid, take_lock, until
from scheduler.errors import ConfigError, DatabaseUnavailable
from scheduler.words import say

LOCK_SECONDS = 330
STOP_SECONDS = 60
SIGNALS = {"smart": signal.SIGTERM, "fast": signal.SIGINT, "immediate": signal.SIGQUIT}
PASSAGE = 0o711
"""A folder of root's that others may pass through, to what they own, without seeing what is there."""


class Embedded:
    """One private cluster per state folder; any number of objects and processes may share it."""

    def __init__(self, state_dir: Path) -> None:
        self.state_dir = state_dir.expanduser().absolute()

    def start(self) -> str:
        """Start the server unless it runs, creating cluster and database at the first call, and return its URL.

        Raises  ConfigError in one sentence with the way out; DatabaseUnavailable when recovery takes too long
        """
        self._make_state_dir()
        with self._locked():
            account = choose(self._place().data)
            return bring_up(account, self._prepare(account)).url()

    def stop(self, mode: Literal["smart", "fast", "immediate"] = "fast") -> None:
        """Stop the server if it runs and wait for its end; ``fast`` ends sessions, ``immediate`` leaves a recovery."""
        if not self.state_dir.is_dir():
            return
        with self._locked():
            place = self._place()
            pid = server_pid(place.data)
            if pid is None:
                return
            try:
                os.kill(pid, SIGNALS[mode])
            except PermissionError as error:
                raise ConfigError(
                    f"PostgreSQL runs as {place.owner} here; stop it as that user or as root"
                ) from error
            if not until(lambda: not is_alive(pid), STOP_SECONDS):
                raise DatabaseUnavailable(
                    f"PostgreSQL (pid {pid}) did not stop within {STOP_SECONDS} s; see {place.log}"
                )

    def is_running(self) -> bool:
        return server_pid(self._place().data) is not None

    def url(self) -> str:
        """Return the connection URL, whether the server runs or not; a password is only named by its file."""
        return self._place().url()

    def status(self) -> dict[str, Any]:
        """Return running, pid, data, version (major, None before the first start), url, os_user, log and note."""
        place = self._place()
        pid = server_pid(place.data)
        return {
            "running": pid is not None,
            "pid": pid,
            "data": str(place.data),
            "version": place.major,
            "url": place.url(),
            "os_user": place.owner,
            "log": str(place.log),
            "note": self._note(place),
        }

    @property
    def bin_dir(self) -> Path:
        """The bin folder whose programs fit the cluster: psql, pg_dump and the rest. Raises ConfigError."""
        return fitting_bins(self._place())[0][1]

    def _place(self) -> Place:
        return places.find(self.state_dir)

    def _note(self, place: Place) -> str | None:
        if place.home.parent != places.SHARED:
            return None
        return say(
            f"root로 시작했으므로 데이터는 {place.home}에 있습니다(서비스 사용자는 {self.state_dir}에 들어갈 수 없음)",
            f"started by root: the data is in {place.home}, since the service user cannot enter {self.state_dir}",
        )

    def _make_state_dir(self) -> None:
        """Create the state folder; as root so that the service user can pass through to what it owns in there."""
        try:
            self.state_dir.mkdir(parents=True, exist_ok=True, mode=PASSAGE if os.geteuid() == 0 else 0o700)
        except OSError as error:
            raise ConfigError(f"state folder {self.state_dir} cannot be created: {error.strerror}") from error

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            handle = take_lock(self.state_dir / "postgres.lock", LOCK_SECONDS)
        except OSError as error:
            raise ConfigError(f"state folder {self.state_dir} cannot be written to: {error.strerror}") from error
        if handle is None:
            raise DatabaseUnavailable(f"another process has been starting or stopping PostgreSQL for {LOCK_SECONDS} s")
        try:
            yield
        finally:
            os.close(handle)

    def _prepare(self, account: Account) -> Place:
        """Make sure that folders and data are there and written down."""
        place = self._place()
        if place.home.parent == places.SHARED:
            make_own_folder(places.SHARED, PASSAGE)
        # As root the home stays root's, so that nobody can put a link where root writes its log and passfile.
        if not make_own_folder(place.home, PASSAGE if account.change else 0o700):
            account.check_owner(place.home, PASSAGE)
        if server_pid(place.data) is None and not place.is_makeable:
            place = places.plan(self.state_dir)
        if place.is_socket:
            account.make_folder(Path(place.host))
        if not (place.data / "PG_VERSION").exists():
            initdb(account, place)
        places.note(place)
        return place
