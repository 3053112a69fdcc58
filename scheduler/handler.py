"""All that a handler's author needs: handler, Context, Field, Retry, GiveUp, Skip.

A handler is a function of a context and typed parameters. Its signature is the schema: command line help, web form,
REST body and the check before anything runs all come from it. It returns a dict of figures or raises:

    Retry(after="5m")   come back later
    GiveUp("reason")    trying again is pointless
    Skip("reason")      there was nothing to do

Anything else that is raised counts as a failed attempt.
"""

from __future__ import annotations

import difflib
import inspect
import re
import time
import typing
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Annotated, Any, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from scheduler.errors import ConfigError, ParameterError

if typing.TYPE_CHECKING:
    import httpx
    import psycopg

__all__ = ["Cancelled", "Context", "Field", "GiveUp", "Handler", "Retry", "Skip", "handler"]

_DURATION = re.compile(r"(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>ms|s|m|h|d)", re.ASCII)
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def duration_seconds(text: str | float | timedelta) -> float:
    """Read ``30m``, ``1h``, ``90s``, a number of seconds or a timedelta. Raises ValueError naming what is accepted."""
    if isinstance(text, timedelta):
        return text.total_seconds()
    if isinstance(text, (int, float)):
        return float(text)
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not a duration; write 90s, 30m, 1h or 1d")
    return float(match["number"]) * _UNITS[match["unit"]]


class Retry(Exception):
    """Come back later. after: seconds, ``"5m"`` or a timedelta that the next attempt waits at least; None = backoff."""

    def __init__(self, reason: str = "", *, after: str | float | timedelta | None = None) -> None:
        super().__init__(reason or "the handler asked to come back later")
        self.after = None if after is None else duration_seconds(after)


class GiveUp(Exception):
    """Trying again is pointless: the execution fails and no retry follows."""


class Skip(Exception):
    """There was nothing to do: the execution ends as skipped, with this reason."""


class Cancelled(BaseException):
    """The execution was cancelled. Derived from BaseException so that ``except Exception`` lets it pass."""


class Link(Protocol):
    """What a context needs from the process that runs it; tests and child.py each bring one."""

    def log(self, level: str, message: str, fields: Mapping[str, Any]) -> None: ...
    def report(self, progress: Mapping[str, Any]) -> None: ...
    def save_checkpoint(self, checkpoint: Any) -> None: ...
    def secret(self, reference: str) -> str: ...
    def is_cancelled(self) -> bool: ...
    def http(self) -> httpx.AsyncClient: ...
    def db(self) -> psycopg.Connection[Any]: ...
    async def adb(self) -> psycopg.AsyncConnection[Any]: ...


class Log:
    """Lines of one execution; user text is an argument, never a format."""

    def __init__(self, link: Link) -> None:
        self._link = link

    def debug(self, message: str, **fields: Any) -> None:
        self._link.log("DEBUG", message, fields)

    def info(self, message: str, **fields: Any) -> None:
        self._link.log("INFO", message, fields)

    def warning(self, message: str, **fields: Any) -> None:
        self._link.log("WARNING", message, fields)

    def error(self, message: str, **fields: Any) -> None:
        self._link.log("ERROR", message, fields)


@dataclass(slots=True)
class Context:
    """The execution as its handler sees it.

    deadline         seconds on CLOCK_BOOTTIME at which the process is ended from outside
    idempotency_key  the job and its planned time, the same for every attempt: the key to give to the outside
    checkpoint       what an earlier attempt at this planned time saved, else None
    dependencies     results of the jobs this one depends on, by name
    """

    job: str
    job_id: int
    job_type: str
    execution_id: int
    attempt: int
    scheduled_for: datetime
    market_codes: list[str]
    deadline: float
    idempotency_key: str
    link: Link
    fence: int = 0
    trigger: str = "manual"
    last_success_at: datetime | None = None
    checkpoint: Any = None
    dependencies: dict[str, Any] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)

    @property
    def log(self) -> Log:
        return Log(self.link)

    @property
    def cancelled(self) -> bool:
        return self.link.is_cancelled()

    @property
    def seconds_left(self) -> float:
        return self.deadline - time.clock_gettime(time.CLOCK_BOOTTIME)

    def check_cancelled(self) -> None:
        """Raise Cancelled if somebody asked this execution to end."""
        if self.link.is_cancelled():
            raise Cancelled

    def progress(self, done: int | float, total: int | float | None = None, message: str = "") -> None:
        """Say how far the work is; shown live at every door. Also a point where a cancelled execution ends."""
        self.check_cancelled()
        self.link.report({"done": done, "total": total, "message": message, "counts": dict(self.counts)})

    def count(self, **figures: int) -> None:
        """Add to the figures of the result. Also a point where a cancelled execution ends."""
        self.check_cancelled()
        self.counts.update(figures)
        self.link.report({"counts": dict(self.counts)})

    def save_checkpoint(self, checkpoint: Any) -> None:
        """Keep JSON that the next attempt at this planned time gets as ``context.checkpoint``."""
        self.checkpoint = checkpoint
        self.link.save_checkpoint(checkpoint)

    def secret(self, reference: str) -> str:
        """Resolve ``secret://env/NAME``, ``secret://file/PATH`` or ``secret://credential/NAME``.

        Raises  GiveUp when the reference cannot be resolved. A resolved value is masked in everything this
                execution writes from then on.
        """
        return self.link.secret(reference)

    @property
    def http(self) -> httpx.AsyncClient:
        """A client with time limits and retries of connection errors, closed when the execution ends."""
        return self.link.http()

    def db(self) -> psycopg.Connection[Any]:
        """A connection of this execution's own (autocommit), opened once; ended from outside if it is killed."""
        return self.link.db()

    async def adb(self) -> psycopg.AsyncConnection[Any]:
        """The same for ``async def`` handlers."""
        return await self.link.adb()


