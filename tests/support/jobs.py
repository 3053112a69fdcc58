"""Job types for tests: each does one thing that a real handler might do, well or badly."""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import signal
import subprocess
import sys
import time
from typing import Annotated, Any

from scheduler.handler import Context, Field, GiveUp, Retry, Skip, handler


@handler("noop")
def noop() -> None:
    """Do nothing."""


@handler("anoop")
async def anoop() -> None:
    """Do nothing, asynchronously."""


@handler("echo")
def echo(context: Context, text: str = "", number: Annotated[int, Field(ge=0)] = 0) -> dict[str, Any]:
    """Return what came in."""
    return {
        "text": text, "number": number, "attempt": context.attempt, "key": context.idempotency_key, "pid": os.getpid(),
        "markets": context.market_codes, "checkpoint": context.checkpoint,
    }


@handler("gulp")
def gulp(megabytes: int) -> dict[str, Any]:
    """Hold some memory for a moment."""
    return {"held": len(bytes(bytearray(megabytes * 1024 * 1024))), "pid": os.getpid()}


@handler("sleep")
def sleep(context: Context, seconds: float = 1.0) -> dict[str, Any]:
    """Sleep, politely."""
    context.log.info("sleeping", seconds=seconds)
    time.sleep(seconds)
    return {"slept": seconds}


@handler("asleep")
async def asleep(context: Context, seconds: float = 1.0, file: str = "") -> dict[str, Any]:
    """Sleep on the loop; say in a file that it has begun, and how it was ended."""
    if file:
        with open(file, "w") as out:
            out.write("begun")
    try:
        await asyncio.sleep(seconds)
    except asyncio.CancelledError:
        if file:
            with open(file, "w") as out:
                out.write("cancelled")
        raise
    return {"slept": seconds}


@handler("c_loop")
def c_loop(file: str = "") -> None:
    """Never come back from C, ignore SIGTERM, with two grandchildren, one in a session of its own."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    inside = subprocess.Popen(["sleep", "600"])
    outside = subprocess.Popen(["sleep", "600"], start_new_session=True)
    if file:
        with open(file, "w") as out:
            out.write(f"{os.getpid()} {inside.pid} {outside.pid}")
    hashlib.pbkdf2_hmac("sha512", b"x", b"y", 2_000_000_000)


@handler("regex_loop")
def regex_loop() -> None:
    """Backtrack until the end of time."""
    re.match(r"(a+)+$", "a" * 64 + "b")


@handler("double_fork")
def double_fork(file: str, then: str = "return") -> None:
    """Leave a grandchild that forked twice, without a new program, in a session of its own."""
    heard, told = os.pipe()
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            with open(file, "w") as out:
                out.write(str(os.getpid()))
            os.write(told, b".")
            time.sleep(600)
        os._exit(0)
    os.wait()
    os.read(heard, 1)  # whoever returns before would see it ended before anybody has learnt its number
    if then == "hang":
        time.sleep(600)


@handler("crash")
def crash(how: str = "segfault") -> None:
    """End without an answer."""
    if how == "segfault":
        os.kill(os.getpid(), signal.SIGSEGV)
    elif how == "exit":
        os._exit(0)
    elif how == "system_exit":
        sys.exit(3)
    elif how == "base":
        raise BaseException("base")
    elif how == "recursion":
        crash("recursion")
    elif how == "bad_str":
        raise BadText
    elif how == "memory":
        b"x" * (64 << 30)
    elif how == "not_json":
        raise ValueError("NUL \0 and half \ud800")


class BadText(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


@handler("talk")
def talk(lines: int = 3, secret: str = "", file: str = "") -> dict[str, Any]:
    """Write to every stream; make a file when all is written."""
    for number in range(lines):
        print(f"out {number} 한글 {secret}")
    print("err", file=sys.stderr)
    if file:
        open(file, "w").close()
    return {"nul": "a\0b", "half": "\ud800", "secret": secret}


@handler("use_secret")
def use_secret(context: Context, ref: str) -> dict[str, Any]:
    """Fetch a secret and carelessly let it out everywhere."""
    value = context.secret(ref)
    print("printed", value)
    context.log.info(f"logged {value}", password=value)
    context.progress(1, 2, f"at {value}")
    return {"value": value, "environment": value in str(os.environ)}


@handler("flaky")
def flaky(context: Context, fail_until: int = 1) -> dict[str, Any]:
    """Fail until the attempt given, leaving a checkpoint."""
    if context.attempt <= fail_until:
        context.save_checkpoint({"done": context.attempt})
        raise ValueError(f"attempt {context.attempt} fails")
    return {"checkpoint": context.checkpoint, "attempt": context.attempt}


@handler("say")
def say(what: str = "skip", after: float = 0.0) -> None:
    """Raise one of the words a handler has."""
    raise {"skip": Skip("nothing new"), "give_up": GiveUp("bad key"), "retry": Retry("later", after=after)}[what]


@handler("in_database")
def in_database(context: Context, seconds: float = 60.0) -> None:
    """Keep the server busy on our behalf."""
    context.db().execute("SELECT pg_sleep(%s)", (seconds,))


@handler("fresh", fresh_process=True)
def fresh() -> dict[str, Any]:
    """Run in a process of its own."""
    return {"pid": os.getpid()}


@handler("count_up")
def count_up(context: Context, steps: int = 5, pause: float = 0.1) -> dict[str, Any]:
    """Report progress."""
    for step in range(steps):
        context.count(steps=1)
        context.progress(step + 1, steps, "working")
        time.sleep(pause)
    return {"steps": context.counts["steps"]}


@handler("plain_parameters")
def plain_parameters(batch_size: int = 10, with_details: bool = True) -> dict[str, Any]:
    """Need no context."""
    return {"batch_size": batch_size, "with_details": with_details}


@handler("step")
def step(context: Context, fail_unless: str = "") -> dict[str, Any]:
    """Pass on what the jobs before it gave, one more each; fail as long as a file is not there."""
    if fail_unless and not os.path.exists(fail_unless):
        raise RuntimeError("not yet")
    before = [given["passed"] for given in context.dependencies.values() if "passed" in given]
    return {"passed": 1 + max(before, default=0), "before": sorted(context.dependencies)}
