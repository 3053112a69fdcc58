"""erp-scheduler: jobs are rows in PostgreSQL; a daemon plans, claims, runs and records them.

``from scheduler import Scheduler, every`` is the Python door; what is named here is imported when it is asked for.
"""

from importlib import import_module as _import_module
from typing import Any

__version__ = "0.1.0"

_CLIENT = (
    "AsyncScheduler", "Job", "Run", "Scheduler", "Stats", "Status", "When", "at", "by_hand", "cron", "daily", "every",
)
_HANDLER = ("Context", "Field", "GiveUp", "Retry", "Skip")
__all__ = [*_CLIENT, *_HANDLER]


def __getattr__(name: str) -> Any:
    """Import what the door offers only now: any part of the service can be imported alone."""
    if name in _CLIENT:
        return getattr(_import_module("scheduler.client"), name)
    if name in _HANDLER:  # handler itself is not among them: scheduler.handler is the module
        return getattr(_import_module("scheduler.handler"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
