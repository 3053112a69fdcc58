"""From a file's document to its entries, with everything that is wrong with it."""

from __future__ import annotations

import difflib
import graphlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from scheduler.errors import ScheduleError
from scheduler.rules import config_fields as fields
from scheduler.rules.config import (
    CALENDAR,
    CALENDAR_ORDER,
    KINDS,
    OVERLAY_DEFAULTS,
    OVERLAY_ORDER,
    VERSION,
    ZONE,
    Config,
    Entry,
    Limits,
    calendar_defaults,
    calendar_fields,
    job_entry,
    job_fields,
    overlay_fields,
    shortest_form,
)
from scheduler.rules.config_reading import Fault, Path, Written, dotted
from scheduler.rules.quoting import quoted
from scheduler.rules.zones import open_zone
from scheduler.words import say


@dataclass(slots=True)
class Checked:
    """A file that was read: its entries, their faults, and where each job stands in its list."""

    config: Config
    faults: list[Fault]
    written: Written
    number: dict[str, int] = field(default_factory=dict)

    def fault(self, path: Path, korean: str, english: str) -> None:
        """Add what is wrong at a place; a job is named, not numbered."""
        name = next((name for name, number in self.number.items() if path[:2] == ("jobs", number)), None)
        place = dotted(path if name is None else (name, *path[2:]))
        self.faults.append(Fault(self.written.line(*path), place, say(korean, english)))

    def job_fault(self, job: str, name: str, korean: str, english: str) -> None:
        """Add what is wrong with a field of a job."""
        self.fault(("jobs", self.number[job], name), korean, english)


def check(written: Written, limits: Limits | None = None) -> Checked:
    """Turn a document into entries and gather everything that is wrong with it."""
    found = Checked(Config(), list(written.faults), written)
    document = written.value
    if not isinstance(document, dict):
        if not found.faults:
            found.fault((), "version과 jobs가 있는 문서를 쓰세요", "write a document with version and jobs")
        return found
    _unknown(found, document, ("version", *KINDS), ())
    if type(document.get("version")) is not int or document["version"] != VERSION:
        found.fault(("version",), f"version: {VERSION}을(를) 쓰세요", f"write version: {VERSION}")
    for name, given in _named(found, document, "calendars"):
        entry = _entry(found, given, calendar_fields(), ("calendars", name))
        found.config.calendars[name] = shortest_form(entry, calendar_defaults(name), CALENDAR_ORDER)
        _calendar_faults(found, name)
    for name, given in _named(found, document, "overlays"):
        entry = _entry(found, given, overlay_fields(), ("overlays", name))
        found.config.overlays[name] = shortest_form(entry, OVERLAY_DEFAULTS, OVERLAY_ORDER)
        _overlay_faults(found, name, given if isinstance(given, dict) else {})
    _jobs(found, document.get("jobs"), limits or Limits())
    _circles(found)
    found.faults.sort()
    return found


def _unknown(found: Checked, given: Mapping[str, Any], known: tuple[str, ...], path: Path) -> None:
    for name in given:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
            listed = ", ".join(known)
            found.fault((*path, name), f"모르는 이름입니다. {f'혹시 {near[0]}?' if near else listed}",
                        f"unknown name; {f'did you mean {near[0]}?' if near else f'known: {listed}'}")


def _named(found: Checked, document: Mapping[str, Any], kind: str) -> list[tuple[str, Any]]:
    given = document.get(kind)
    if given is None:
        return []
    if not isinstance(given, dict):
        found.fault((kind,), "이름: 내용의 모음을 쓰세요", "write a mapping by name")
        return []
    return list(given.items())


def _entry(found: Checked, given: Any, readers: Mapping[str, fields.Reader], path: Path) -> Entry:
    """Read the fields of one thing; what is wrong becomes a fault and is left out."""
    if given is None:
        return {}
    if not isinstance(given, dict):
        found.fault(path, "이름: 값의 모음을 쓰세요", "write a mapping of names to values")
        return {}
    own = ("name", *readers) if path[0] == "jobs" else tuple(readers)
    _unknown(found, given, own, path)
    entry: Entry = {}
    for name, reader in readers.items():
        if given.get(name) is None:
            continue
        try:
            entry[name] = reader(given[name])
        except ScheduleError as error:
            found.fault((*path, name), str(error), str(error))
    return entry


