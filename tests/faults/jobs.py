"""Job types of the fault suite: each proves by its effects when it was alive, and ends well, badly or never."""

from __future__ import annotations

import asyncio
import ctypes
import hashlib
import os
import random
import signal
import subprocess
import time
from typing import Any

from scheduler.handler import Context, GiveUp, Retry, Skip, handler
from tests.faults.effects import Proof

BEAT_SECONDS = 0.1


def beat_for(proof: Proof, seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        time.sleep(BEAT_SECONDS)
        proof.say("beat")


@handler("fault_beats")
def beats(context: Context, seconds: float = 0.5) -> dict[str, Any]:
    """Work for a while, in plain Python."""
    proof = Proof(context)
    proof.say("start")
    beat_for(proof, seconds)
    proof.say("end")
    return {"seconds": seconds}


@handler("fault_async")
async def abeats(context: Context, seconds: float = 0.5) -> dict[str, Any]:
    """Work for a while on the loop."""
    proof = Proof(context)
    await proof.asay("start")
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        await asyncio.sleep(BEAT_SECONDS)
        await proof.asay("beat")
    await proof.asay("end")
    return {"seconds": seconds}


@handler("fault_flaky")
def flaky(context: Context, good_from: int = 3) -> dict[str, Any]:
    """Fail until the attempt given, in every way a handler can."""
    proof = Proof(context)
    proof.say("start")
    beat_for(proof, 0.2)
    if context.attempt < good_from:
        how = random.choice(("raise", "retry", "segfault", "exit"))
        if how == "raise":
            raise ValueError(f"attempt {context.attempt} fails")
        if how == "retry":
            raise Retry("come back", after=0.5)
        if how == "segfault":
            os.kill(os.getpid(), signal.SIGSEGV)
        os._exit(0)
    proof.say("end")
    return {"attempt": context.attempt}


@handler("fault_word")
def word(context: Context, what: str = "give_up") -> None:
    """End with one of the words that no retry follows."""
    proof = Proof(context)
    proof.say("start")
    raise {"give_up": GiveUp("the key is wrong"), "skip": Skip("nothing new")}[what]


@handler("fault_deaf")
def deaf(context: Context) -> None:
    """Never come back from C and ignore SIGTERM, without burning the processor; a grandchild is in its own session."""
    proof = Proof(context)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    outside = subprocess.Popen(["sleep", "600"], start_new_session=True)
    proof.say("child", "in its own session", pid=outside.pid)
    proof.say("start", "until killed")
    ctypes.PyDLL(None).pause()


@handler("fault_c_loop")
def c_loop(context: Context) -> None:
    """Never come back from C, busily."""
    proof = Proof(context)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    proof.say("start", "until killed")
    hashlib.pbkdf2_hmac("sha512", b"x", b"y", 2_000_000_000)


@handler("fault_family")
def family(context: Context, seconds: float = 0.5) -> dict[str, Any]:
    """Leave grandchildren behind: one in our group, one in its own session, one that forked twice."""
    proof = Proof(context)
    proof.say("start")
    for name, own_session in (("in our group", False), ("in its own session", True)):
        proof.say("child", name, pid=subprocess.Popen(["sleep", "600"], start_new_session=own_session).pid)
    read, write = os.pipe()
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.write(write, str(os.getpid()).encode())
            time.sleep(600)
        os._exit(0)
    os.wait()
    proof.say("child", "forked twice", pid=int(os.read(read, 20)))
    beat_for(proof, seconds)
    proof.say("end")
    return {}


@handler("fault_sql")
def in_sql(context: Context, seconds: float = 1.0) -> dict[str, Any]:
    """Keep the server busy for us."""
    proof = Proof(context)
    proof.say("start")
    context.db().execute("SELECT pg_sleep(%s)", (seconds,))
    proof.say("end")
    return {}
