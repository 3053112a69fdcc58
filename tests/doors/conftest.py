"""The command line as a function: words in, exit code and both streams out, on a database of the test's own."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from typer.testing import CliRunner, Result

from scheduler.cli.main import app

SCHEMA = {
    "type": "object", "additionalProperties": False, "required": ["shop"],
    "properties": {
        "shop": {"type": "string"}, "batch_size": {"type": "integer", "minimum": 1, "default": 100, "description": "rows"},
    },
}
Cli = Callable[..., Result]


@pytest.fixture
def cli(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cli]:
    """Run the command line against the test's database; English unless told otherwise."""
    monkeypatch.setenv("DATABASE_URL", database)
    monkeypatch.setenv("ERP_SCHEDULER_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("ERP_SCHEDULER_LOG_DIR", str(tmp_path / "logs"))
    monkeypatch.setenv("ERP_SCHEDULER_BACKUP_DIR", str(tmp_path / "backups"))
    monkeypatch.setenv("ERP_SCHEDULER_REPORT_DIR", str(tmp_path / "reports"))
    monkeypatch.setenv("ERP_SCHEDULER_LANG", "en")

    def call(*words: object, code: int = 0, env: dict[str, str] | None = None, input: str | None = None) -> Result:
        result = CliRunner().invoke(app, [str(word) for word in words], env=env, input=input)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == code, f"{words}: {result.exit_code}\n{result.stdout}\n{result.stderr}"
        return result

    yield call


def document(result: Result) -> Any:
    """Return the JSON that a command printed on stdout."""
    return json.loads(result.stdout)


def a_job(connection: psycopg.Connection[Any], name: str = "주문 수집", **columns: Any) -> int:
    """Insert a job as an operator would and return its id."""
    values = {"name": name, "job_type": "order_collection", "interval": "30m", **columns}
    names = ", ".join(values)
    marks = ", ".join(f"%({column})s" for column in values)
    row = connection.execute(f"INSERT INTO schedule_jobs ({names}) VALUES ({marks}) RETURNING id", values).fetchone()
    assert row is not None
    return int(row[0])


def an_execution(connection: psycopg.Connection[Any], job: int, status: str = "failed", **columns: Any) -> int:
    """Insert an execution that has the marks of its status."""
    times = {} if status == "queued" else {"started_at": "now"} if status == "running" else {
        "started_at": "now", "finished_at": "now", "duration_ms": 1234}
    values = {"job_id": job, "status": status, **times, **columns}
    names, marks = ", ".join(values), ", ".join(f"%({column})s" for column in values)
    row = connection.execute(f"INSERT INTO job_executions ({names}) VALUES ({marks}) RETURNING id", values).fetchone()
    assert row is not None
    return int(row[0])


def a_type(connection: psycopg.Connection[Any], job_type: str = "order_collection") -> None:
    """Announce a job type as a daemon would."""
    connection.execute(
        "INSERT INTO job_types (job_type, source, summary, params_schema) VALUES (%s, 'shop.orders:collect', 'Collects', %s)",
        (job_type, json.dumps(SCHEMA)),
    )
