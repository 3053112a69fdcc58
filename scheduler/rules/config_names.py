"""What a file says about things outside it: jobs, calendars and parameters that the database knows."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Any

from scheduler.errors import ScheduleError
from scheduler.rules import config_fields as fields
from scheduler.rules.config import BUILT_IN, Entry, Limits
from scheduler.rules.config_check import Checked
from scheduler.rules.parameters import check_parameters
from scheduler.rules.quoting import quoted


def check_intervals(found: Checked, present: Mapping[str, Entry], limits: Limits) -> None:
    """Add the faults of intervals that would be written and that the house does not allow."""
    bounded = fields.every(limits.shortest, limits.longest)
    for name, entry in found.config.jobs.items():
        schedule = entry.get("schedule", {})
        if "every" in schedule and schedule != present.get(name, {}).get("schedule"):
            try:
                bounded(schedule["every"])
            except ScheduleError as error:
                found.job_fault(name, "schedule", str(error), str(error))


def check_names(
    found: Checked, jobs: Set[str], of_workflows: Set[str], calendars: Set[str], schemas: Mapping[str, Mapping[str, Any]]
) -> None:
    """Add the faults of names that neither the file nor the database knows, and of parameters whose type is known."""
    known = set(calendars) | set(found.config.calendars) | set(BUILT_IN)
    listed = ", ".join(sorted(known))
    for name, entry in found.config.calendars.items():
        if entry.get("base", "kr") not in known:
            found.fault(("calendars", name, "base"), f"모르는 달력입니다. 아는 것: {listed}",
                        f"unknown calendar; known: {listed}")
    for name, entry in found.config.jobs.items():
        if name in of_workflows:
            found.job_fault(name, "name", "작업 흐름(workflow)에 속한 작업입니다", "this job belongs to a workflow")
        if entry.get("calendar", "kr") not in known:
            found.job_fault(name, "calendar", f"모르는 달력입니다. 아는 것: {listed}", f"unknown calendar; known: {listed}")
        for before in (fields.edge_parts(edge)[0] for edge in entry.get("after", [])):
            if before not in found.config.jobs and before not in jobs:
                found.job_fault(name, "after", f"작업 {quoted(before)}이(가) 없습니다", f"there is no job {quoted(before)}")
        for message in check_parameters(schemas.get(entry.get("type", ""), {}), entry.get("parameters", {})):
            found.job_fault(name, "parameters", message, message)
    found.faults.sort()
