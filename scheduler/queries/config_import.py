"""A configuration as a text against what the database holds: its faults, what it would change, and the change itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg

from scheduler.errors import Conflict
from scheduler.queries.config import Present, apply, take_turn
from scheduler.rules.config import ANY_INTERVAL
from scheduler.rules.config_check import Checked, check
from scheduler.rules.config_names import check_intervals, check_names
from scheduler.rules.config_plan import Change, plan, waited_for
from scheduler.rules.config_reading import read_text
from scheduler.words import say


def checked_text(text: str, present: Present | None) -> Checked:
    """Read YAML or JSON and gather its faults; without *present* names and parameters are not looked at."""
    checked = check(read_text(text), ANY_INTERVAL if present else None)
    if present is not None:
        check_intervals(checked, present.config.jobs, present.limits)
        check_names(checked, present.names, present.others, set(present.config.calendars), present.schemas)
    return checked


def planned(checked: Checked, present: Present, *, prune: bool) -> tuple[list[Change], int]:
    """Return what a file without faults changes, and how many jobs it does not name.

    prune  those are removed
    """
    removable = present.removable - set(checked.config.jobs) - waited_for(checked.config)
    return plan(present.config, checked.config, removable if prune else frozenset()), len(removable)


def take_turn_and_apply(
    connection: psycopg.Connection[Any], again: Any, expected: Sequence[Change]
) -> None:
    """Carry out a plan inside the caller's transaction if it is still the same. Raises Conflict when it is not.

    again  plans anew and returns (checked, changes)
    """
    take_turn(connection)
    checked, now = again()
    if now != list(expected):
        raise Conflict(say("그 사이에 작업이 바뀌었습니다. 다시 해 보세요", "jobs have changed meanwhile; try again"))
    apply(connection, now, checked.config)
