"""For tests of handlers: run one without a database or a daemon, and a clock that is set by hand."""

from __future__ import annotations

import asyncio
import contextlib
import io
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import psycopg

from scheduler.handler import Cancelled, Context, GiveUp, Handler, duration_seconds
from scheduler.running.answers import describe, dump, success
from scheduler.running.calls import CallHandler, plain_value

__all__ = ["FakeClock", "HandlerOutcome", "Line", "run_handler"]


class FakeClock:
    """A clock that stands until it is moved; wall clock, monotonic clock and the database's in one."""

    def __init__(self, moment: datetime | None = None) -> None:
        self._moment = (moment or datetime(2026, 1, 1, tzinfo=UTC)).astimezone(UTC)
        self._monotonic = 1000.0

    def now(self) -> datetime:
        """Return the moment, in UTC: what rules take as *now*."""
        return self._moment

    def monotonic(self) -> float:
        """Return seconds that only advance, whatever set() does."""
        return self._monotonic

    def advance(self, duration: str | float | timedelta) -> datetime:
        """Let time pass: ``"5m"``, seconds or a timedelta."""
        seconds = duration_seconds(duration)
        if seconds < 0:
            raise ValueError("time does not go back; use set() to put the wall clock elsewhere")
        self._moment += timedelta(seconds=seconds)
        self._monotonic += seconds
        return self._moment

    def set(self, moment: datetime) -> datetime:
        """Put the wall clock elsewhere, as an operator or a time server does."""
        self._moment = moment.astimezone(UTC)
        return self._moment


@dataclass(frozen=True, slots=True)
class Line:
    """One line that a handler wrote."""

    level: str
    message: str
    fields: dict[str, Any]


@dataclass(slots=True)
class HandlerOutcome:
    """How a handler ended, as the history would say it.

    status       success, failed, skipped or cancelled
    retry        whether another attempt would follow, if any are left
    retry_after  seconds it would wait at least
    exception    what it raised
    """

    status: str
    result: dict[str, Any] | None = None
    error: str | None = None
    error_class: str | None = None
    reason: str | None = None
    retry: bool = False
    retry_after: float | None = None
    exception: BaseException | None = None
    counts: dict[str, int] = field(default_factory=dict)
    lines: list[Line] = field(default_factory=list)
    printed: str = ""
    progress: dict[str, Any] = field(default_factory=dict)
    checkpoint: Any = None

    @property
    def value(self) -> Any:
        """What a plain function returned."""
        return plain_value(self.result)


class _FakeLink:
    """A context's line to the world, which ends in this object."""

    def __init__(
        self, secrets: Mapping[str, str], cancelled: bool, transport: httpx.AsyncBaseTransport | None, database_url: str | None
    ) -> None:
        self.secrets = secrets
        self.cancelled = cancelled
        self.transport = transport
        self.database_url = database_url
        self.lines: list[Line] = []
        self.progress: dict[str, Any] = {}
        self.opened: list[Any] = []

    def log(self, level: str, message: str, fields: Mapping[str, Any]) -> None:
        self.lines.append(Line(level, str(message), dict(fields)))

    def report(self, progress: Mapping[str, Any]) -> None:
        self.progress |= progress

    def save_checkpoint(self, checkpoint: Any) -> None:
        dump(checkpoint)

    def secret(self, reference: str) -> str:
        if reference not in self.secrets:
            raise GiveUp(f"{reference} is not among the secrets of this test")
        return self.secrets[reference]

    def is_cancelled(self) -> bool:
        return self.cancelled

    def http(self) -> httpx.AsyncClient:
        client = httpx.AsyncClient(timeout=30, transport=self.transport)
        self.opened.append(client)
        return client

    def _address(self) -> str:
        if self.database_url is None:
            raise GiveUp("this handler asks for the database; pass database_url=")
        return self.database_url

    def db(self) -> psycopg.Connection[Any]:
        connection = psycopg.connect(self._address(), autocommit=True)
        self.opened.append(connection)
        return connection

    async def adb(self) -> psycopg.AsyncConnection[Any]:
        connection = await psycopg.AsyncConnection.connect(self._address(), autocommit=True)
        self.opened.append(connection)
        return connection

    async def close(self) -> None:
        for each in self.opened:
            if isinstance(each, httpx.AsyncClient):
                await each.aclose()
            elif isinstance(each, psycopg.AsyncConnection):
                await each.close()
            else:
                each.close()
        self.opened.clear()


