"""PostgreSQL's errors in our words: message, detail and hint, each on its line, and the next command to try."""

from __future__ import annotations

import re

import psycopg

from scheduler.database.connection import is_outage
from scheduler.database.constraint_words import check_words, missing_words, used_words
from scheduler.database.fault_words import in_words, of_state, split_faults
from scheduler.errors import Conflict, DatabaseUnavailable, NotAllowed, NotFound, ParameterError, SchedulerError
from scheduler.words import language, particles, say

NOT_MIGRATED = ("42P01", "42703", "42883", "3F000")
NOT_GRANTED = ("42501",)
NOT_THERE = ("P0002",)
NOT_NOW = ("55000",)
IN_USE = ("55006",)
LISTS_FAULTS = ("schedule_jobs", "schedule_workflows")
POINTS_NOWHERE = ("23503", "23001")
BUSY = ("40001", "40P01", "55P03", "57014")


def in_our_words(error: Exception) -> SchedulerError | None:
    """Return what to tell an operator, at any door, about *error*, None for an error that is not the database's."""
    if not isinstance(error, psycopg.Error):
        return None
    state = error.sqlstate or ""
    if state in NOT_MIGRATED:
        return DatabaseUnavailable(
            say("데이터베이스에 스키마가 없거나 오래되었습니다", "the database has no schema, or an old one")
            + f": {_primary(error)}\nerp-scheduler db migrate"
        )
    if state == "23505":
        return Conflict(_taken(error))
    if state == "23514":
        return ParameterError(_demanded(error))
    if state in POINTS_NOWHERE:
        return _pointing_nowhere(error)
    if state in NOT_THERE:
        return NotFound(_lines(error))
    if state in NOT_GRANTED + NOT_NOW:
        return NotAllowed(_lines(error))
    if state in IN_USE:
        return Conflict(_lines(error))
    if state in BUSY:
        return Conflict(_lines(error) + "\n" + say("잠시 뒤에 다시 해 보세요", "try again in a moment"))
    if state.startswith(("22", "23")) or isinstance(error, psycopg.DataError):
        return ParameterError(_lines(error))
    if is_outage(error):
        return DatabaseUnavailable("\n".join([*_away(error), "erp-scheduler doctor"]))
    return SchedulerError(_lines(error))


def _away(error: psycopg.Error) -> tuple[str, ...]:
    """Say that PostgreSQL is away; its own words follow for whoever reads Korean."""
    if language() != "ko":
        return (_primary(error),)
    return "데이터베이스에 연결할 수 없습니다", f"PostgreSQL: {_primary(error)}"


def _taken(error: psycopg.Error) -> str:
    """Name what is there already: PostgreSQL's detail has the column and the value."""
    if error.diag.constraint_name == "schedule_jobs_name_key":
        return say("같은 이름의 작업이 이미 있습니다", "a job of that name exists already") + "\nerp-scheduler jobs list"
    return say("이미 있습니다", "it exists already") + f": {_key(error) or _primary(error)}"


def _demanded(error: psycopg.Error) -> str:
    """Say what a CHECK demands; a trigger has words of its own."""
    words = check_words(error.diag.constraint_name)
    return _lines(error) if words is None else say(*words)


def _pointing_nowhere(error: psycopg.Error) -> SchedulerError:
    """Name what is not there, or what cannot go because something still points to it.

    Only the latter message names three things in quotes, in whatever language: a table, a constraint, another table.
    """
    constraint, key = error.diag.constraint_name, _key(error)
    if len(re.findall('"[^"]+"', _primary(error))) > 2:
        return Conflict(used_words(constraint, key) or _lines(error))
    words = missing_words(constraint, key)
    return ParameterError(_lines(error)) if words is None else NotFound(words)


def _key(error: psycopg.Error) -> str:
    """Return the value that PostgreSQL's detail gives for a key: ``Key (calendar)=(x) is not …``."""
    found = re.search(r"\)=\((.*)\)", error.diag.message_detail or "", re.DOTALL)
    return found[1] if found else ""


def _primary(error: psycopg.Error) -> str:
    return (error.diag.message_primary or str(error).strip() or type(error).__name__).splitlines()[0]


def _lines(error: psycopg.Error) -> str:
    lines = [particles(line) for line in of_state(error.sqlstate or "", _primary(error))]
    faults = split_faults(error.diag.message_detail or "") if error.diag.table_name in LISTS_FAULTS else []
    # One fault is in the message already; the detail repeats it.
    if len(faults) > 1:
        lines += [f"- {in_words(fault)}" for fault in faults]
    if error.diag.message_hint:
        lines.append(f"→ {particles(error.diag.message_hint)}")
    return "\n".join(lines)
