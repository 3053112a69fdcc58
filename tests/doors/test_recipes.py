"""Every recipe runs as it is typed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.doors.conftest import a_job

RECIPES = sorted((Path(__file__).resolve().parents[2] / "sql" / "recipes").glob("*.sql"))


def statements(path: Path) -> list[str]:
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("--")]
    return [text.strip() for text in "\n".join(lines).split(";") if text.strip()]


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_a_recipe_runs_as_typed_and_speaks_both_languages(path: Path, connection: psycopg.Connection[Any]) -> None:
    a_job(connection, job_type="product_collection")
    for statement in statements(path):
        connection.execute(statement.encode())
    comments = [line for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("--")]
    assert any("가" <= letter <= "힣" for letter in comments[0]) and comments[1].isascii()


def test_the_recipes_leave_what_they_promise(connection: psycopg.Connection[Any]) -> None:
    a_job(connection, job_type="product_collection")
    for path in RECIPES:
        for statement in statements(path):
            connection.execute(statement.encode())
    row = connection.execute(
        "SELECT status, interval::text, timeout_minutes, max_retries FROM schedule_jobs WHERE id = 1").fetchone()
    assert row == ("active", "01:00:00", 60, 5)
    queued = connection.execute("SELECT trigger, status, job_name FROM job_executions").fetchone()
    assert queued == ("manual", "queued", "주문 수집")
