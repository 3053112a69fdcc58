"""Between the rows of the database and the entries of a configuration file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scheduler.rules import config_fields as fields
from scheduler.rules.config import (
    CALENDAR_ORDER,
    DEFAULTS,
    OVERLAY_DEFAULTS,
    OVERLAY_ORDER,
    ZONE,
    Entry,
    calendar_defaults,
    job_entry,
    shortest_form,
)

SAME_NAME = {"type": "job_type", "days": "days_of_week", "misfire": "misfire_policy", "overlap": "overlap_policy",
             "markets": "market_codes", "retries": "max_retries"}
AS_IT_IS = ("description", "owner", "timezone", "max_runs", "calendar", "on_holiday", "max_instances", "parameters", "priority",
            "important", "tags")


def entry_of_job(row: Mapping[str, Any]) -> Entry:
    """Return what a file would say of the job in *row*; see queries.config for its columns."""
    zone = row["timezone"]
    entry: Entry = {name: row[name] for name in AS_IT_IS} | {name: row[column] for name, column in SAME_NAME.items()}
    entry["schedule"] = _schedule(row)
    for name in ("start", "end"):
        entry[name] = _moment(row[f"{name}_at"], zone)
    entry["jitter"] = fields.interval_text(0, row["jitter_seconds"])
    entry["grace"] = fields.interval_text(0, row["grace_seconds"])
    entry["timeout"] = fields.interval_text(0, round(row["timeout_minutes"] * 60, 6))
    entry["paused"] = _pause(row)
    edges = [fields.edge(each["job"], each["condition"], each["outcome"]) for each in row["after"] or []]
    entry["after"] = sorted(edges, key=lambda edge: fields.edge_parts(edge)[0])
    return job_entry(entry)


def _moment(moment: Any, zone: str) -> str | None:
    return None if moment is None else fields.moment_text(moment, zone)


def _schedule(row: Mapping[str, Any]) -> Entry:
    if row["interval_seconds"] is not None:
        # Of both signs only by hand; such a job is invalid, and its interval leaves as PostgreSQL writes it.
        odd = row["interval_seconds"] < 0 or row["interval_months"] < 0
        return {"every": row["interval_text"] if odd else fields.interval_text(row["interval_months"], row["interval_seconds"])}
    if row["specific_times"] is not None:
        return {"at": [fields.time_text(each.isoformat()) for each in row["specific_times"]]}
    if row["cron_expression"] is not None:
        return {"cron": row["cron_expression"]}
    return {} if row["run_at"] is None else {"run_at": _moment(row["run_at"], row["timezone"])}


def _pause(row: Mapping[str, Any]) -> Any:
    if row["status"] != "paused":
        return False
    told = {"until": _moment(row["paused_until"], row["timezone"]), "reason": row["pause_reason"] or None}
    return {name: value for name, value in told.items() if value is not None} or True


def entry_of_overlay(row: Mapping[str, Any]) -> Entry:
    """Return what a file would say of an overlay."""
    factor = row["factor"]
    entry = {
        "start": _moment(row["starts_at"], ZONE), "end": _moment(row["ends_at"], ZONE), "action": row["action"],
        "factor": int(factor) if factor is not None and factor.is_integer() else factor, "types": row["job_types"],
        "markets": row["market_codes"], "tags": row["tags"], "reason": row["reason"], "enabled": row["enabled"],
    }
    return shortest_form(entry, OVERLAY_DEFAULTS, OVERLAY_ORDER)


def entry_of_calendar(row: Mapping[str, Any]) -> Entry:
    """Return what a file would say of a calendar and its days."""
    days = row["days"] or []
    entry = {
        **{name: row[name] for name in ("base", "country", "closed_weekdays", "description")},
        "closed": {each["day"]: each["name"] for each in days if each["is_holiday"]},
        "open": {each["day"]: each["name"] for each in days if not each["is_holiday"]},
    }
    return shortest_form(entry, calendar_defaults(row["name"]), CALENDAR_ORDER)


def columns_of_job(name: str, entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns of a job as JSON for PostgreSQL, all of them, and ``paused`` for its status."""
    said = {**DEFAULTS, **entry}
    zone, schedule, pause = said["timezone"], said["schedule"], said["paused"]
    told = pause if isinstance(pause, dict) else {}
    columns = {column: said.get(name) for name, column in SAME_NAME.items()}
    columns |= {each: said.get(each) for each in AS_IT_IS}
    columns["calendar"] = said.get("calendar") or ("kr" if said["on_holiday"] != "run" else None)
    return columns | {
        "name": name,
        "description": said["description"] or None, "owner": said["owner"] or None,
        "interval": fields.interval_literal(schedule["every"]) if "every" in schedule else None,
        "specific_times": schedule.get("at"), "cron_expression": schedule.get("cron"),
        "run_at": _instant(schedule.get("run_at"), zone),
        "start_at": _instant(said.get("start"), zone), "end_at": _instant(said.get("end"), zone),
        "jitter_seconds": int(fields.duration_seconds(said["jitter"])),
        "misfire_grace": f"{fields.duration_seconds(said['grace'])} seconds",
        "timeout_minutes": fields.duration_seconds(said["timeout"]) / 60,
        "paused": bool(pause), "paused_until": _instant(told.get("until"), zone), "pause_reason": told.get("reason"),
    }


def _instant(written: str | None, zone: str) -> str | None:
    return None if written is None else fields.read_moment(written, zone).isoformat()


def columns_of_overlay(name: str, entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns of an overlay as JSON for PostgreSQL."""
    said = {**OVERLAY_DEFAULTS, **entry}
    return {
        "name": name, "starts_at": _instant(said["start"], ZONE), "ends_at": _instant(said["end"], ZONE),
        "action": said["action"], "factor": said.get("factor"), "job_types": said["types"], "market_codes": said["markets"],
        "tags": said["tags"], "reason": said["reason"] or None, "enabled": said["enabled"],
    }


def columns_of_calendar(name: str, entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns of a calendar as JSON for PostgreSQL; its days come from days_of_calendar."""
    said = {**calendar_defaults(name), **entry}
    return {"name": name, "description": said["description"] or None,
            **{column: said.get(column) for column in ("base", "country", "closed_weekdays")}}


def days_of_calendar(name: str, entry: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the rows of a calendar's own days."""
    return [
        {"calendar": name, "day": day, "is_holiday": kind == "closed", "name": called}
        for kind in ("closed", "open") for day, called in entry.get(kind, {}).items()
    ]
