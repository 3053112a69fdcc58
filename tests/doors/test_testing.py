"""Handlers run without a database, and a clock that is set by hand."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import httpx
import pytest

from scheduler.handler import Context, Field, GiveUp, Retry, Skip, handler
from scheduler.model import Every, Schedule
from scheduler.rules.schedule import next_after
from scheduler.testing import FakeClock, Line, run_handler


@handler("collect")
async def collect(context: Context, days: Annotated[int, Field(ge=1)] = 1, secret: str = "") -> dict[str, Any]:
    """Collect from a pretended shop."""
    for code in context.market_codes:
        answer = await context.http.get(f"https://shop.example/{code}?days={days}")
        context.count(saved=answer.json()["orders"])
        context.log.info("collected", market=code)
    context.save_checkpoint({"at": context.market_codes[-1]})
    print("done")
    return {"key": context.secret(secret) if secret else None, "before": context.dependencies.get("before")}


@handler("words")
def words(what: str) -> None:
    """Raise one of the words a handler has, or work on a loop of its own."""
    if what == "loop":
        asyncio.run(asyncio.sleep(0))
        return
    raise {"skip": Skip("nothing new"), "retry": Retry("later", after="5m"), "give_up": GiveUp("bad key"),
           "other": KeyError("x")}[what]


def add(a: int, b: int, dep_first: int = 0) -> int:
    return a + b + dep_first


def shop(request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, json={"orders": 20 * int(request.url.params["days"])})


def test_a_handler_runs_with_all_that_it_asks_for() -> None:
    outcome = run_handler(
        collect, days=2, markets=["coupang", "naver"], transport=httpx.MockTransport(shop), secret="secret://env/KEY",
        secrets={"secret://env/KEY": "s3"}, dependencies={"before": {"n": 1}},
    )

    assert (outcome.status, outcome.counts["saved"], outcome.printed) == ("success", 80, "done\n")
    assert outcome.result == {"key": "s3", "before": {"n": 1}, "counts": {"saved": 80}}
    assert outcome.checkpoint == {"at": "naver"} and outcome.progress == {"counts": {"saved": 80}}
    assert outcome.lines[0] == Line("INFO", "collected", {"market": "coupang"})


def test_parameters_are_checked_as_the_service_does() -> None:
    wrong, unknown = run_handler(collect, days=0), run_handler(collect, day=1)

    assert (wrong.status, wrong.error_class, wrong.retry) == ("failed", "parameters", False)
    assert unknown.error is not None and "did you mean 'days'?" in unknown.error


@pytest.mark.parametrize(("what", "status", "retry", "after"), [
    ("skip", "skipped", False, None), ("retry", "failed", True, 300), ("give_up", "failed", False, None),
    ("other", "failed", True, None),
])
def test_every_word_of_a_handler_has_its_end(what: str, status: str, retry: bool, after: float | None) -> None:
    outcome = run_handler(words, what=what)

    assert (outcome.status, outcome.retry, outcome.retry_after) == (status, retry, after)
    assert outcome.exception is not None


def test_a_plain_function_is_a_handler_too() -> None:
    assert run_handler(add, a=10, b=20).result == {"value": 30}
    assert run_handler(add, a=10, b=20, dependencies={"first": {"value": 5}}).value == 35
    assert run_handler(collect, cancelled=True, markets=["x"], transport=httpx.MockTransport(shop)).status == "cancelled"


async def test_it_also_runs_inside_a_loop() -> None:
    assert run_handler(collect, markets=["x"], transport=httpx.MockTransport(shop)).counts == {"saved": 20}


def test_a_plain_handler_may_have_a_loop_of_its_own() -> None:
    assert run_handler(words, what="loop").status == "success"


def test_the_clock_stands_until_it_is_moved() -> None:
    clock = FakeClock(datetime(2026, 3, 1, tzinfo=UTC))
    began = clock.monotonic()

    assert clock.now() == clock.now() == datetime(2026, 3, 1, tzinfo=UTC)
    clock.advance("90s")
    clock.set(datetime(2025, 1, 1, tzinfo=UTC))
    assert clock.monotonic() - began == 90 and clock.now().year == 2025
    with pytest.raises(ValueError, match="does not go back"):
        clock.advance(-1)
    planned = next_after(Schedule(every=Every(seconds=60), anchor=clock.now()), clock.now())
    assert planned == clock.now() + timedelta(minutes=1)
