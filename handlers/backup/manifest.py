"""What lies in a backup folder: manifest.json, files still being written, and which ones are past their time.

Only files that this manifest lists and whose names we generated are ever deleted.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from pydantic import AwareDatetime, BaseModel, Field, ValidationError

from handlers.backup.safe_files import Folder, hold

MANIFEST = "manifest.json"
OURS = re.compile(r"backup_[\w-]{1,40}_\d{8}T\d{6}Z_\d{1,19}\.dump")
PART = re.compile(r"\.backup_[\w-]{1,40}_\d{8}T\d{6}Z_\d{1,19}\.dump\.part")


class Entry(BaseModel):
    """One finished and verified backup."""

    name: str
    size: int
    sha256: str
    created_at: AwareDatetime
    database: str
    server_version: str
    tool_version: str
    scope: Literal["whole", "tables"]
    tables: list[str]
    verified: Literal["listed", "restored"]
    execution_id: int

    @property
    def series(self) -> tuple[str, ...]:
        """Return what is backed up: only backups of the same thing take each other's place."""
        return (self.database, self.scope, *(sorted(self.tables) if self.scope == "tables" else ()))


class Pending(BaseModel):
    """One backup that is being written; what a killed execution left behind is found by it."""

    name: str
    scratch: str | None = None
    finished: Entry | None = None


class Manifest(BaseModel):
    version: int = 1
    backups: list[Entry] = Field(default_factory=list)
    pending: list[Pending] = Field(default_factory=list)

    def last(self, series: tuple[str, ...]) -> Entry | None:
        """Return the newest backup of the same thing."""
        return max((entry for entry in self.backups if entry.series == series), key=_age_order, default=None)


@dataclass(slots=True)
class Draft:
    """A backup that has no final name yet."""

    folder: Folder
    fd: int
    final: str
    published: bool = False

    @property
    def name(self) -> str:
        return part_name(self.final)


def part_name(final: str) -> str:
    return f".{final}.part"


def file_name(database: str, execution_id: int, moment: datetime) -> str:
    """Make the name of a backup; nothing in it is taken over from outside unchecked."""
    safe = re.sub(r"[^\w-]", "_", unicodedata.normalize("NFC", database))[:40] or "_"
    return f"backup_{safe}_{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}_{execution_id}.dump"


def load(folder: Folder) -> Manifest:
    """Read the manifest; one that cannot be read is set aside, and its files are left alone from then on."""
    try:
        content = folder.read(MANIFEST)
        return Manifest() if content is None else Manifest.model_validate_json(content)
    except (OSError, ValidationError):
        aside = f"{MANIFEST}.broken-{datetime.now(UTC):%Y%m%dT%H%M%S%fZ}"
        folder.rename(MANIFEST, aside)
        return Manifest()


def save(folder: Folder, manifest: Manifest) -> None:
    folder.replace(MANIFEST, manifest.model_dump_json(indent=2).encode())


@contextmanager
def changing(folder: Folder) -> Iterator[Manifest]:
    """Lend the manifest and write it back; other executions wait. An error leaves it as it was."""
    with folder.locked():
        manifest = load(folder)
        before = manifest.model_copy(deep=True)
        yield manifest
        if manifest != before:
            save(folder, manifest)


@contextmanager
def drafting(folder: Folder, final: str) -> Iterator[Draft]:
    """Open the temporary file of a backup; unless it is published, nothing of it remains."""
    with changing(folder) as manifest:
        manifest.pending.append(Pending(name=part_name(final)))
        save(folder, manifest)
        draft = Draft(folder, folder.create(part_name(final)), final)
        hold(draft.fd)
    try:
        yield draft
    finally:
        os.close(draft.fd)
        if not draft.published:
            folder.remove(draft.name)
            with changing(folder) as manifest:  # one that names a scratch database stays until that is surely gone
                manifest.pending = [
                    pending for pending in manifest.pending if pending.name != draft.name or pending.scratch is not None
                ]


def note_scratch(draft: Draft, scratch: str | None) -> None:
    """Write down the scratch database before it exists and forget it (None) once it is dropped."""
    with changing(draft.folder) as manifest:
        for pending in manifest.pending:
            if pending.name == draft.name:
                pending.scratch = scratch


def publish(draft: Draft, entry: Entry) -> None:
    """Give the verified file its name and list it; a kill at any point between loses neither."""
    with changing(draft.folder) as manifest:
        _forget(manifest, draft.name)
        manifest.pending.append(Pending(name=draft.name, finished=entry))
        save(draft.folder, manifest)
        draft.folder.rename(draft.name, draft.final)
        draft.published = True
        _forget(manifest, draft.name)
        manifest.backups.append(entry)


def clear_leftovers(folder: Folder, drop: Callable[[list[str]], list[str]]) -> list[str]:
    """Remove what killed executions left; those still alive keep theirs.

    drop     drops the scratch databases of these names and returns the ones that existed
    Returns  the names of removed files and databases
    """
    with changing(folder) as manifest:
        dead = [pending for pending in manifest.pending if not _is_alive(folder, pending)]
        gone = drop([pending.scratch for pending in dead if pending.scratch is not None])
        for pending in dead:
            if PART.fullmatch(pending.name) and folder.size(pending.name) is not None:
                folder.remove(pending.name)
                gone.append(pending.name)
            elif pending.finished is not None:  # killed between the renaming and the listing
                manifest.backups.append(pending.finished)
            manifest.pending.remove(pending)
        manifest.backups = [entry for entry in manifest.backups if _is_there(folder, entry)]
    return gone


def prune(folder: Folder, series: tuple[str, ...], keep_days: int, keep_count: int, now: datetime) -> list[str]:
    """Delete the backups of *series* that are older than *keep_days*, but never the newest *keep_count*.

    Returns  the names that are gone
    """
    deleted: list[str] = []
    with changing(folder) as manifest:
        existing = [entry for entry in manifest.backups if entry.series == series and _is_listed_file(folder, entry)]
        existing.sort(key=_age_order, reverse=True)
        for entry in existing[keep_count:]:
            if entry.created_at < now - timedelta(days=keep_days):
                folder.remove(entry.name)
                manifest.backups.remove(entry)
                deleted.append(entry.name)
        folder.sync()
    return deleted


def _is_alive(folder: Folder, pending: Pending) -> bool:
    return PART.fullmatch(pending.name) is not None and folder.is_in_use(pending.name)


def _is_there(folder: Folder, entry: Entry) -> bool:
    return OURS.fullmatch(entry.name) is not None and folder.size(entry.name) is not None


def _is_listed_file(folder: Folder, entry: Entry) -> bool:
    """Say whether the file is the one we wrote; a size that changed means that somebody put another in its place."""
    return _is_there(folder, entry) and folder.size(entry.name) == entry.size


def _forget(manifest: Manifest, name: str) -> None:
    manifest.pending = [pending for pending in manifest.pending if pending.name != name]


def _age_order(entry: Entry) -> tuple[datetime, int]:
    return entry.created_at, entry.execution_id
