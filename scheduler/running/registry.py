"""Job type → handler: entry points of the group ``erp_scheduler.handlers``, then the modules named in the settings."""

from __future__ import annotations

import importlib
import inspect
import os
import sys
from collections.abc import Iterable, Iterator
from importlib.metadata import entry_points
from typing import Any

from scheduler.errors import ConfigError
from scheduler.handler import Handler, make_handler
from scheduler.running.functions import load_functions

GROUP = "erp_scheduler.handlers"


def sources(modules: Iterable[str]) -> list[tuple[str, str]]:
    """Return (where to import from, job type or '') of all handlers there are, without importing any of them."""
    announced = sorted({(entry.value, entry.name) for entry in entry_points(group=GROUP)})
    return [*announced, *((module, "") for module in modules)]


def load_source(value: str, job_type: str) -> Iterator[Handler]:
    """Import one source and yield its handlers.

    value     ``package.module:function`` of an entry point, a module whose ``@handler`` functions all count, or the
              JSON of a program's own functions
    Raises    ConfigError naming the source
    """
    if value.startswith("{"):
        yield from load_functions(value)
        return
    if os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())  # last, so that a folder named handlers/ here shadows nothing
    module_name, _, attribute = value.partition(":")
    try:
        found: Any = importlib.import_module(module_name)
        for part in attribute.split(".") if attribute else ():
            found = getattr(found, part)
    except Exception as error:
        raise ConfigError(f"handlers from {value!r} cannot be imported: {type(error).__name__}: {error}") from error
    if attribute:
        yield _registered(found, value, job_type)
        return
    members = [member for _, member in inspect.getmembers(found, inspect.isfunction)]
    made = [getattr(member, "__erp_handler__", None) for member in members if member.__module__ == found.__name__]
    handlers = [handler for handler in made if isinstance(handler, Handler)]
    if not handlers:
        raise ConfigError(f"module {value!r} has no function with @handler(...)")
    yield from handlers


def _registered(found: Any, value: str, job_type: str) -> Handler:
    made = getattr(found, "__erp_handler__", None)
    if isinstance(made, Handler):
        if made.job_type != job_type:
            raise ConfigError(f"entry point {job_type!r} names {value}, whose @handler says {made.job_type!r}")
        return made
    if not callable(found):
        raise ConfigError(f"entry point {job_type!r}: {value} is not a function")
    return make_handler(found, job_type)


def add(known: dict[str, Handler], handlers: Iterable[Handler]) -> None:
    """Add *handlers*. Raises ConfigError when two functions claim one job type, naming both."""
    for made in handlers:
        other = known.setdefault(made.job_type, made)
        if other.function is not made.function:
            raise ConfigError(f"two handlers for job type {made.job_type!r}: {other.source} and {made.source}")
