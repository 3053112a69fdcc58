"""docs/python.md: its program runs as printed, and it names what there is."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import psycopg

from scheduler import client
from tests.doors.programs import ROOT, Program

PAGE = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")


def test_the_program_of_the_page_runs_as_printed(database: str, connection: psycopg.Connection[object], tmp_path: Path) -> None:
    file = tmp_path / "page.py"
    file.write_text(re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)[0], encoding="utf-8")
    program = Program(file, database)
    try:
        said = program.ended()
    finally:
        program.remove()

    assert "Executing add(1, 20) -> 21" in said and "success 21 1.0" in said
    row = connection.execute("SELECT on_holiday FROM schedule_jobs WHERE name = '새벽 보고'").fetchone()
    assert row == ("next",)


def test_every_name_of_the_page_is_there() -> None:
    for module in ("service", "recipe", "tasks"):
        line = next(line for line in PAGE.splitlines() if line.endswith(f"| `scheduler.compat.{module}` |"))
        door = importlib.import_module(f"scheduler.compat.{module}")
        named = re.findall(r"`(\w+)`", line)
        assert named and [name for name in named if not hasattr(door, name)] == []
    for name in re.findall(r"`(?:job)?\.(\w+)\(", PAGE):
        assert hasattr(client.Job, name) or hasattr(client.Run, name), name
