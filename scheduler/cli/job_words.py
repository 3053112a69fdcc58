"""A job in a person's words: when it runs, after which others, what each setting means, and its coming times."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from scheduler.cli.grammar import chosen
from scheduler.cli.output import clean, hint, moment, print_json, relative, show
from scheduler.words import say

if TYPE_CHECKING:
    from psycopg import Connection

    from scheduler.model import Schedule
    from scheduler.queries.schedules import Surroundings

Row = Mapping[str, Any]
SHOWN_AFTER_SAVING = 3


def words_of(job: Row, around: Surroundings, edges: Sequence[Row] = ()) -> str:
    """Return when a job runs: its schedule in words, how often at most, and after which other jobs."""
    from scheduler.queries.job_words import job_in_words

    return clean(job_in_words(job, around, edges))


def condition_words(edge: Row) -> str:
    """Say what has to happen for an edge to be met."""
    if edge["outcome"] == "failure":
        return say("실패하면", "when it fails")
    if edge["condition"] == "ever":
        return say("한 번이라도 성공했으면", "when it has ever succeeded")
    return say("성공하면", "when it succeeds")


def state_words(edge: Row, now: datetime) -> str:
    """Say whether an edge is met, and since when."""
    if edge["met"]:
        return say(f"✓ 충족 ({relative(edge['came_at'], now)})", f"✓ met ({relative(edge['came_at'], now)})")
    if edge["came_at"] is None:
        return say("… 아직 없음", "… not yet")
    since = relative(edge["came_at"], now)
    return say(f"… 기다림 (지난 것은 {since}, 이미 씀)", f"… waits (the last, {since}, is used up)")


def settings(job: Row) -> dict[str, str]:
    """Say what the settings mean that are words or numbers in the table."""
    overlap = {
        "skip": say("앞 실행이 끝나지 않았으면 건너뜀", "skipped while the former runs"),
        "queue_one": say("앞 실행이 끝나지 않았으면 하나만 기다림", "one waits while the former runs"),
        "cancel_running": say("앞 실행을 취소하고 실행", "ends the former and runs"),
        "allow": say("모두 기다려서 실행", "all wait for their turn"),
    }
    holiday = {
        "run": say("쉬는 날에도 실행", "runs on closed days too"), "skip": say("쉬는 날은 건너뜀", "skipped on closed days"),
        "previous": say("쉬는 날이면 앞 영업일에", "on closed days on the open day before"),
        "next": say("쉬는 날이면 다음 영업일에", "on closed days on the next open day"),
    }
    misfire = {
        "run_once": say("놓친 것은 한 번만 실행", "missed times run once"),
        "skip": say("놓친 것은 건너뜀", "missed times are skipped"),
        "run_all": say("놓친 것을 모두 실행", "missed times all run"),
    }
    words = {
        "overlap_policy": overlap.get(job["overlap_policy"], ""), "on_holiday": holiday.get(job["on_holiday"], ""),
        "misfire_policy": misfire.get(job["misfire_policy"], ""),
        "max_instances": say("동시에 실행할 수 있는 수", "at once at most"),
        "jitter_seconds": say("초까지 늦게 시작", "seconds later at most") if job["jitter_seconds"] else "",
        "max_runs": say(f"지금까지 {job['occurrence_count']}번", f"{job['occurrence_count']} so far"),
    }
    return {column: f"{job[column]}  ({text})" if text else str(job[column])
            for column, text in words.items() if job[column] is not None}


def pause_words(job: Row, now: datetime) -> str:
    """Say until when a job is paused and why; empty when it is not."""
    if job["status"] != "paused":
        return ""
    until = job["paused_until"]
    words = say("일시 정지", "paused") if until is None else say(
        f"{moment(until, job['timezone'])}까지 일시 정지 ({relative(until, now)})",
        f"paused until {moment(until, job['timezone'])} ({relative(until, now)})")
    return f"{words}: {clean(job['pause_reason'])}" if job["pause_reason"] else words


def upcoming(job: Row, around: Surroundings, now: datetime, count: int) -> tuple[list[datetime], str | None]:
    """Compute the next planned times of a job, and say why there are none when its schedule cannot be read."""
    from scheduler.errors import ScheduleError
    from scheduler.rules.schedule import next_after

    begin = beginning(job, now)
    left = remaining(job)
    if begin is None:
        return [], None
    times: list[datetime] = []
    try:
        schedule: Schedule = around.schedule_of(job)
        planned = job["next_run_at"] or next_after(schedule, begin)
        while planned is not None and len(times) < min(count, left):
            times.append(planned)
            planned = next_after(schedule, planned)
    except ScheduleError as error:
        return [], str(error)
    return times, None


def beginning(job: Row, now: datetime) -> datetime | None:
    """Return the moment after which a job is planned again, None when it is not."""
    if job["status"] == "active":
        return now
    if job["status"] == "paused" and job["paused_until"] is not None:
        resumed: datetime = job["paused_until"]
        return max(now, resumed - timedelta(microseconds=1))
    return None


def remaining(job: Row) -> int:
    """Return how many planned times max_runs still allows."""
    if job["max_runs"] is None:
        return 10**9
    return max(0, int(job["max_runs"]) - int(job["occurrence_count"]))


@dataclass(frozen=True, slots=True)
class Saved:
    """Jobs as they are after a change, with all that is told of them."""

    rows: list[dict[str, Any]]
    around: Surroundings
    edges: dict[int, list[dict[str, Any]]]
    now: datetime


def read_saved(connection: Connection[Any], ids: list[int]) -> Saved:
    """Read jobs inside the transaction that changed them."""
    from scheduler.queries import jobs as queries
    from scheduler.queries.dependencies import edges_from
    from scheduler.queries.schedules import Surroundings

    return Saved(queries.list_jobs(connection, ids=ids), Surroundings(connection), edges_from(connection, ids),
                 queries.database_now(connection))


def show_saved(saved: Saved, word: str, extra: Mapping[int, Mapping[str, Any]] | None = None) -> None:
    """Tell what became of jobs: in words, with their next times."""
    documents = [_document(saved, job) | dict((extra or {}).get(job["id"], {})) for job in saved.rows]
    if chosen().json:
        print_json(documents)
        return
    for job, document in zip(saved.rows, documents, strict=True):
        show(f"{say('작업', 'job')} {job['id']} {job['name']}: {word} ({document['schedule']})")
        if document["problem"]:
            hint(f"! {document['problem']}")
        if document["next"]:
            times = ", ".join(moment(at, job["timezone"]) for at in document["next"])
            hint(f"  {say('다음', 'next')}: {times}  {relative(document['next'][0], saved.now)}")
        if job["calendar"] is not None and job["on_holiday"] == "run":
            hint(say(f"! 달력 {job['calendar']}은(는) --holidays skip, previous, next와 함께 쓰입니다",
                     f"! calendar {job['calendar']} has no effect without --holidays skip, previous or next"))


def _document(saved: Saved, job: dict[str, Any]) -> dict[str, Any]:
    from scheduler.queries.jobs import public

    edges = saved.edges.get(job["id"], [])
    planned, problem = upcoming(job, saved.around, saved.now, SHOWN_AFTER_SAVING)
    return {**public(job), "schedule": words_of(job, saved.around, edges), "next": planned, "problem": problem,
            "after": edges}
