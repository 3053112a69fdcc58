"""Files that an execution left behind: only those its result names, only below the configured folders, never by a link."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from scheduler.errors import NotFound
from scheduler.settings import Settings
from scheduler.words import say

MOST = 100
PORTION = 256 * 1024
NAMES = ("path", "file")


@dataclass(frozen=True, slots=True)
class Left:
    """A file below one of our folders.

    is_backup  it holds the whole database, so only an admin may have it
    """

    name: str
    root: Path
    parts: tuple[str, ...]
    is_backup: bool


def files_of(settings: Settings, result: Any) -> list[Left]:
    """Return the files that a result names, each once; what lies elsewhere is left out."""
    roots = ((settings.report_dir, False), (settings.backup_dir, True))
    found: dict[tuple[Path, tuple[str, ...]], Left] = {}
    for text in _named(result, 0):
        for root, is_backup in roots:
            parts = _below(text, root)
            if parts and len(found) < MOST:
                found[root, parts] = Left(parts[-1], root, parts, is_backup)
    return list(found.values())


def _named(value: Any, depth: int) -> Iterator[str]:
    if depth > 5:
        return
    if isinstance(value, dict):
        for name, each in value.items():
            if name in NAMES and isinstance(each, str):
                yield each
            else:
                yield from _named(each, depth + 1)
    elif isinstance(value, list):
        for each in value:
            yield from _named(each, depth + 1)


def _below(text: str, root: Path) -> tuple[str, ...]:
    path = PurePosixPath(text)
    if "\0" in text or not path.is_absolute() or ".." in path.parts or not path.is_relative_to(root):
        return ()
    return path.relative_to(root).parts


def size_of(left: Left) -> int | None:
    """Return how long a file is, None when it is there no more."""
    try:
        handle = open_file(left)
    except NotFound:
        return None
    try:
        return os.fstat(handle).st_size
    finally:
        os.close(handle)


def open_file(left: Left) -> int:
    """Open a plain file, step by step from its root, following no link on the way. Raises NotFound."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
    opened: list[int] = []
    try:
        opened.append(os.open(left.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
        for part in left.parts[:-1]:
            opened.append(os.open(part, flags | os.O_DIRECTORY, dir_fd=opened[-1]))
        handle = os.open(left.parts[-1], flags, dir_fd=opened[-1])
    except OSError:
        raise _gone(left) from None
    finally:
        for each in opened:
            os.close(each)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise _gone(left)
    return handle


def _gone(left: Left) -> NotFound:
    return NotFound(say(f"파일 {left.name}이(가) 이 컴퓨터에 없습니다", f"the file {left.name} is not on this machine"))


def contents(handle: int) -> Iterator[bytes]:
    """Yield what is in an open file, and close it."""
    with os.fdopen(handle, "rb") as file:
        while portion := file.read(PORTION):
            yield portion
