"""The same change as one would type it elsewhere: as SQL, and as a line of the command line."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from scheduler.queries.dependencies import Edge, edge_statements
from scheduler.queries.job_words import PLAN
from scheduler.queries.jobs import insert_statement, typed, update_statement
from scheduler.rules import config_fields as fields
from scheduler.rules.config import ZONE
from scheduler.secrets import Redactor

FLAGS = {
    "name": "--name", "job_type": "--type", "timezone": "--tz", "days_of_week": "--on", "max_runs": "--max-runs",
    "calendar": "--calendar", "on_holiday": "--holidays", "overlap_policy": "--overlap", "max_instances": "--max-instances",
    "misfire_policy": "--misfire", "max_retries": "--retries", "priority": "--priority", "owner": "--owner",
    "description": "--description",
}
LISTED = {"market_codes": "--market", "tags": "--tag"}
MOMENTS = {"start_at": "--start", "end_at": "--until"}


def as_sql(columns: Mapping[str, Any], job: int | None = None, edges: Sequence[Edge] | None = None) -> str:
    """Return the statements that save *columns* of the job, or make one; secrets in its parameters masked."""
    shown = masked(columns)
    lines = []
    if shown:
        lines.append(typed(insert_statement(shown) if job is None else update_statement(shown, [job])))
    if edges is not None:
        lines += [typed(each) for each in edge_statements(job if job is not None else str(columns.get("name", "")), edges)]
    return "\n".join(lines if len(lines) < 2 else ["BEGIN;", *lines, "COMMIT;"])


def as_command(
    columns: Mapping[str, Any], job: int | None = None, after: Sequence[str] | None = None, zone: str = ZONE
) -> str:
    """Return the line of the command line that does the same.

    after  what it is to wait for, as --after takes it; None leaves that as it is
    """
    words = ["erp-scheduler", "jobs", "add"] if job is None else ["erp-scheduler", "jobs", "edit", str(job)]
    shown = masked(columns)
    first: dict[str, Any] = {name: shown.pop(name) for name in ("name", "job_type") if name in shown}
    words += _rest(first, zone) + _plan(columns, zone) + _rest(shown, zone)
    if after is not None:
        words += [word for name in after or ["none"] for word in _pair("--after", name)]
    return " ".join(shlex.quote(word) for word in words)


def masked(columns: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns as they may be shown."""
    return {name: Redactor().value(value) if name == "parameters" else value for name, value in columns.items()}


def _plan(columns: Mapping[str, Any], zone: str) -> list[str]:
    given = [name for name in PLAN if name in columns]
    name = next((name for name in given if columns[name] is not None), None)
    if name is None:
        return ["--by-hand"] if given else []
    value = columns[name]
    if name == "interval":
        return ["--every", fields.interval_text(*fields.interval_parts(_plain_interval(value)))]
    if name == "specific_times":
        return ["--at", ",".join(value)]
    return ["--cron", value] if name == "cron_expression" else ["--run-at", fields.moment_text(value, zone)]


def _plain_interval(literal: str) -> str:
    """Return a fraction of seconds as config_fields reads it; anything else is readable as it stands."""
    number, _, unit = literal.partition(" ")
    return f"{number}s" if unit == "seconds" and "." in number else literal


def _rest(columns: Mapping[str, Any], zone: str) -> list[str]:
    words: list[str] = []
    for name, value in columns.items():
        if name in FLAGS:
            words += _pair(FLAGS[name], "none" if value is None else str(value))
        elif name in LISTED:
            words += _pair(LISTED[name], ",".join(value) or "none")
        elif name in MOMENTS:
            words += _pair(MOMENTS[name], "none" if value is None else fields.moment_text(value, zone))
        elif name == "jitter_seconds":
            words += ["--jitter", f"{value}s"]
        elif name == "misfire_grace":
            words += ["--grace", fields.interval_text(0, float(value.split()[0]))]
        elif name == "timeout_minutes":
            words += ["--timeout", fields.interval_text(0, round(value * 60, 6))]
        elif name == "important":
            words.append("--important" if value else "--not-important")
        elif name == "parameters":
            words += ["--params-json", json.dumps(value, ensure_ascii=False)]
        elif name == "status" and value == "paused":
            words.append("--paused")
    return words


def _pair(flag: str, value: str) -> list[str]:
    """Return a flag and its value, in one word where the value would be taken for a flag."""
    return [f"{flag}={value}"] if value.startswith("-") else [flag, value]
