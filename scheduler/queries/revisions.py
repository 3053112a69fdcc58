"""The history of jobs and the way back, and why a job did not run; what the functions of the database answer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import psycopg

from scheduler.errors import Conflict, NotAllowed, NotFound
from scheduler.queries.rows import Row, row, rows
from scheduler.words import particles

HISTORY = """
SELECT revision, changed_at, actor, via, action, changed, job_name, old, new
  FROM job_revisions
 WHERE job_id = %(job_id)s
 ORDER BY revision DESC
 LIMIT %(limit)s
"""
FIND_DELETED = """
SELECT job_id
  FROM job_revisions
 WHERE action = 'delete' AND (job_name = %(name)s OR job_id = %(id)s)
 ORDER BY id DESC
 LIMIT 1
"""
RESTORE = "SELECT id, name, status FROM schedule_restore(%(job)s::text, %(revision)s::integer)"
WHY = "SELECT rank, cause, ko, en, fix FROM schedule_why(%(job)s::text, %(at)s::timestamptz)"


def history(connection: psycopg.Connection[Any], job_id: int, limit: int = 50) -> list[Row]:
    """Return the revisions of a job, newest first: who changed what, when, through which door."""
    return rows(connection, HISTORY, {"job_id": job_id, "limit": limit})


def find_deleted(connection: psycopg.Connection[Any], job: str) -> int | None:
    """Return the id of the job of that name or id that was deleted last, None when there was none."""
    number = int(job) if job.isascii() and job.isdigit() and len(job) <= 18 else None
    found = row(connection, FIND_DELETED, {"name": job, "id": number})
    return None if found is None else int(found["job_id"])


def restore(connection: psycopg.Connection[Any], job: str, revision: int | None = None) -> Row:
    """Set a job back to what it was after *revision*; None undoes the latest edit, also a deletion.

    Returns  id, name and status of the job
    Raises   NotFound, NotAllowed or Conflict in the database's own words, with what to type next
    """
    with _refusals():
        found = row(connection, RESTORE, {"job": job, "revision": revision})
    assert found is not None
    return found


def why(connection: psycopg.Connection[Any], job: str, at: datetime | None = None) -> list[Row]:
    """Return why a job did not run at a moment, None for now; the answer is the first row. Raises NotFound."""
    with _refusals():
        return [{**each, "ko": particles(each["ko"])} for each in rows(connection, WHY, {"job": job, "at": at})]


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except psycopg.errors.NoDataFound as error:
        raise NotFound(_words(error)) from error
    except psycopg.errors.ObjectNotInPrerequisiteState as error:
        raise NotAllowed(_words(error)) from error
    except psycopg.errors.UniqueViolation as error:
        raise Conflict(_words(error)) from error


def _words(error: psycopg.Error) -> str:
    return "\n".join(particles(line) for line in (error.diag.message_primary, error.diag.message_hint) if line)
