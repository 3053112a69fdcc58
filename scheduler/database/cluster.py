"""Make the private cluster and bring its server up: what is left behind is cleared, what is busy is waited for."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import psycopg

from scheduler.database.account import Account, environment, reachable_bin
from scheduler.database.place import DATABASE, USER, Place, note
from scheduler.database.postmaster import (
    PID_FILE,
    adopt,
    orphans,
    remove_stale,
    server_pid,
    server_state,
    take_lock,
    until,
)
from scheduler.database.programs import CHOICE, INSTALL, bin_folders
from scheduler.errors import ConfigError, DatabaseUnavailable

OLDEST = 15
INITDB_SECONDS = 120
RECOVERY_SECONDS = 300
RETRY_SECONDS = 15.0
LOG_BYTES = 10_000_000
LOG_TAIL = 100_000
TRANSIENT = ("lock file", "shared memory", "could not bind", "could not create any")

CONFIGURATION = """
# erp-scheduler: what the private cluster is set to; change it here, then restart it
max_connections = 100
jit = off
fsync = on
# a log-out may empty /dev/shm (RemoveIPC of systemd) under a server of that user
dynamic_shared_memory_type = mmap
timezone = 'UTC'
log_timezone = 'UTC'
tcp_keepalives_idle = 10
tcp_keepalives_interval = 5
tcp_keepalives_count = 3
# rows and statements may hold what must not reach a log
log_error_verbosity = terse
log_min_messages = warning
log_min_error_statement = panic
"""


def fitting_bins(place: Place) -> list[tuple[int, Path]]:
    """Return (major, bin folder) of what fits *data*, the preferred first. Raises ConfigError when there is none."""
    major = place.major
    found = [(each, folder) for each, folder in bin_folders() if each >= OLDEST]
    if not found:
        raise ConfigError(INSTALL)
    fitting = [(each, folder) for each, folder in found if major in (None, each)]
    if not fitting:
        there = ", ".join(str(each) for each in sorted({each for each, _ in found}))
        raise ConfigError(
            f"the data in {place.data} is of PostgreSQL {major}, but only {there} was found; install PostgreSQL {major} "
            f"or name its bin folder in {CHOICE}, or dump with it and restore into a new ERP_SCHEDULER_STATE_DIR"
        )
    return fitting


def _server_bin(account: Account, place: Place) -> tuple[int, Path]:
    """Return (major, bin folder) that *account* can run, copied into the home if need be. Raises ConfigError."""
    found = fitting_bins(place)
    for major, folder in found:
        reached = reachable_bin(account, folder, place.home)
        if reached is not None:
            return major, reached
    raise ConfigError(
        f"user {account.name} cannot run the programs of PostgreSQL in {found[0][1]}; install PostgreSQL where "
        "that user can reach it, start erp-scheduler as an ordinary user, or set DATABASE_URL"
    )


def initdb(account: Account, place: Place) -> None:
    """Create the cluster under a working name first: a first start that was cut off leaves nothing half made."""
    major, bin_dir = _server_bin(account, place)
    draft = place.home / "data.new"
    shutil.rmtree(draft, ignore_errors=True)
    account.make_folder(draft)
    if place.data.exists():
        raise ConfigError(f"{place.data} exists but is not a cluster of PostgreSQL; move it away")
    secret = _write_passfile(account, place)
    done = subprocess.run(
        account.command(
            bin_dir / "initdb", "-D", draft, "-U", USER, "-E", "UTF8", *_locale(major), "-k",
            "--auth-local=trust", "--auth-host=scram-sha-256", f"--pwfile={secret}",
        ),
        cwd="/", env=environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=INITDB_SECONDS, check=False, **account.identity(),
    )
    secret.unlink()
    if done.returncode:
        shutil.rmtree(draft, ignore_errors=True)
        raise ConfigError(f"initdb failed: {_last_line(done.stderr)}")
    account.append(draft / "postgresql.conf", CONFIGURATION)
    draft.rename(place.data)
    _sync(place.home)


def bring_up(account: Account, place: Place) -> Place:
    """Launch the server unless it lives, and return once it has answered.

    A server that was killed a moment ago still looks alive; a second look shows it.
    """
    launched = False
    patience: float | None = None
    while True:
        if server_pid(place.data) is None:
            if launched:
                _give_up(place, _since(place.log, 0))
            place = _launch_until_it_lives(account, place)
            launched = True
        _wait_until_settled(place)
        try:
            _create_database(place)
            return place
        except psycopg.OperationalError as error:
            patience = patience or time.monotonic() + RETRY_SECONDS
            if time.monotonic() > patience:
                reason = _last_line(str(error))
                raise DatabaseUnavailable(f"PostgreSQL is up but refuses us: {reason}") from error
        time.sleep(0.1)


def _launch_until_it_lives(account: Account, place: Place) -> Place:
    """Launch the server, again and again for a while: what a killed one left behind takes seconds to go."""
    _, bin_dir = _server_bin(account, place)
    deadline = time.monotonic() + RETRY_SECONDS
    while True:
        handle = _free_of_predecessor(place, deadline)
        log = _open_log(place)
        try:
            start = os.fstat(log).st_size
            place = _with_free_port(place)
            server = _spawn(account, bin_dir, place, handle, log)
        finally:
            os.close(log)
            os.close(handle)
        if _has_taken_over(server, place):
            return place
        said = _since(place.log, start)
        if time.monotonic() > deadline or not any(word in said for word in TRANSIENT):
            _give_up(place, said)
        time.sleep(0.3)


def _with_free_port(place: Place) -> Place:
    if place.is_socket or _is_free(place.port):
        return place
    moved = replace(place, port=_free_port())
    note(moved)
    return moved


def _has_taken_over(server: subprocess.Popen[bytes], place: Place) -> bool:
    """Wait until the new server's socket is open and recovery has begun, or it has ended."""
    until(lambda: server.poll() is not None or bool(server_state(place.data)), RETRY_SECONDS)
    return server.poll() is None


