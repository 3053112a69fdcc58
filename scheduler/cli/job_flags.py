"""The flags that `jobs add` and `jobs edit` share, and the columns they stand for."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import datetime
from functools import cache
from typing import Annotated, Any

import typer

from scheduler.cli.grammar import both
from scheduler.cli.schedule_flags import parameters_of, plain_columns, rule_columns, schedule_columns


@dataclass(frozen=True, slots=True)
class JobFlags:
    """What was typed about a job; None is not typed. Of most columns ``none`` takes the value away."""

    type_: Annotated[str | None, typer.Option("--type", help=both("작업 유형", "Job type"))] = None
    every: Annotated[str | None, typer.Option(
        metavar="30m", help=both("주기: 90s, 30m, 1d, 1mo", "Interval: 90s, 30m, 1d, 1mo"))] = None
    at: Annotated[list[str] | None, typer.Option(metavar="09:00,18:00", help=both("매일 정해진 시각", "Times of day"))] = None
    cron: Annotated[str | None, typer.Option(metavar="'0 9 * * 1-5'", help=both("cron 식", "Cron expression"))] = None
    run_at: Annotated[str | None, typer.Option(
        metavar="'2026-12-31 09:00'", help=both("한 번, 그 시각에", "Once, at that moment"))] = None
    delay: Annotated[str | None, typer.Option(metavar="10m", help=both("한 번, 그만큼 뒤에", "Once, after that time"))] = None
    by_hand: Annotated[bool, typer.Option(
        "--by-hand", help=both("일정 없음: 손으로만 실행", "No schedule: only by hand"))] = False
    after: Annotated[list[str] | None, typer.Option(metavar="JOB[:ever|:failure]", help=both(
        "이 작업이 성공한 뒤에 (:failure 실패한 뒤, :ever 한 번이라도 성공했으면). 여러 번 가능",
        "After this job's success (:failure its failure, :ever any success so far). May be repeated"))] = None
    on: Annotated[str | None, typer.Option(
        metavar="mon-fri", help=both("요일: mon-fri, sat,sun, 월-금", "Days of the week: mon-fri, sat,sun"))] = None
    start: Annotated[str | None, typer.Option(
        metavar="'2026-12-01'", help=both("이 시각부터", "No planned time before this"))] = None
    until: Annotated[str | None, typer.Option(
        metavar="'2026-12-31'",
        help=both("이 시각까지 (날짜만 쓰면 그날 끝)", "No planned time after this (a date: its end)"))] = None
    max_runs: Annotated[str | None, typer.Option(
        metavar="N", help=both("N번 실행하면 완료", "Completed after N planned runs"))] = None
    calendar: Annotated[str | None, typer.Option(
        metavar="kr", help=both("달력: kr 영업일, kr-holidays 공휴일만, …", "Calendar: kr, kr-holidays, …"))] = None
    holidays: Annotated[str | None, typer.Option(metavar="run|skip|previous|next", help=both(
        "쉬는 날이면: 실행, 건너뜀, 앞·다음 영업일로", "On a closed day: run, skip, previous or next open day"))] = None
    tz: Annotated[str | None, typer.Option("--tz", metavar="Asia/Seoul", help=both("시간대", "Time zone"))] = None
    jitter: Annotated[str | None, typer.Option(
        metavar="30s", help=both("시작을 이만큼까지 고르게 늦춤", "Delay starts by up to this"))] = None
    overlap: Annotated[str | None, typer.Option(metavar="skip|queue_one|cancel_running|allow", help=both(
        "앞 실행이 안 끝났으면: 건너뜀, 하나 기다림, 앞 실행 취소, 모두 기다림",
        "While the former runs: skip, one waits, end the former, all wait"))] = None
    max_instances: Annotated[str | None, typer.Option(
        metavar="N", help=both("동시에 실행할 수 있는 수", "How many may run at once"))] = None
    misfire: Annotated[str | None, typer.Option(
        metavar="run_once|skip|run_all", help=both("놓친 실행", "Missed planned times"))] = None
    grace: Annotated[str | None, typer.Option(
        metavar="5m", help=both("이만큼 늦어도 제때로 봄", "So late still counts as on time"))] = None
    market: Annotated[list[str] | None, typer.Option(metavar="coupang,naver", help=both("마켓", "Markets"))] = None
    param: Annotated[list[str] | None, typer.Option("--param", "-p", metavar="K=V", help=both("매개변수", "Parameter"))] = None
    params_json: Annotated[str | None, typer.Option(
        metavar="FILE|-", help=both("매개변수 JSON 전체", "All parameters as JSON"))] = None
    timeout: Annotated[str | None, typer.Option(metavar="30m", help=both("제한 시간", "Timeout"))] = None
    retries: Annotated[int | None, typer.Option(help=both("재시도 횟수", "Retries"))] = None
    priority: Annotated[int | None, typer.Option(help=both("우선순위 (클수록 먼저)", "Priority, higher first"))] = None
    important: Annotated[bool | None, typer.Option(
        "--important/--not-important", help=both("실패하면 알림", "Its failure alerts"))] = None
    owner: Annotated[str | None, typer.Option(help=both("담당자", "Who answers for it"))] = None
    description: Annotated[str | None, typer.Option(help=both("설명", "Description"))] = None
    tag: Annotated[list[str] | None, typer.Option(help=both("태그", "Tags"))] = None


def with_job_flags(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let a command take every flag of JobFlags, in the place of the argument ``flags`` in which its function gets them."""
    flags, hints = fields(JobFlags), _hints()
    own_hints = typing.get_type_hints(function, include_extras=True)
    added = [
        inspect.Parameter(each.name, inspect.Parameter.KEYWORD_ONLY, default=each.default, annotation=hints[each.name])
        for each in flags
    ]
    own = [
        parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY, annotation=own_hints.get(parameter.name, Any))
        for parameter in inspect.signature(function).parameters.values()
    ]
    place = [parameter.name for parameter in own].index("flags")
    own[place:place + 1] = added

    def run(**arguments: Any) -> Any:
        typed = JobFlags(**{each.name: arguments.pop(each.name) for each in flags})
        return function(flags=typed, **arguments)

    run.__signature__ = inspect.Signature(own)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in own}
    run.__name__ = function.__name__
    return run