def run_handler(
    handler: Callable[..., Any], /, *, markets: Sequence[str] = (), checkpoint: Any = None,
    dependencies: Mapping[str, Any] | None = None, secrets: Mapping[str, str] | None = None, attempt: int = 1,
    scheduled_for: datetime | None = None, last_success_at: datetime | None = None, cancelled: bool = False,
    timeout: str | float | timedelta = "30m", settings: Mapping[str, Any] | None = None,
    transport: httpx.AsyncBaseTransport | None = None, database_url: str | None = None, job: str = "test",
    parameters: Mapping[str, Any] | None = None, **named: Any,
) -> HandlerOutcome:
    """Run a handler, or a plain function, as the service would, and return how it ended.

    parameters, named  what the job's row would hold, checked as there; the former for names that this has itself
    dependencies       results of other jobs, by their names
    secrets            values by reference, such as ``secret://env/COUPANG_KEY``
    transport          instead of the network, such as httpx.MockTransport
    """
    made = getattr(handler, "__erp_handler__", None)
    known = made if isinstance(made, Handler) else CallHandler.of(handler, "test", handler.__qualname__, {})
    link = _FakeLink(secrets or {}, cancelled, transport, database_url)
    moment = scheduled_for or datetime.now(UTC)
    context = Context(
        job=job, job_id=1, job_type=known.job_type, execution_id=1, attempt=attempt, scheduled_for=moment,
        market_codes=list(markets), deadline=time.clock_gettime(time.CLOCK_BOOTTIME) + duration_seconds(timeout),
        idempotency_key=f"1/{moment.astimezone(UTC).isoformat()}", link=link, last_success_at=last_success_at,
        checkpoint=checkpoint, dependencies=dict(dependencies or {}), settings=dict(settings or {}), counts=Counter(),
    )
    outcome = _called(known, context, link, {**(parameters or {}), **named})
    outcome.counts = dict(context.counts)
    outcome.lines, outcome.progress, outcome.checkpoint = link.lines, link.progress, context.checkpoint
    return outcome


def _called(handler: Handler, context: Context, link: _FakeLink, parameters: dict[str, Any]) -> HandlerOutcome:
    printed = io.StringIO()
    raised: BaseException | None = None
    try:
        arguments = handler.validate(parameters)
        if handler.wants_context:
            arguments = {handler.function.__code__.co_varnames[0]: context, **arguments}
        with contextlib.redirect_stdout(printed):
            answer = success(_result(handler, arguments, link), context)
    except (Exception, Cancelled) as error:
        raised = error
        answer = {"status": "cancelled"} if isinstance(error, Cancelled) else describe(error)
        link.log("ERROR", "".join(traceback.format_exception(error, limit=-20)), {})
    return HandlerOutcome(
        status=answer["status"], result=answer.get("result"), error=answer.get("message"), error_class=answer.get("class"),
        reason=answer.get("reason"), retry=answer.get("retry", False), retry_after=answer.get("after"), exception=raised,
        printed=printed.getvalue(),
    )


def _result(handler: Handler, arguments: dict[str, Any], link: _FakeLink) -> Any:
    if not handler.is_async:
        try:
            return handler.function(**arguments)
        finally:
            _awaited(link.close)

    async def whole() -> Any:
        try:
            return await handler.function(**arguments)
        finally:
            await link.close()

    return _awaited(whole)


def _awaited(whole: Callable[[], Any]) -> Any:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(whole())
    return _in_thread(whole)


def _in_thread(whole: Callable[[], Any]) -> Any:
    """Run a coroutine to its end although a loop runs here already: an asynchronous test calls run_handler too."""
    answer: dict[str, Any] = {}

    def work() -> None:
        try:
            answer["result"] = asyncio.run(whole())
        except BaseException as error:
            answer["error"] = error

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    if "error" in answer:
        raise answer["error"]
    return answer["result"]