def _wait_until_settled(place: Place) -> None:
    """Wait until the server is ready or has ended, however long it recovers from a crash."""

    def settled() -> bool:
        return server_state(place.data) in ("ready", "standby") or server_pid(place.data) is None

    if not until(settled, RECOVERY_SECONDS):
        raise DatabaseUnavailable(
            f"PostgreSQL has been recovering for more than {RECOVERY_SECONDS} s and goes on; see {place.log}"
        )


def _spawn(account: Account, bin_dir: Path, place: Place, handle: int, log: int) -> subprocess.Popen[bytes]:
    """Start the server detached: own session, nothing of our terminal or pipes, and the lock file for its life."""
    sockets, addresses = (place.host, "") if place.is_socket else ("", place.host)
    server = subprocess.Popen(
        account.command(
            bin_dir / "postgres", "-D", place.data, "-c", f"unix_socket_directories={sockets}",
            "-c", f"listen_addresses={addresses}", "-c", f"port={place.port}",
        ),
        cwd="/", env=environment(), stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
        pass_fds=(handle,), **account.identity(),
    )
    adopt(server)
    return server


def _free_of_predecessor(place: Place, deadline: float) -> int:
    """Return the locked file that the next server will hold, once nothing of the last one runs; clear what it left.

    All processes of a server inherit the lock, so it outlives a killed postmaster as long as one of them does. A server
    that somebody started by hand holds no lock, but its processes work in our data folder.
    """
    file = place.home / "server.lock"
    patience = max(1.0, (deadline - time.monotonic()) / 3)
    handle = take_lock(file, patience)
    if handle is None or not until(lambda: not orphans(place.data), patience):
        for pid in orphans(place.data):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGQUIT)
        handle = handle or take_lock(file, patience)
    if handle is None:
        raise ConfigError(
            f"{place.data} is in use by a server that this process cannot see, perhaps in another container; stop that "
            "one, or choose another ERP_SCHEDULER_STATE_DIR"
        )
    if server_pid(place.data) is None:
        remove_stale(place.data / PID_FILE, *place.socket_files)
    return handle


def _give_up(place: Place, said: str) -> NoReturn:
    fatal = [line for line in said.splitlines() if "FATAL" in line or "PANIC" in line]
    reason = _last_line(fatal[-1] if fatal else said) or "it ended without a word"
    raise ConfigError(f"PostgreSQL did not start: {reason}; see {place.log}")


def _create_database(place: Place) -> None:
    with psycopg.connect(
        place.url("postgres"), autocommit=True, connect_timeout=5, application_name="erp-scheduler db"
    ) as connection:
        if connection.execute("SELECT FROM pg_database WHERE datname = %s", (DATABASE,)).fetchone() is None:
            connection.execute(f"CREATE DATABASE {DATABASE}")


def _write_passfile(account: Account, place: Place) -> Path:
    """Write a new password for TCP into the home, and return a second file with the bare word for initdb."""
    password = secrets.token_urlsafe(32)
    bare = place.home / "password.new"
    for file, text in ((place.home / "passfile", f"*:*:*:{USER}:{password}\n"), (bare, password)):
        file.unlink(missing_ok=True)
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            os.write(handle, text.encode())
            if account.change and file == bare:
                os.fchown(handle, account.uid, account.gid)
        finally:
            os.close(handle)
    return bare


def _locale(major: int) -> tuple[str, ...]:
    """Name the locale, always: the environment's may not exist. From 17 on PostgreSQL brings C.UTF-8 itself."""
    if major >= 17:
        return ("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C")
    return ("--locale=C.UTF-8",)


def _open_log(place: Place) -> int:
    """Open the server's log for appending, after putting a large one aside; it belongs to the owner of the home."""
    log = place.log
    with contextlib.suppress(FileNotFoundError):
        if log.lstat().st_size > LOG_BYTES:
            log.replace(log.with_name(log.name + ".1"))
    handle = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    if os.geteuid() == 0:
        owner = place.home.lstat()
        os.fchown(handle, owner.st_uid, owner.st_gid)
    return handle


def _since(log: Path, start: int) -> str:
    """Return what the log says from byte *start* on, at most its tail."""
    with contextlib.suppress(OSError), log.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - LOG_TAIL, start))
        return file.read().decode(errors="replace")
    return ""


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""