HandlerFunction = TypeVar("HandlerFunction", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Handler:
    """A registered handler: the function, its type and the model its signature makes."""

    job_type: str
    function: Callable[..., Any]
    parameters: type[BaseModel]
    wants_context: bool
    is_async: bool
    summary: str
    timeout_seconds: float | None
    retries: int | None
    fresh_process: bool
    memory_mb: int | None

    @property
    def source(self) -> str:
        return f"{self.function.__module__}:{self.function.__qualname__}"

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of the parameters: what the doors show and check."""
        schema = self.parameters.model_json_schema()
        schema.pop("title", None)
        schema.setdefault("properties", {})
        return schema

    def validate(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Turn JSON parameters into the function's keyword arguments.

        Raises  ParameterError listing every fault, with the nearest known name for an unknown one
        """
        names = {field.alias or name: name for name, field in self.parameters.model_fields.items()}
        known = list(names)
        faults = [unknown_parameter(name, known) for name in parameters if name not in known]
        if faults:
            raise ParameterError("; ".join(faults))
        try:
            model = self.parameters.model_validate(dict(parameters))
        except ValidationError as error:
            raise ParameterError(
                "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
            ) from None
        return {name: getattr(model, name) for name in names.values()}


def unknown_parameter(name: str, known: list[str]) -> str:
    """Say that *name* is no parameter, and which was probably meant."""
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known) or 'none'}"
    return f"unknown parameter {name!r}; {hint}"


def _parameter_model(name: str, function: Callable[..., Any], admin_only: bool) -> tuple[type[BaseModel], bool]:
    hints = typing.get_type_hints(function, include_extras=True)
    fields: dict[str, Any] = {}
    wants_context = False
    for position, parameter in enumerate(inspect.signature(function).parameters.values()):
        hint = hints.get(parameter.name, Any)
        if hint is Context or (position == 0 and parameter.name == "context"):
            wants_context = True
            continue
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            raise ConfigError(f"handler {name!r}: *args and **kwargs have no schema; name each parameter")
        default = ... if parameter.default is parameter.empty else parameter.default
        if parameter.name.endswith("_"):  # what Python keeps for itself: from_ is `from` in the row
            hint = Annotated[hint, Field(alias=parameter.name.rstrip("_"))]
        fields[parameter.name] = (hint, default)
    extra = ConfigDict(json_schema_extra={"x-admin-only": True}) if admin_only else ConfigDict()
    model: type[BaseModel] = create_model(
        re.sub(r"\W", "_", name), __config__=ConfigDict(extra="forbid", arbitrary_types_allowed=False, **extra), **fields
    )
    return model, wants_context


def make_handler(
    function: Callable[..., Any],
    job_type: str,
    *,
    timeout: str | float | timedelta | None = None,
    retries: int | None = None,
    fresh_process: bool = False,
    memory_mb: int | None = None,
    admin_only: bool = False,
) -> Handler:
    """Build the registered form of *function*; ``@handler`` and the registry both come through here."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,99}", job_type):
        raise ConfigError(f"job type {job_type!r}: use letters, digits and _ . : - (at most 100)")
    model, wants_context = _parameter_model(job_type, function, admin_only)
    return Handler(
        job_type=job_type,
        function=function,
        parameters=model,
        wants_context=wants_context,
        is_async=inspect.iscoroutinefunction(function),
        summary=(inspect.getdoc(function) or "").partition("\n")[0],
        timeout_seconds=None if timeout is None else duration_seconds(timeout),
        retries=retries,
        fresh_process=fresh_process,
        memory_mb=memory_mb,
    )


def handler(
    job_type: str,
    *,
    timeout: str | float | timedelta | None = None,
    retries: int | None = None,
    fresh_process: bool = False,
    memory_mb: int | None = None,
    admin_only: bool = False,
) -> Callable[[HandlerFunction], HandlerFunction]:
    """Register a function as the handler of *job_type*; the function itself stays what it was.

    timeout, retries  defaults that `jobs add` proposes for this type; the job's own columns decide
    fresh_process     run every execution in a process of its own
    memory_mb         address space limit of the process; None takes the house's
    admin_only        on the dashboard and over REST only an admin chooses the parameters of a run: they delete, send or pay
    """

    def register(function: HandlerFunction) -> HandlerFunction:
        made = make_handler(
            function, job_type, timeout=timeout, retries=retries, fresh_process=fresh_process, memory_mb=memory_mb,
            admin_only=admin_only,
        )
        function.__erp_handler__ = made  # type: ignore[attr-defined]
        return function

    return register
