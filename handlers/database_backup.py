"""Back up the scheduler's database: dump it, prove the file, then let go of the ones that are past their time."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import psycopg

from handlers.backup import manifest, programs, source, verify
from handlers.backup.programs import Address, ProgramFailed, Tools
from handlers.backup.safe_files import Folder, open_folder
from handlers.backup.source import Counts, Source
from scheduler.handler import Context, Field, GiveUp, handler

SPARE_BYTES = 16 * 1024 * 1024
CHUNK_BYTES = 1024 * 1024
LOCK_WAIT = "--lock-wait-timeout=300s"


@handler("database_backup", timeout="2h", retries=2)
def back_up_database(
    context: Context,
    tables: Annotated[list[str], Field(min_length=1, max_length=1000)] | None = None,
    keep_days: Annotated[int, Field(ge=1, le=3650)] = 30,
    keep_count: Annotated[int, Field(ge=1, le=1000)] = 7,
    verify_restore: bool = False,
    folder: str = "",
    compression: Annotated[int, Field(ge=0, le=9)] = 6,
) -> dict[str, Any]:
    """Back up the database, check the file, and delete backups that are past their time.

    tables          names of tables, with or without their schema; none means the whole database
    keep_days       backups of the same tables older than this are deleted …
    keep_count      … but the newest so many are always kept
    verify_restore  restore into a scratch database and compare the row counts
    folder          a sub-folder of the backup folder
    """
    address = programs.read_address(context.settings.get("database_url"))
    root = Path(str(context.settings.get("backup_dir") or "backups")).absolute()
    with open_folder(root, folder) as store:
        clear_leftovers(context, store, address)
        with address.connect() as connection:
            tools = choose_tools(context, connection, verify_restore)
            final = manifest.file_name(connection.info.dbname, context.execution_id, datetime.now(UTC))
            with manifest.drafting(store, final) as draft:
                work = Work(context, address, tools, draft)
                with source.snapshot(connection, tables) as origin:
                    require_room(store, origin, compression)
                    counts = source.count_rows(connection, origin.tables, work.tick) if verify_restore else {}
                    dump(work, origin, compression)
                prove(work, origin, counts if verify_restore else None)
                entry = describe(work, origin, "restored" if verify_restore else "listed")
                manifest.publish(draft, entry)
        deleted = manifest.prune(store, entry.series, keep_days, keep_count, datetime.now(UTC))
        context.log.info("backup.finished", file=entry.name, bytes=entry.size, deleted=len(deleted))
        return figures(store, entry, deleted)


@dataclass(frozen=True, slots=True)
class Work:
    """One backup under way."""

    context: Context
    address: Address
    tools: Tools
    draft: manifest.Draft

    def tick(self) -> None:
        """Report the bytes so far, twice a second; a cancelled execution ends here."""
        self.context.progress(os.fstat(self.draft.fd).st_size, message="bytes")


def clear_leftovers(context: Context, store: Folder, address: Address) -> None:
    """Remove the temporary files and scratch databases of executions that were killed."""
    gone = manifest.clear_leftovers(store, lambda names: verify.drop_scratch(address, names))
    if gone:
        context.log.info("backup.leftovers_removed", names=gone)


def choose_tools(context: Context, connection: psycopg.Connection[Any], verify_restore: bool) -> Tools:
    """Find the programs for this server. Raises GiveUp when there are none, or none that could prove a restore."""
    major = source.server_major(connection)
    folders = programs.candidate_folders(context.settings.get("pg_bin"), needs_tls=connection.pgconn.ssl_in_use)
    tools = programs.find_tools(major, folders)
    if tools.major != major:
        context.log.warning("backup.newer_tool", server=major, tool=tools.version)
    if verify_restore:
        source.require_may_create(connection)
        if tools.major != major:  # a newer pg_restore sets parameters that the older server does not know
            raise GiveUp(
                f"verify_restore needs pg_restore {major}, found {tools.version}; install postgresql-client-{major}, "
                f"set pg_bin to the folder of its programs, or verify_restore = false"
            )
    return tools


def require_room(store: Folder, origin: Source, compression: int) -> None:
    """Raise OSError when the disk is too full for a backup as large as the last one, or as the data suggests."""
    last = manifest.load(store).last(origin.series)
    expected = last.size * 5 // 4 if last else origin.size if compression == 0 else origin.size // 2
    free = store.free_bytes()
    if free < expected + SPARE_BYTES:
        raise OSError(f"{store.path} has {free:,} bytes free, the backup needs about {expected + SPARE_BYTES:,}")


def dump(work: Work, origin: Source, compression: int) -> None:
    """Write the dump into the open file. Raises GiveUp when the role's rights do not suffice."""
    arguments = [
        work.tools.dump, "--format=custom", f"--compress={compression}", "--no-password", LOCK_WAIT,
        f"--snapshot={origin.snapshot}", *([] if origin.encoding == "SQL_ASCII" else ["--encoding=UTF8"]),
        *([] if origin.is_whole else [f"--table={table.pattern}" for table in origin.tables]),
        work.address.argument(),
    ]
    try:
        programs.run_program(arguments, work.address, stdout=work.draft.fd, tick=work.tick)
    except ProgramFailed as error:
        if "permission denied" in str(error) or "row-level security" in str(error):
            raise GiveUp(f"{error}; GRANT the role what is missing, pg_read_all_data for instance") from None
        raise
    os.fsync(work.draft.fd)
    work.tick()


def prove(work: Work, origin: Source, counts: Counts | None) -> None:
    """Read the file back and, where rows were counted, restore it and count again. Raises BackupCorrupt."""
    tools, address, fd = work.tools, work.address, work.draft.fd
    verify.check_readable(tools, address, fd, origin.tables, work.tick)
    if counts is None:
        return
    scratch = verify.scratch_name(work.context.execution_id)
    manifest.note_scratch(work.draft, scratch)
    with verify.scratch_database(address, scratch):
        if origin.is_whole:
            verify.restore_whole(tools, address, scratch, fd, work.tick)
        else:
            verify.restore_tables(tools, address, scratch, fd, origin.tables, work.tick)
        verify.compare_counts(address, scratch, origin.tables, counts)
    manifest.note_scratch(work.draft, None)


def describe(work: Work, origin: Source, verified: Literal["listed", "restored"]) -> manifest.Entry:
    """Make the manifest's entry of a backup that has been proved."""
    return manifest.Entry(
        name=work.draft.final, size=os.fstat(work.draft.fd).st_size, sha256=checksum(work),
        created_at=datetime.now(UTC), database=origin.database, server_version=origin.server_version,
        tool_version=work.tools.version, scope="whole" if origin.is_whole else "tables",
        tables=[table.qualified for table in origin.tables], verified=verified,
        execution_id=work.context.execution_id,
    )


def checksum(work: Work) -> str:
    """Return the SHA-256 of the whole file."""
    digest = hashlib.sha256()
    offset = 0
    while chunk := os.pread(work.draft.fd, CHUNK_BYTES, offset):
        digest.update(chunk)
        offset += len(chunk)
        work.context.check_cancelled()
    return digest.hexdigest()


def figures(store: Folder, entry: manifest.Entry, deleted: list[str]) -> dict[str, Any]:
    return {
        "file": str(store.path / entry.name), "bytes": entry.size, "sha256": entry.sha256,
        "tables": len(entry.tables), "verified": entry.verified, "deleted": deleted,
        "tool": f"pg_dump {entry.tool_version}",
    }
