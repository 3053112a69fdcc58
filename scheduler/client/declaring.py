"""One job as a program declares it: what was said becomes columns and edges, what was not said stays."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import psycopg

from scheduler.client.core import Core
from scheduler.client.jobs import Job
from scheduler.client.parameters import fitting, listed, seconds_of
from scheduler.client.when import DEFAULT_ZONE, When
from scheduler.errors import ConfigError, Conflict
from scheduler.queries import jobs, programs
from scheduler.words import say

if TYPE_CHECKING:
    from scheduler.client.sync import Scheduler

HOLIDAYS = {
    "run": "run", "skip": "skip", "next": "next", "next-workday": "next", "previous": "previous", "previous-workday": "previous",
}
What = Callable[..., Any] | str
Row = dict[str, Any]


def declare(
    scheduler: Scheduler, name: str, what: What, when: When | None, parameters: Mapping[str, Any] | None,
    options: Mapping[str, Any], *, tag: str | None = None, is_new: bool = False,
) -> Job:
    """Make a job, or bring the one of this name up to date.

    when        None leaves the schedule as it is; a job that is made then runs by hand
    parameters  None leaves them as they are
    options     the other words of Scheduler.schedule; those that are None leave their columns as they are
    tag         whose jobs may be brought up to date; None: anybody's
    is_new      whether a job of that name must not exist yet
    Raises      Conflict when it exists and must not, or is not one of *tag*
    """
    with scheduler.core.open() as connection:
        _refuse_taken(_found(connection, name), tag, is_new)
    with scheduler.turn:  # a function that turns out to be unknowable finds its job there, and sets it aside
        job_type = what if isinstance(what, str) else scheduler.register(what)
        return _declare(scheduler.core, name, job_type, when, parameters, options, tag, is_new)


def _declare(
    core: Core, name: str, job_type: str, when: When | None, parameters: Mapping[str, Any] | None,
    options: Mapping[str, Any], tag: str | None, is_new: bool,
) -> Job:
    with core.open() as connection:
        found = _found(connection, name)
    values: Row = {"name": name, "job_type": job_type}
    if when is not None:
        values |= when.values(options.get("tz") or (found["timezone"] if found else DEFAULT_ZONE))
    judged = fitting(core, job_type, (found["parameters"] if found else {}) if parameters is None else parameters)
    values |= columns_of(options) | ({} if parameters is None else {"parameters": judged})
    edges = _said({"since_last_run": options.get("after"), "ever": options.get("after_once")})
    with core.change() as connection:
        _refuse_taken(_found(connection, name), tag, is_new)
        number = _write(connection, values, is_new)
        if edges:
            numbered = {condition: [_number(connection, each) for each in listed(others)] for condition, others in edges.items()}
            programs.declare_edges(connection, number, numbered)
    return Job(core, number, name)


def _found(connection: psycopg.Connection[Any], name: str) -> Row | None:
    number = programs.id_of(connection, name)
    rows = [] if number is None else jobs.list_jobs(connection, ids=[number])
    return rows[0] if rows else None


def _refuse_taken(found: Row | None, tag: str | None, is_new: bool) -> None:
    if found is None or not (is_new or (tag is not None and tag not in (found["tags"] or []))):
        return
    name, job_type = found["name"], found["job_type"]
    if is_new:
        raise Conflict(say(f"작업 \"{name}\"({job_type})이(가) 이미 있습니다. 다른 이름을 쓰거나 이름을 빼세요",
                           f'job "{name}" ({job_type}) is there already; give another name, or none'))
    raise Conflict(say(
        f"작업 \"{name}\"({job_type})은(는) 이 문이 만든 작업이 아닙니다. 다른 id를 쓰거나, 넘겨주려면 태그 {tag}을(를) 붙이세요",
        f'job "{name}" ({job_type}) was not made through this door; use another id, or hand it over by the tag {tag}',
    ))


def _write(connection: psycopg.Connection[Any], values: Row, is_new: bool) -> int:
    if is_new:
        return jobs.insert_job(connection, {name: value for name, value in values.items() if value is not None})
    return programs.declare(connection, values)


def columns_of(options: Mapping[str, Any]) -> Row:
    """Return the columns that *options* say. Raises ParameterError, ConfigError naming the option."""
    said = {name: options.get(name) for name in (
        "markets", "tags", "tz", "calendar", "retries", "priority", "important", "misfire",
        "overlap", "max_instances", "description", "owner", "holidays")}
    timeout, grace, jitter = (
        None if options.get(name) is None else seconds_of(name, options[name]) for name in ("timeout", "grace", "jitter")
    )
    return _said({
        "timezone": said["tz"], "on_holiday": _holidays(said["holidays"]), "calendar": said["calendar"],
        "market_codes": None if said["markets"] is None else listed(said["markets"]),
        "tags": None if said["tags"] is None else listed(said["tags"]),
        "timeout_minutes": None if timeout is None else timeout / 60,
        "misfire_grace": None if grace is None else f"{grace:.6f} seconds",
        "jitter_seconds": None if jitter is None else round(jitter),
        "max_retries": said["retries"], "priority": said["priority"], "important": said["important"],
        "misfire_policy": said["misfire"], "overlap_policy": said["overlap"], "max_instances": said["max_instances"],
        "description": said["description"], "owner": said["owner"],
    })


def _number(connection: psycopg.Connection[Any], other: Job | str | int) -> int:
    return other.id if isinstance(other, Job) else jobs.find_job(connection, str(other))


def _said(values: Mapping[str, Any]) -> Row:
    return {name: value for name, value in values.items() if value is not None}


def _holidays(text: str | None) -> str | None:
    if text is None:
        return None
    try:
        return HOLIDAYS[text]
    except KeyError:
        raise ConfigError(say(f"holidays={text!r}: {', '.join(HOLIDAYS)} 중 하나로 쓰세요",
                              f"holidays={text!r}: write one of {', '.join(HOLIDAYS)}")) from None