def _calendar_faults(found: Checked, name: str) -> None:
    entry, path = found.config.calendars[name], ("calendars", name)
    if CALENDAR.fullmatch(name) is None:
        found.fault(path, "이름에는 영어 소문자, 숫자, -, _만 쓰세요", "its name has small letters, digits, - and _")
    if entry.get("base") == name:
        found.fault(path, "자기 자신을 바탕으로 할 수 없습니다", "a calendar is not its own base")
    for day in sorted(set(entry.get("closed", {})) & set(entry.get("open", {}))):
        found.fault(path, f"{day}이(가) closed와 open에 모두 있습니다", f"{day} is both closed and open")


def _overlay_faults(found: Checked, name: str, given: Mapping[str, Any]) -> None:
    entry, path = found.config.overlays[name], ("overlays", name)
    if not name.strip():
        found.fault(path, "이름이 비어 있습니다", "its name is empty")
    missing = ", ".join(each for each in ("start", "end", "action") if given.get(each) is None)
    if missing:
        found.fault(path, f"{missing}이(가) 없습니다", f"missing: {missing}")
    if "action" in entry and (entry["action"] == "multiply") != (given.get("factor") is not None):
        found.fault(path, "multiply에는 factor가 있어야 하고 stop에는 없어야 합니다", "multiply needs a factor, stop has none")
    if {"start", "end"} <= set(entry) and fields.read_moment(entry["start"], ZONE) >= fields.read_moment(entry["end"], ZONE):
        found.fault(path, "start가 end보다 앞이어야 합니다", "start must be before end")


def _jobs(found: Checked, given: Any, limits: Limits) -> None:
    if given is None:
        return
    if not isinstance(given, list):
        found.fault(("jobs",), "작업의 목록(- name: …)을 쓰세요", "write a list of jobs (- name: …)")
        return
    for number, job in enumerate(given):
        _job(found, number, job, limits)


def _job(found: Checked, number: int, given: Any, limits: Limits) -> None:
    path: Path = ("jobs", number)
    if not isinstance(given, dict) or given.get("name") is None:
        found.fault(path, "name이 없습니다", "name is missing")
        return
    try:
        name = fields.name(given["name"])
    except ScheduleError as error:
        found.fault((*path, "name"), str(error), str(error))
        return
    if name in found.number:
        found.fault((*path, "name"), f"이름 {quoted(name)}이(가) 두 번 있습니다", f"the name {quoted(name)} stands here twice")
        return
    found.number[name] = number
    zone = _zone(given.get("timezone"))
    entry = _entry(found, given, job_fields(limits, zone), path)
    _job_faults(found, name, entry, given, zone)
    found.config.jobs[name] = job_entry(entry)


def _zone(given: Any) -> str:
    """Return the zone in which the job's moments are read; one that is wrong is told elsewhere."""
    try:
        return open_zone(given).key if isinstance(given, str) else ZONE
    except ScheduleError:
        return ZONE


def _job_faults(found: Checked, name: str, entry: Entry, given: Mapping[str, Any], zone: str) -> None:
    """Say what is wrong between the fields, as the trigger of the table would."""
    if given.get("type") is None:
        found.job_fault(name, "type", "type이 없습니다", "type is missing")
    unread = given.get("schedule") is not None and "schedule" not in entry
    kind = next(iter(entry.get("schedule", {})), None)
    bound = next((each for each in ("days", "start", "end", "max_runs") if each in entry), None)
    if bound and kind in (None, "run_at") and not unread:
        found.job_fault(name, bound, "every, at 또는 cron이 있어야 합니다", "it needs every, at or cron")
    if kind == "every" and entry.get("on_holiday") in ("previous", "next"):
        found.job_fault(name, "on_holiday", "주기 작업에는 run 또는 skip을 쓰세요", "with an interval write run or skip")
    if {"start", "end"} <= set(entry) and fields.read_moment(entry["start"], zone) > fields.read_moment(entry["end"], zone):
        found.job_fault(name, "end", "end가 start보다 앞입니다", "end is before start")


def _circles(found: Checked) -> None:
    edges = {job: [fields.edge_parts(each)[0] for each in entry.get("after", [])] for job, entry in found.config.jobs.items()}
    try:
        graphlib.TopologicalSorter(edges).prepare()
    except graphlib.CycleError as error:
        path = " → ".join(error.args[1])
        found.job_fault(error.args[1][0], "after", f"서로 기다리는 고리입니다: {path}", f"jobs would wait for each other: {path}")
