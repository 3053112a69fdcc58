"""What the bodies about jobs hold: one model a body; a name that nobody knows is refused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import time
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from scheduler.errors import SchedulerError
from scheduler.rules import durations
from scheduler.secrets import MASK
from scheduler.web.inputs import LARGEST, NO_NUL, Body, Long, Moment, Parameters, Short
from scheduler.words import say


def ours(read: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Let *read* refuse a value in our own words, at its own place."""

    def checked(value: Any) -> Any:
        try:
            return read(value)
        except SchedulerError as error:
            raise PydanticCustomError("value", "{words}", {"words": str(error)}) from None

    return checked


def _duration(value: str) -> str:
    durations.seconds_of(value)
    return value


def _interval(value: str) -> str:
    durations.interval_literal(value)
    return value


def _time_of_day(value: Any) -> Any:
    from scheduler.rules.schedule import read_time

    return read_time(value).isoformat() if isinstance(value, str) else value.isoformat() if isinstance(value, time) else value


def _days(value: Any) -> Any:
    from scheduler.rules.days import parse_days

    written = ",".join(value) if isinstance(value, list) and all(isinstance(each, str) for each in value) else value
    if isinstance(written, str):
        parse_days(written)
    return written


def _without_masks(value: dict[str, Any]) -> dict[str, Any]:
    """Refuse what was masked when it was read: saving it would lose the secret."""

    def look(found: Any) -> None:
        if found == MASK:
            raise PydanticCustomError("masked", "{words}", {"words": say(
                "***는 가려진 비밀입니다. 그 값을 빼거나 secret://env/이름으로 쓰세요",
                "*** is a masked secret; leave it out, or write secret://env/NAME")})
        for each in found.values() if isinstance(found, dict) else found if isinstance(found, list) else ():
            look(each)

    look(value)
    return value


Code = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=NO_NUL)]
Duration = Annotated[str, StringConstraints(max_length=60), AfterValidator(ours(_duration)), WithJsonSchema(
    {"type": "string", "maxLength": 60, "description": "90s, 30m, 1h30m, 1d, ISO 8601 (PT30M)", "examples": ["30m", "PT30M"]})]
Interval = Annotated[str, StringConstraints(max_length=60), AfterValidator(ours(_interval)), WithJsonSchema(
    {"type": "string", "maxLength": 60, "description": "30m, 1h, 1d, 1mo, ISO 8601 (PT30M, P1M)", "examples": ["30m", "P1M"]})]
TimeOfDay = Annotated[str, BeforeValidator(ours(_time_of_day)), WithJsonSchema(
    {"type": "string", "maxLength": 20, "examples": ["09:00"]})]
Days = Annotated[str, BeforeValidator(ours(_days)), WithJsonSchema({"anyOf": [
    {"type": "string", "maxLength": 80}, {"type": "array", "items": {"type": "string"}, "maxItems": 7},
], "examples": ["mon-fri"]})]
SafeParameters = Annotated[Parameters, AfterValidator(_without_masks)]
Number = Annotated[int, Field(ge=1, le=LARGEST)]


class After(Body):
    """A job to wait for, by its name or number."""

    job: Short | Number
    condition: Literal["since_last_run", "ever"] = "since_last_run"
    outcome: Literal["success", "failure"] = "success"


class ScheduleFields(Body):
    """When a job runs: by an interval (one text, or seconds and months), specific_times, cron_expression or run_at, not two."""

    interval: Interval | None = None
    interval_seconds: Annotated[float, Field(ge=0, le=3_155_760_000, allow_inf_nan=False)] | None = None
    interval_months: Annotated[int, Field(ge=0, le=1200)] | None = None
    specific_times: Annotated[list[TimeOfDay], Field(min_length=1, max_length=288)] | None = None
    cron_expression: Short | None = Field(default=None, examples=["0 9 * * mon-fri"])
    run_at: Moment | None = None
    timezone: Code | None = Field(default=None, examples=["Asia/Seoul"])
    days_of_week: Days | None = None
    start_at: Moment | None = None
    end_at: Moment | None = None
    max_runs: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    calendar: Code | None = Field(default=None, examples=["kr"])
    on_holiday: Literal["run", "skip", "previous", "next"] | None = None

    @model_validator(mode="after")
    def _one_spelling(self) -> ScheduleFields:
        _only_one(self, "interval", "interval_seconds", "interval_months")
        return self


