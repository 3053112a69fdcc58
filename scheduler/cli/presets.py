"""`erp-scheduler presets`: sets of ready jobs. Installing one adds what is not there and changes nothing that is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from scheduler.cli.config_as_code import DryRun, Yes, carry_out
from scheduler.cli.grammar import both, chosen, command, noun
from scheduler.cli.output import hint, print_json, print_table, show
from scheduler.cli.session import database
from scheduler.words import language, say

app = noun("presets", "준비된 작업 묶음을 설치합니다", "Install sets of ready jobs")
LATER = {"meta_catalog_ad": ("매일 03:00, 카페24 상품의 광고 이미지. 카페24 연결이 필요하며 나중에 제공됩니다",
                             "daily at 03:00, advertising images of Cafe24 products; needs Cafe24, comes later")}
Name = Annotated[str, typer.Argument(help=both("묶음 이름 (presets list)", "Name of the set (presets list)"))]


def _jobs() -> list[dict[str, Any]]:
    from scheduler.queries.presets import PRESETS, read_preset

    found = []
    for preset in PRESETS:
        for job, entry in read_preset(preset).config.jobs.items():
            found.append({"preset": preset, "job": job, "type": entry["type"], "schedule": entry["schedule"],
                          "timezone": entry.get("timezone", "Asia/Seoul"), "description": entry["description"],
                          "paused": entry.get("paused", False)})
    return found


@command(app, "list", "준비된 묶음과 그 작업", "List the sets and their jobs")
def list_() -> None:
    """List the sets with their jobs, and what is to come."""
    from scheduler.queries.presets import PRESETS

    found = _jobs()
    if chosen().json:
        sets = [{"name": name, "summary": say(*words), "jobs": [
            {key: value for key, value in job.items() if key != "preset"} for job in found if job["preset"] == name
        ]} for name, words in PRESETS.items()]
        print_json({"presets": sets, "later": [{"job": name, "note": say(*words)} for name, words in LATER.items()]})
        return
    for name, words in PRESETS.items():
        show(f"{name}: {say(*words)}")
    print_table(found, [
        (say("묶음", "SET"), lambda job: job["preset"]), (say("작업", "JOB"), lambda job: job["job"]),
        (say("일정", "SCHEDULE"), _when),
        (say("설명", "DESCRIPTION"), lambda job: _half(job["description"])),
        (say("설치하면", "INSTALLED"), lambda job: say("정지", "paused") if job["paused"] else say("시작", "active")),
    ], empty="")
    for name, words in LATER.items():
        show(f"{name}: {say(*words)}")
    hint("→ erp-scheduler presets install maintenance")


def _when(job: Mapping[str, Any]) -> str:
    told = next(iter(job["schedule"].values()))
    text = ", ".join(told) if isinstance(told, list) else str(told)
    return text if job["timezone"] == "Asia/Seoul" else f"{text} ({job['timezone']})"


def _half(text: Any) -> str:
    """Return the half of ``한국어 / English`` that is read here."""
    korean, _, english = str(text).partition(" / ")
    return english if language() == "en" and english else korean


@command(app, "install", "묶음의 작업을 만듭니다 (이미 있는 작업은 그대로)",
         "Make the jobs of a set; those that exist stay as they are")
def install(name: Name, dry_run: DryRun = False, yes: Yes = False) -> None:
    """Make the jobs of a set; those that exist stay as they are."""
    from scheduler.queries.presets import missing, read_preset

    preset = read_preset(name)
    with database() as connection:
        checked, changes = missing(connection, preset)
        there = sorted(set(preset.config.jobs) - {each.name for each in changes})
        carry_out(connection, lambda: missing(connection, preset), changes, dry_run=dry_run, yes=yes)
    if there:
        hint(say(f"이미 있어 그대로 둠: {', '.join(there)}", f"already there and left as they are: {', '.join(there)}"))
    for job in (each.name for each in changes):
        paused = checked.config.jobs[job].get("paused")
        if isinstance(paused, dict):
            hint(f"⏸ {job}: {_half(paused['reason'])}")
