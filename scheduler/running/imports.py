"""What the warden learns before it forks: every handler there is, and which of them must not be forked."""

from __future__ import annotations

import json
import os
import sys
from typing import Any, NoReturn

from scheduler.errors import ConfigError
from scheduler.handler import Handler
from scheduler.running import registry


def load(modules: list[str], skip: list[str]) -> tuple[dict[str, Handler], dict[str, str], list[str]]:
    """Import every source of handlers that is not to be skipped.

    Returns  the handlers; for each type whose import started threads, its source; the faults that prevent a start
    """
    handlers: dict[str, Handler] = {}
    threaded: dict[str, str] = {}
    faults: list[str] = []
    for value, job_type in registry.sources(modules):
        if value in skip:
            continue
        before = thread_count()
        try:
            found = list(registry.load_source(value, job_type))
            registry.add(handlers, found)
        except ConfigError as error:
            faults.append(str(error))
            continue
        if thread_count() > before:
            threaded |= {made.job_type: value for made in found}
    return handlers, threaded, faults


def thread_count() -> int:
    return len(os.listdir("/proc/self/task"))


def describe(handlers: dict[str, Handler], threaded: dict[str, str]) -> list[dict[str, object]]:
    return [
        {
            "job_type": made.job_type, "source": made.source, "summary": made.summary,
            "timeout_seconds": made.timeout_seconds, "retries": made.retries, "fresh_process": made.fresh_process,
            "memory_mb": made.memory_mb, "params_schema": made.schema(), "spawn": threaded.get(made.job_type),
        }
        for made in handlers.values()
    ]


def start_over_without(
    threaded: dict[str, str], types: list[dict[str, object]], options: dict[str, Any]
) -> NoReturn:
    """Begin again without the sources that started threads: a process with threads cannot be forked safely."""
    options["spawned"] = [*options.get("spawned", ()), *(made for made in types if made["spawn"])]
    options["skip"] = sorted({*options.get("skip", ()), *threaded.values()})
    sys.stderr.flush()
    os.execv(sys.executable, [sys.executable, "-P", "-m", "scheduler.running.warden", sys.argv[1], json.dumps(options)])