class JobFields(ScheduleFields):
    """The settings of a job; null sets one back to what it is without being said."""

    status: Literal["active", "paused"] | None = None
    paused_until: Moment | None = None
    pause_reason: Annotated[Long, Field(max_length=500)] | None = None
    jitter: Duration | None = None
    jitter_seconds: Annotated[int, Field(ge=0, le=3600)] | None = None
    misfire_policy: Literal["run_once", "skip", "run_all"] | None = None
    misfire_grace: Duration | None = None
    misfire_grace_seconds: Annotated[float, Field(ge=0, le=31 * 86400, allow_inf_nan=False)] | None = None
    overlap_policy: Literal["skip", "queue_one", "cancel_running", "allow"] | None = None
    max_instances: Annotated[int, Field(ge=1, le=100)] | None = None
    market_codes: Annotated[list[Code], Field(max_length=100)] | None = Field(default=None, examples=[["coupang", "naver"]])
    parameters: SafeParameters | None = Field(default=None, examples=[{"days": 1}])
    priority: Annotated[int, Field(ge=-1000, le=1000)] | None = None
    timeout: Duration | None = None
    timeout_seconds: Annotated[float, Field(gt=0, le=7 * 86400, allow_inf_nan=False)] | None = None
    timeout_minutes: Annotated[float, Field(gt=0, le=7 * 1440, allow_inf_nan=False)] | None = None
    max_retries: Annotated[int, Field(ge=0, le=100)] | None = None
    important: bool | None = None
    owner: Short | None = None
    description: Long | None = None
    tags: Annotated[list[Short], Field(max_length=100)] | None = None
    after: Annotated[list[Short | After], Field(max_length=100)] | None = Field(
        default=None, description="먼저 끝나야 하는 작업 / Jobs to wait for", examples=[["쿠팡 주문"]])

    @model_validator(mode="after")
    def _one_spelling_each(self) -> JobFields:
        _only_one(self, "jitter", "jitter_seconds")
        _only_one(self, "misfire_grace", "misfire_grace_seconds")
        _only_one(self, "timeout", "timeout_seconds", "timeout_minutes")
        return self


class JobNew(JobFields):
    """A job to be made, or what a job is to be from now on."""

    name: Short = Field(examples=["쿠팡 주문 수집"])
    job_type: Code = Field(examples=["order_collection"])


class JobPatch(JobFields):
    """What changes of a job, as RFC 7396 merges it."""

    name: Short | None = None
    job_type: Code | None = None

    @model_validator(mode="after")
    def _keeps_its_name(self) -> JobPatch:
        gone = [each for each in ("name", "job_type") if each in self.model_fields_set and getattr(self, each) is None]
        if gone:
            raise PydanticCustomError("required", "{words}", {"words": say(f"{gone[0]}은(는) 지울 수 없습니다",
                                                                           f"{gone[0]} cannot be taken away")})
        return self


class Reschedule(ScheduleFields):
    """A new schedule: a kind that is given takes the place of the former one, and what is not given stays."""

    @model_validator(mode="after")
    def _says_something(self) -> Reschedule:
        if not self.model_fields_set:
            raise PydanticCustomError("empty", "{words}", {"words": say("무엇을 바꿀지 쓰세요", "say what to change")})
        return self


def _only_one(body: Body, *names: str) -> None:
    """Refuse two spellings of one thing; months and seconds together are one interval."""
    given = [name for name in names if getattr(body, name) is not None]
    if len(given) > 1 and given != ["interval_seconds", "interval_months"]:
        listed = ", ".join(given)
        raise PydanticCustomError("twice", "{words}", {"words": say(f"{listed} 중 하나만 쓰세요", f"write only one of {listed}")})


class Run(Body):
    """How to run a job now."""

    parameters: SafeParameters | None = Field(default=None, description="바꿀 것만 / Only what changes", examples=[{"days": 3}])
    markets: Annotated[list[Code], Field(max_length=100)] | None = Field(default=None, examples=[["coupang"]])
    delay: Duration | None = None


class Pause(Body):
    """Until when a job is paused, and why."""

    until: Moment | None = None
    duration: Duration | None = Field(default=None, description="until 대신 / Instead of until")
    reason: Annotated[Long, Field(max_length=500)] | None = None

    @model_validator(mode="after")
    def _one_end(self) -> Pause:
        _only_one(self, "until", "duration")
        return self


class Resume(Body):
    """Whether one execution makes up for what the pause has cost."""

    run_missed: bool = False


class Duplicate(Body):
    """The name of the copy; it is made paused unless told otherwise."""

    name: Short | None = None
    paused: bool = True


class Backfill(Body):
    """A period of the past, both ends included; no end is now."""

    from_: Moment = Field(alias="from")
    to: Moment | None = None
    dry_run: bool = False


class Workflow(Body):
    """A workflow: steps in an order, and when it runs. The database judges them, all faults at once."""

    steps: list[SafeParameters] = Field(max_length=1000, examples=[[{"name": "orders", "job_type": "order_collection"}]])
    schedule: Parameters | None = Field(default=None, examples=[{"mode": "recurring", "every": "daily", "at": "09:00"}])
    description: Long | None = None
    status: Literal["active", "paused"] | None = None
