"""The READMEs: their SQL is run, their Python is registered, their commands exist, and both say the same."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import psycopg
import pytest
import typer

from scheduler.cli.main import app
from scheduler.handler import Handler

ROOT = Path(__file__).parents[2]
READMES = ("README.md", "README.ko.md")


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def blocks(name: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text(name), re.MULTILINE | re.DOTALL)


def without_comments(sql: str) -> str:
    return re.sub(r"^--.*\n", "", sql, flags=re.MULTILINE)


def commands(name: str) -> list[list[str]]:
    lines = [line.partition(" #")[0] for block in blocks(name, "bash") for line in block.splitlines()]
    lines += re.findall(r"`((?:\.venv/bin/)?erp-scheduler [^`]+)`", text(name))
    words = [shlex.split(line) for line in lines]
    return [line[1:] for line in words if line and Path(line[0]).name == "erp-scheduler"]


@pytest.mark.parametrize("name", READMES)
def test_every_statement_works_as_printed(name: str, connection: psycopg.Connection[Any]) -> None:
    statements = blocks(name, "sql") + re.findall(r"`((?:SELECT|UPDATE|DELETE) [^`]+;)`", text(name))
    assert len(statements) > 10
    for statement in statements:
        connection.execute(statement.encode())
    saved = connection.execute("SELECT count(*) FROM schedule_jobs").fetchone()
    assert saved == (3,)


@pytest.mark.parametrize("name", READMES)
def test_every_command_exists_with_its_options(name: str) -> None:
    found = commands(name)
    assert len(found) > 15
    for words in found:
        command: Any = typer.main.get_command(app)
        while words and hasattr(command, "commands"):
            command, words = command.get_command(None, words[0]), words[1:]
            assert command is not None, words
        known = {option for parameter in command.params for option in parameter.opts}
        assert {word for word in words if word.startswith("-")} <= known, words


@pytest.mark.parametrize("name", READMES)
def test_the_handler_shown_can_be_registered(name: str) -> None:
    (source,) = blocks(name, "python")
    module: dict[str, Any] = {}
    exec(compile(source, name, "exec"), module)

    made: Handler = module["collect"].__erp_handler__

    assert made.job_type == "gmarket_orders"
    assert made.validate({"days": 3}) == {"days": 3}
    assert made.schema()["properties"]["days"]["maximum"] == 31


def test_both_languages_show_the_same() -> None:
    headings = [re.findall("^## ", text(name), re.MULTILINE) for name in READMES]
    assert headings[0] == headings[1]
    assert commands(READMES[0]) == commands(READMES[1])
    shown = [[without_comments(block) for block in blocks(name, "sql")] for name in READMES]
    assert shown[0] == shown[1]


@pytest.mark.parametrize("name", [*READMES, "CONTRIBUTING.md"])
def test_every_file_named_exists(name: str) -> None:
    assert [link for link in re.findall(r"\]\(([^)#]+)\)", text(name)) if not (ROOT / link).exists()] == []


@pytest.mark.parametrize("name", [*READMES, "CONTRIBUTING.md"])
def test_every_make_target_exists(name: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", text("Makefile"), re.MULTILINE))
    named = re.findall(r"\bmake (?:-C \S+ )?([a-z-]+)", "\n".join(blocks(name, "bash")))
    assert named
    assert set(named) <= targets
