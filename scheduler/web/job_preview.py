"""What a form would come to before it is saved: its schedule in words, its next times, and where there would be no room."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from scheduler.errors import ScheduleError
from scheduler.queries import web_job
from scheduler.queries.forecast import UNKNOWN_SECONDS, Crowd, Upcoming, crowds, durations, slots
from scheduler.queries.job_words import PLAN, job_in_words
from scheduler.queries.schedules import Surroundings
from scheduler.rules import config_fields as fields
from scheduler.rules.config import ZONE
from scheduler.rules.forecast import Foreseen, forecast
from scheduler.rules.zones import open_zone
from scheduler.web import job_lines
from scheduler.web.job_saving import Draft
from scheduler.web.job_words import Coming, coming_times
from scheduler.words import say

SHOWN = 10
CROWDS_SHOWN = 3
OWN = "\x00"
"""The name of the job itself among its neighbours: no job may be called so."""


NOTHING: dict[str, Any] = {"occurrence_count": 0, "job_type": "", "market_codes": [], "tags": []}


@dataclass(frozen=True, slots=True)
class Preview:
    """What the page shows beside the form.

    fault   why its schedule cannot be read
    silent  why nothing comes, where nothing does
    warnings  when more would run at once than there is room, and what is probably not meant
    """

    words: str = ""
    coming: list[Coming] = field(default_factory=list)
    fault: str = ""
    silent: str = ""
    warnings: list[str] = field(default_factory=list)
    sql: str = ""
    command: str = ""


def preview(connection: psycopg.Connection[Any], draft: Draft, workers: int) -> Preview:
    """Work out what *draft* would come to; *workers* is the room when no daemon is alive."""
    number = None if draft.job is None else int(draft.job["id"])
    lines = _lines(draft, number)
    plan_fields = ("every", "at", "cron", "run_at", "timezone", "days", "start", "end", "max_runs", "calendar", "on_holiday")
    faults = [draft.faults[name] for name in plan_fields if name in draft.faults]
    if faults:
        return Preview(fault=faults[0].splitlines()[0], sql=lines[0], command=lines[1])
    around, row = Surroundings(connection), _row(draft)
    now = datetime.now(UTC)
    try:
        schedule = around.schedule_of(row)
        listed = forecast(schedule, now, count=SHOWN, remaining=_remaining(row))
    except ScheduleError as error:
        return Preview(fault=str(error).splitlines()[0], sql=lines[0], command=lines[1])
    warnings = _warnings(connection, number, listed, workers) + _odd(draft)
    zone = row["timezone"]
    return Preview(job_in_words(row, around), coming_times(listed, zone, around), "", _silent(draft, listed), warnings, *lines)


def _lines(draft: Draft, number: int | None) -> tuple[str, str]:
    """Return the change as SQL and as a command; nothing while it could not be saved."""
    if draft.faults:
        return "", ""
    columns = dict(draft.changed)
    if number is None:
        names: dict[str, Any] = {name: draft.columns[name] for name in ("name", "job_type") if name in draft.columns}
        columns = {**names, **columns}
    if not columns and draft.edges is None:
        return "", ""
    typed = columns if number is not None or set(PLAN) & set(columns) else {**columns, **dict.fromkeys(PLAN)}
    zone = str(draft.columns.get("timezone", ZONE))
    return (job_lines.as_sql(columns, number, draft.edges), job_lines.as_command(typed, number, draft.after, zone))


def _row(draft: Draft) -> dict[str, Any]:
    """Return the draft as a row that Surroundings.schedule_of reads."""
    row = {**(draft.job or NOTHING), **draft.columns}
    months, seconds = 0, 0.0
    if row["interval"] is not None:
        months, seconds = fields.interval_parts(draft.form["every"].strip())
    row |= {"interval_months": months, "interval_seconds": seconds}
    # A schedule that changes is counted from the moment it is saved, any other from where it was.
    if draft.job is None or set(draft.changed) & {*PLAN, "timezone"}:
        row["anchor_at"] = datetime.now(UTC)
    return row


def _remaining(row: Mapping[str, Any]) -> int | None:
    return None if row["max_runs"] is None else max(0, row["max_runs"] - row["occurrence_count"])


def _silent(draft: Draft, listed: Sequence[Foreseen]) -> str:
    if any(each.run_at is not None for each in listed):
        return ""
    if draft.form["kind"] == "hand":
        if draft.form["after"].strip():
            return say("선행 작업이 끝나면 실행합니다", "It runs when the jobs it waits for have ended")
        return say("손으로만 실행합니다", "It runs by hand only")
    return say("앞으로 예정된 실행이 없습니다", "No run is to come")


def _odd(draft: Draft) -> list[str]:
    """Say what is probably not meant."""
    found = []
    if draft.form["calendar"] and draft.form["on_holiday"] == "run":
        found.append(say("달력은 '쉬는 날이면'을 바꿔야 쓰입니다", "The calendar has no effect while closed days are run anyway"))
    if draft.handler is None and draft.form["job_type"]:
        found.append(say("이 작업 유형을 아는 노드가 아직 없습니다", "No node has announced this job type yet"))
    elif draft.handler is not None and not draft.handler["living"]:
        found.append(say("이 작업 유형을 실행할 데몬이 지금 없습니다", "No daemon that knows this job type is alive now"))
    return found


def _warnings(connection: psycopg.Connection[Any], number: int | None, listed: Sequence[Foreseen], workers: int) -> list[str]:
    """Say when its own runs would meet more others than there is room for."""
    own = [each.run_at for each in listed if each.run_at is not None]
    if not own:
        return []
    took = UNKNOWN_SECONDS if number is None else durations(connection, [number])[number]
    others = web_job.neighbours(connection, number, own, took)
    all_ = [Upcoming(each["job_id"], each["name"], "", each["run_at"], each["run_at"]) for each in others]
    all_ += [Upcoming(number or 0, OWN, "", moment, moment) for moment in own]
    seconds = durations(connection, sorted({each.job_id for each in all_ if each.job_id}))
    found = crowds(all_, seconds | {number or 0: took}, slots(connection, workers))
    return [_crowd_words(each) for each in found if OWN in each.jobs][:CROWDS_SHOWN]


def _crowd_words(crowd: Crowd) -> str:
    names = [name for name in crowd.jobs if name != OWN]
    listed = ", ".join(names[:5]) + (" …" if len(names) > 5 else "")
    begin = crowd.begin.astimezone(open_zone(ZONE))
    length = max(1, round((crowd.end - crowd.begin) / timedelta(minutes=1)))
    return say(f"{begin:%m-%d %H:%M}부터 {length}분 동안 {crowd.most}개가 겹칩니다 (자리 {crowd.slots}개): {listed}",
               f"From {begin:%m-%d %H:%M} for {length} min {crowd.most} jobs meet, with {crowd.slots} slots: {listed}")
