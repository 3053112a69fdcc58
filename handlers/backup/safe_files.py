"""Files under one root folder, reached without following a link.

Each folder is opened relative to its parent's descriptor, so that a link put in its place at any moment is refused
rather than followed. Nothing here knows what a backup is.
"""

from __future__ import annotations

import fcntl
import os
import stat
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from scheduler.handler import GiveUp

OPEN_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
NAME_BYTES = 255
DEEPEST = 8
LOCK = ".manifest.lock"


@dataclass(frozen=True, slots=True)
class Folder:
    """An open folder; every name below is one component inside it."""

    fd: int
    path: Path

    def create(self, name: str) -> int:
        """Make a new file that only we may read, and return its descriptor. Raises FileExistsError."""
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        return os.open(name, flags, 0o600, dir_fd=self.fd)

    def size(self, name: str) -> int | None:
        """Return the size of a regular file; None for a missing one, a link, a folder or a pipe."""
        try:
            found = os.stat(name, dir_fd=self.fd, follow_symlinks=False)
        except (FileNotFoundError, ValueError):
            return None
        return found.st_size if stat.S_ISREG(found.st_mode) else None

    def read(self, name: str) -> bytes | None:
        """Return the content of a regular file, None when there is none. Raises OSError for a link."""
        try:
            fd = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=self.fd)
        except FileNotFoundError:
            return None
        with os.fdopen(fd, "rb") as file:
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                raise OSError(f"{name} is not a regular file")
            return file.read()

    def replace(self, name: str, content: bytes) -> None:
        """Write *content* to *name* so that a reader sees the old file or the new one, never a part."""
        draft = f"{name}.new"
        self.remove(draft)
        with os.fdopen(self.create(draft), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, name, src_dir_fd=self.fd, dst_dir_fd=self.fd)
        self.sync()

    def rename(self, old: str, new: str) -> None:
        """Give a file its final name. Raises FileExistsError when anything has that name already."""
        with suppress(FileNotFoundError):
            os.stat(new, dir_fd=self.fd, follow_symlinks=False)
            raise FileExistsError(f"{self.path / new} already exists")
        os.rename(old, new, src_dir_fd=self.fd, dst_dir_fd=self.fd)
        self.sync()

    def remove(self, name: str) -> None:
        """Remove a name, never what a link points to; a missing one is fine."""
        with suppress(FileNotFoundError):
            os.unlink(name, dir_fd=self.fd)

    def sync(self) -> None:
        """Make new and removed names survive a power cut."""
        os.fsync(self.fd)

    def free_bytes(self) -> int:
        room = os.fstatvfs(self.fd)
        return room.f_bavail * room.f_frsize

    def is_in_use(self, name: str) -> bool:
        """Say whether a live process still holds the file that ``hold`` was called for."""
        try:
            fd = os.open(name, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=self.fd)
        except (OSError, ValueError):
            return False
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(fd)
        return False

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep every other execution out of this folder's manifest meanwhile."""
        fd = os.open(LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=self.fd)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            yield
        finally:
            os.close(fd)


def hold(fd: int) -> None:
    """Mark an open file as in use until its last descriptor is closed, also one that a program inherited."""
    fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)


def components(folder: str) -> list[str]:
    """Split the name of a sub-folder into safe parts, in composed Hangul.

    Raises  GiveUp for an absolute path, ``..``, control characters, hidden or overlong names
    """
    parts = unicodedata.normalize("NFC", folder).split("/") if folder else []
    if len(parts) > DEEPEST:
        raise GiveUp(f"folder: at most {DEEPEST} levels are allowed")
    for part in parts:
        if fault := _fault(part):
            raise GiveUp(f"folder {folder[:80]!r}: {fault}; write a name such as 'daily' or 'shop/daily'")
    return parts


def _fault(part: str) -> str | None:
    if not part:
        return "it must be relative, without empty parts"
    if part.startswith("."):
        return "no part may start with a dot"
    if "\\" in part or any(unicodedata.category(character) in ("Cc", "Cs") for character in part):
        return "backslashes and control characters are not allowed"
    if len(part.encode()) > NAME_BYTES:
        return f"a part is longer than {NAME_BYTES} bytes"
    return None


@contextmanager
def open_folder(root: Path, folder: str) -> Iterator[Folder]:
    """Open the sub-folder *folder* of *root*, making what is missing, without following a link below the root.

    Raises  GiveUp when the name is not safe or a part of it is a link or a file
    """
    parts = components(folder)
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    fd = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)  # the root itself is the operator's choice
    path = root
    try:
        for part in parts:
            inner, found = _enter(fd, part, path)
            os.close(fd)
            fd, path = inner, path / found
        yield Folder(fd, path)
    finally:
        os.close(fd)


def _enter(parent: int, part: str, path: Path) -> tuple[int, str]:
    part = _as_stored(parent, part)
    with suppress(FileExistsError):
        os.mkdir(part, 0o700, dir_fd=parent)
    try:
        return os.open(part, OPEN_FOLDER, dir_fd=parent), part
    except OSError as error:
        raise GiveUp(f"{path / part} is not a plain folder ({error.strerror}); links are not followed") from None


def _as_stored(parent: int, part: str) -> str:
    """Return the spelling on disk: a folder that came from macOS carries decomposed Hangul."""
    for name in os.listdir(parent) if not part.isascii() else ():
        if unicodedata.normalize("NFC", name) == part:
            return name
    return part
