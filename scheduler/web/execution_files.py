"""Files that an execution left behind: only those its result names, only below the configured folders, never by a link."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

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
    found: dict[str, Left] = {}
    for text in _named(result, 0):
        left = _left(text, settings)
        if left is not None and len(found) < MOST:
            found.setdefault(str(left.root.joinpath(*left.parts)), left)
    return list(found.values())


def _left(text: str, settings: Settings) -> Left | None:
    """Return the file of that path, judged by the innermost of our folders that it lies in."""
    roots = [root for root in (settings.report_dir, settings.backup_dir) if _below(text, root)]
    if not roots:
        return None
    root = max(roots, key=lambda each: len(each.parts))
    parts = _below(text, root)
    return Left(parts[-1], root, parts, is_backup=_is_backup(text, settings))


def _is_backup(text: str, settings: Settings) -> bool:
    """Say whether a path lies in the folder of backups, as it is written or where links lead to."""
    # Links are followed here only, to judge; a file is never opened by one.
    for spelt in (os.path.abspath, os.path.realpath):
        path, report, backup = (Path(spelt(each)) for each in (text, settings.report_dir, settings.backup_dir))
        if path.is_relative_to(backup) and not (path.is_relative_to(report) and len(report.parts) > len(backup.parts)):
            return True
    return False


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


class FileAnswer(StreamingResponse):
    """An open file as an answer; it is closed whatever becomes of the answer, also when nobody waits for it any more."""

    def __init__(self, handle: int, **given: Any) -> None:
        self.file = os.fdopen(handle, "rb")
        super().__init__(iter(lambda: self.file.read(PORTION), b""), **given)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self.file.close()
