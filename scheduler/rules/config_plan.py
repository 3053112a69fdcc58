"""What an import would do: the difference between what a file says and what the database holds."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass
from typing import Any, Literal

from scheduler.rules.config import (
    CALENDAR_DEFAULTS,
    CALENDAR_ORDER,
    DEFAULTS,
    JOB_ORDER,
    KINDS,
    OVERLAY_DEFAULTS,
    OVERLAY_ORDER,
    Config,
    Entry,
)
from scheduler.rules.config_fields import edge_parts

Action = Literal["add", "change", "remove"]
ORDER = {"jobs": JOB_ORDER, "overlays": OVERLAY_ORDER, "calendars": CALENDAR_ORDER}
DEFAULTS_OF: Mapping[str, Entry] = {"jobs": DEFAULTS, "overlays": OVERLAY_DEFAULTS, "calendars": CALENDAR_DEFAULTS}


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that differs. fields: what it says now and what it will say, None where nothing is said."""

    action: Action
    kind: str
    name: str
    fields: tuple[tuple[str, Any, Any], ...]

    def as_document(self) -> dict[str, Any]:
        """Return the change for JSON; a default that is not written shows as it works."""
        shown = {field: {"old": old, "new": new} for field, old, new in self.fields}
        return {"action": self.action, "kind": self.kind.removesuffix("s"), "name": self.name, "fields": shown}


def plan(present: Config, wanted: Config, removable: Set[str] = frozenset()) -> list[Change]:
    """Compare and list the changes: calendars, overlays, then jobs by name.

    removable  names of jobs that are to go when the file does not name them
    """
    changes: list[Change] = []
    for kind in KINDS:
        old, new = getattr(present, kind), getattr(wanted, kind)
        for name in sorted(new):
            if name not in old:
                changes.append(Change("add", kind, name, _fields(kind, {}, new[name])))
            elif old[name] != new[name]:
                changes.append(Change("change", kind, name, _fields(kind, old[name], new[name])))
    gone = sorted(name for name in present.jobs if name in removable and name not in wanted.jobs)
    return changes + [Change("remove", "jobs", name, _fields("jobs", present.jobs[name], {})) for name in gone]


def waited_for(config: Config) -> set[str]:
    """Return the names of the jobs that a job of the file waits for: they stay, also when the file does not name them."""
    return {edge_parts(edge)[0] for entry in config.jobs.values() for edge in entry.get("after", [])}


def _fields(kind: str, old: Entry, new: Entry) -> tuple[tuple[str, Any, Any], ...]:
    defaults = DEFAULTS_OF[kind]
    both = old and new
    return tuple(
        (name, old.get(name, defaults.get(name) if both else None), new.get(name, defaults.get(name) if both else None))
        for name in ORDER[kind] if old.get(name) != new.get(name)
    )
