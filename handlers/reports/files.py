"""Where reports lie: ``<report>/<period>/<report>_<first day>_<language>[_<markets>].<kind>`` below one root folder.

A file appears whole under its name or not at all; the one of the same period before it is replaced. What does not
carry a name of ours is never touched.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from handlers.backup.safe_files import Folder

DRAFT = ".new"
DRAFT_HOURS = 24
LONGEST_MARKETS = 120


@dataclass(frozen=True, slots=True)
class Artefact:
    """A file that a report left behind."""

    name: str
    path: str
    size: int
    sha256: str
    kind: str

    def as_result(self) -> dict[str, Any]:
        return {"name": self.name, "path": self.path, "bytes": self.size, "sha256": self.sha256, "kind": self.kind}


def stem(report: str, first: date, language: str, markets: Sequence[str] | None) -> str:
    """Return a file's name without its ending; a report on some markets only has them in its name."""
    name = f"{report}_{first.isoformat()}_{language}"
    if not markets:
        return name
    joined = "+".join(sorted(markets))
    if len(joined) > LONGEST_MARKETS:
        joined = hashlib.sha256(joined.encode()).hexdigest()[:16]
    return f"{name}_{joined}"


def publish(store: Folder, name: str, contents: Mapping[str, bytes]) -> list[Artefact]:
    """Write one file a kind. Two executions of one period take turns, so that the kinds belong together."""
    with store.locked():
        return [_publish(store, f"{name}.{kind}", kind, content) for kind, content in contents.items()]


def _publish(store: Folder, name: str, kind: str, content: bytes) -> Artefact:
    try:
        store.replace(name, content)
    except BaseException:
        store.remove(name + DRAFT)
        raise
    return Artefact(name, str(store.path / name), len(content), hashlib.sha256(content).hexdigest(), kind)


def prune(store: Folder, report: str, keep_days: int, now: datetime, kept: Sequence[str] = ()) -> list[str]:
    """Delete this report's files that were made more than *keep_days* ago, and drafts of executions that were killed.

    kept  names that stay whatever their age
    Returns  the names of the deleted reports
    """
    oldest = now - timedelta(days=keep_days)
    deleted = []
    with store.locked():
        for name, made in _ours(store, report):
            if name.endswith(DRAFT):
                if made < now - timedelta(hours=DRAFT_HOURS):
                    store.remove(name)
            elif made < oldest and name not in kept:
                store.remove(name)
                deleted.append(name)
    return sorted(deleted)


def _ours(store: Folder, report: str) -> Iterator[tuple[str, datetime]]:
    """Yield the plain files whose names we could have given, and when each was made."""
    pattern = re.compile(rf"{report}_\d{{4}}-\d\d-\d\d_(ko|en)(_[a-z0-9_+]+)?\.(xlsx|html)({re.escape(DRAFT)})?", re.ASCII)
    for name in os.listdir(store.fd):
        if not pattern.fullmatch(name):
            continue
        found = os.stat(name, dir_fd=store.fd, follow_symlinks=False)
        if stat.S_ISREG(found.st_mode):
            yield name, datetime.fromtimestamp(found.st_mtime).astimezone()