@cache
def _hints() -> dict[str, Any]:
    return typing.get_type_hints(JobFlags, include_extras=True)


def job_columns(flags: JobFlags, timezone: str | None, now: datetime) -> dict[str, Any]:
    """Return the columns of the flags that were given; parameters and edges are not among them.

    timezone  in which times without one are meant
    Raises    ScheduleError when a text cannot be read; Stop (usage) for what cannot stand together
    """
    schedule = schedule_columns(
        every=flags.every, at=flags.at, cron=flags.cron, run_at=flags.run_at, delay=flags.delay, by_hand=flags.by_hand,
        timezone=timezone, now=now,
    )
    rules = rule_columns(
        on=flags.on, start=flags.start, until=flags.until, max_runs=flags.max_runs, calendar=flags.calendar,
        holidays=flags.holidays, jitter=flags.jitter, overlap=flags.overlap, max_instances=flags.max_instances,
        grace=flags.grace, timezone=timezone,
    )
    plain = plain_columns({
        "job_type": flags.type_, "timezone": flags.tz, "market_codes": flags.market, "timeout_minutes": flags.timeout,
        "max_retries": flags.retries, "priority": flags.priority, "misfire_policy": flags.misfire,
        "important": flags.important, "owner": flags.owner, "description": flags.description, "tags": flags.tag,
    })
    return plain | schedule | rules


def given_parameters(flags: JobFlags) -> dict[str, Any] | None:
    """Return the parameters that were typed, None for none. Raises ParameterError."""
    return parameters_of(flags.param, flags.params_json)
