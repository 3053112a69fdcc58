"""`jobs history`, `jobs restore` and `why` at the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
import typer
from typer.testing import CliRunner, Result

from scheduler.cli.grammar import Bilingual, noun, root_flags
from scheduler.cli.revisions import register, register_jobs

Cli = Callable[..., Result]


@pytest.fixture
def cli(database: str, monkeypatch: pytest.MonkeyPatch) -> Cli:
    monkeypatch.setenv("DATABASE_URL", database)
    monkeypatch.setenv("ERP_SCHEDULER_LANG", "en")
    app = typer.Typer(cls=Bilingual, pretty_exceptions_enable=False)
    app.callback()(root_flags)
    jobs = noun("jobs", "작업", "jobs")
    register_jobs(jobs)
    register(app)
    app.add_typer(jobs)

    def call(*words: object, code: int = 0) -> Result:
        result = CliRunner().invoke(app, [str(word) for word in words])
        assert result.exit_code == code, f"{words}: {result.exit_code}\n{result.stdout}\n{result.stderr}\n{result.exception!r}"
        return result

    return call


@pytest.fixture
def job(connection: psycopg.Connection[Any]) -> int:
    row = connection.execute(
        "INSERT INTO schedule_jobs (name, job_type, interval) VALUES ('주문', 'noop', '1h') RETURNING id").fetchone()
    assert row is not None
    return int(row[0])


def test_history_names_the_change_and_restore_takes_it_back(
    cli: Cli, connection: psycopg.Connection[Any], job: int
) -> None:
    connection.execute("UPDATE schedule_jobs SET interval = '2h'")
    assert "interval: 01:00:00 → 02:00:00" in cli("jobs", "history", job).stdout
    assert "set back (active)" in cli("jobs", "restore", "주문").stdout
    listed = json.loads(cli("jobs", "history", job, "--json").stdout)
    assert [(row["revision"], row["action"]) for row in listed] == [(3, "restore"), (2, "update"), (1, "insert")]
    assert listed[0]["via"] == "cli" and listed[0]["actor"]
    assert "되돌림" in cli("jobs", "history", job, "--lang", "ko").stdout


def test_a_deleted_job_is_found_by_its_name(cli: Cli, connection: psycopg.Connection[Any], job: int) -> None:
    connection.execute("DELETE FROM schedule_jobs")
    assert "deleted" in cli("jobs", "history", "주문").stdout
    assert cli("why", "주문").stdout.startswith("deleted: the job was deleted at")
    assert json.loads(cli("jobs", "restore", "주문", "--json").stdout) == {"id": job, "name": "주문", "status": "active"}


def test_refusals_are_said_with_their_way_out(cli: Cli, job: int) -> None:
    assert "there is no job" in cli("jobs", "history", "x", code=5).stderr
    assert "has no revision 9" in cli("jobs", "restore", job, 9, code=5).stderr
    assert "there was no job" in cli("jobs", "restore", job, code=4).stderr
    assert "--at noon" in cli("why", job, "--at", "noon", code=2).stderr


def test_why_reads_a_moment_in_the_zone_of_the_job(cli: Cli, connection: psycopg.Connection[Any], job: int) -> None:
    connection.execute(
        "INSERT INTO job_executions (job_id, job_name, job_type, status, scheduled_for, finished_at, skip_reason)"
        " VALUES (%s, '주문', 'noop', 'skipped', '2026-11-21 00:00+00', '2026-11-21 00:00+00', 'overlap')", (job,))
    assert cli("why", job, "--at", "2026-11-21 09:00").stdout.startswith("overlap: the run of 2026-11-21 09:00 was skipped")
    korean = cli("why", job, "--at", "2026-11-21 09:00", "--lang", "ko").stdout
    assert korean.startswith("overlap: 2026-11-21 09:00 실행은 앞 실행")
    [first, *_] = json.loads(cli("why", job, "--at", "2026-11-21T00:00Z", "--json").stdout)
    assert first["cause"] == "overlap" and first["fix"].startswith("UPDATE schedule_jobs")
