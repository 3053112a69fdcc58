"""The command line as a whole: exit codes of status, doctor, db; start-up; the seeds' script."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from scheduler import instance
from tests.doors.conftest import Cli, a_job, an_execution, document

Connection = psycopg.Connection[Any]
ROOT = Path(__file__).resolve().parents[2]
AWAY = "postgresql://erp@127.0.0.1:1/erp"


def test_status_is_one_object_and_its_code_follows_lsb(cli: Cli, connection: Connection, tmp_path: Path) -> None:
    a_job(connection)
    facts = document(cli("status", "--json", code=3))
    assert facts["running"] is False and facts["database"]["ok"] and facts["jobs"]["total"] == 1
    assert set(facts["executions"]) == {"queued", "running", "last_24h"} and facts["problems"] == []
    held = instance.acquire(tmp_path / "state")
    held.announce(node="a", ready=True)
    assert document(cli("status", "--json"))["pid"] == os.getpid()
    assert "running" in cli("status").stdout and "실행 중" in cli("status", "--lang", "ko").stdout
    cli("status", "--dsn", AWAY, code=4)
    os.close(held.lock_fd)
    assert "died" in cli("status", code=1).stdout


def test_status_names_what_needs_a_hand(cli: Cli, connection: Connection) -> None:
    number = a_job(connection)
    connection.execute("ALTER TABLE schedule_jobs DISABLE TRIGGER USER")
    connection.execute("UPDATE schedule_jobs SET status = 'invalid', last_error = 'bad cron [x]'")
    connection.execute("INSERT INTO schedule_locks (job_id) VALUES (%s)", (number,))
    facts = document(cli("status", "--json", code=3))
    assert {problem["kind"] for problem in facts["problems"]} == {"invalid", "lock"}
    assert f"erp-scheduler jobs show {number}" in cli("status", code=3).stdout


def test_a_database_that_is_away_or_empty_is_8_and_names_the_way_out(cli: Cli, cluster: Any) -> None:
    assert "erp-scheduler doctor" in cli("jobs", "list", "--dsn", AWAY, code=8).stderr
    name = cluster.create("template1")
    try:
        assert "erp-scheduler db migrate" in cli("jobs", "list", "--dsn", cluster.dsn(name), code=8).stderr
        assert document(cli("db", "status", "--dsn", cluster.dsn(name), "--json", code=8))["pending"]
        assert document(cli("db", "migrate", "--dsn", cluster.dsn(name), "--json"))["applied"]
        assert document(cli("db", "migrate", "--dsn", cluster.dsn(name), "--json"))["applied"] == []
        assert document(cli("jobs", "list", "--dsn", cluster.dsn(name), "--json")) == []
    finally:
        cluster.drop(name)


def test_without_an_address_the_embedded_database_is_named_not_started(cli: Cli, tmp_path: Path) -> None:
    refused = cli("jobs", "list", env={"DATABASE_URL": ""}, code=8)
    assert "erp-scheduler db start" in refused.stderr
    assert not (tmp_path / "state" / "data").exists()


def test_a_password_never_shows(cli: Cli) -> None:
    secret = "geheim1234"
    for command in (["jobs", "list"], ["db", "status"], ["status"], ["doctor"], ["db", "url"]):
        result = cli(*command, "--dsn", f"postgresql://erp:{secret}@127.0.0.1:1/erp",
                     code={"jobs": 8, "status": 3, "doctor": 1}.get(command[0], 8 if command[-1] == "status" else 0))
        assert secret not in result.stdout + result.stderr


def test_an_address_that_cannot_be_read_is_not_repeated(cli: Cli) -> None:
    for command in (["jobs", "list"], ["start"], ["db", "init"]):
        refused = cli(*command, "--dsn", "postgres//erp:geheim1234@host/erp", code=2)
        assert "geheim1234" not in refused.stderr and "DATABASE_URL" in refused.stderr


def test_db_init_creates_a_missing_database(cli: Cli, database: str, cluster: Any) -> None:
    dsn = make_conninfo(database, dbname="made_by_init")
    try:
        assert document(cli("db", "init", "--dsn", dsn, "--json"))["applied"]
        cli("db", "init", "--dsn", dsn)
    finally:
        cluster.drop("made_by_init")


def test_db_start_and_stop_keep_away_from_a_database_that_is_not_theirs(cli: Cli) -> None:
    cli("db", "start", code=4)
    cli("db", "stop", code=4)


def test_stop_without_a_daemon_is_7(cli: Cli) -> None:
    assert "erp-scheduler start" in cli("stop", code=7).stderr


def test_doctor_is_well_here_and_finds_a_broken_promise(cli: Cli, connection: Connection) -> None:
    found = document(cli("doctor", "--json"))
    assert found["failed"] == 0 and {check["name"] for check in found["checks"]} >= {"schema", "notify", "pooler", "promises"}
    job = a_job(connection)
    an_execution(connection, job, "success")
    report = cli("doctor", code=1)
    assert "✕ I5" in report.stdout and "executions show 1" in report.stdout


def test_doctor_says_locks_by_hand_unknown_types_and_bad_settings(cli: Cli, connection: Connection) -> None:
    number = a_job(connection)
    connection.execute("INSERT INTO schedule_locks (job_id) VALUES (%s)", (number,))
    report = cli("doctor").stdout
    assert f"locks release {number} --force" in report and "order_collection" in report
    assert "workers" in cli("doctor", env={"ERP_SCHEDULER_WORKERS": "many"}, code=1).stdout
    assert "db start" in cli("doctor", env={"DATABASE_URL": ""}, code=1).stdout


def test_a_wrong_setting_is_a_usage_error(cli: Cli) -> None:
    assert "workers" in cli("jobs", "list", env={"ERP_SCHEDULER_WORKERS": "0"}, code=2).stderr
    assert "does not exist" in cli("jobs", "list", "--config", "/nowhere", code=2).stderr


def test_errors_are_json_on_stderr_when_json_is_wanted(cli: Cli) -> None:
    refused = cli("jobs", "show", "nobody", "--json", code=5)
    assert refused.stdout == "" and json.loads(refused.stderr)["exit_code"] == 5


def test_a_demo_keeps_away_from_a_folder_that_is_not_its_own(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "file").touch()
    cli("demo", "--folder", tmp_path / "theirs", "--clean", code=4)
    assert [path.name for path in (tmp_path / "theirs").iterdir()] == ["file"]


def test_a_word_that_is_no_command_names_the_nearest_noun(cli: Cli) -> None:
    assert "'executions'" in cli("execution", code=2).stderr
    shown = cli("--help", "--lang", "ko").stdout
    assert shown.index("jobs") < shown.index("sandbox") and "작업을 보고" in shown


def test_version_at_every_place(cli: Cli) -> None:
    for words in (["--version"], ["jobs", "list", "--version"]):
        assert cli(*words).stdout.startswith("erp-scheduler ")
    assert "version" in document(cli("version", "--json"))


@pytest.mark.parametrize("words", [["no-such"], ["jobs", "lst"], ["jobs", "list", "--nope"], ["jobs", "show"]])
def test_what_cannot_be_read_is_2(cli: Cli, words: list[str]) -> None:
    cli(*words, code=2)


def run(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *words], capture_output=True, text=True, timeout=30, cwd=ROOT,
                          env={**os.environ, "ERP_SCHEDULER_LANG": "en", **environment}, check=False)


def test_help_comes_fast_and_imports_no_database(tmp_path: Path) -> None:
    times = []
    for _ in range(4):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        # The first one compiles, as an installation does: nobody's programs are compiled at every start.
        compiled = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(tmp_path)}
        assert run("-m", "scheduler", "jobs", "list", "--help", **compiled).returncode == 0
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        # Processor time: what the clock on the wall shows depends on who else is at work here.
        times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    assert min(times) < 0.5, times
    loaded = run("-c", "import sys, scheduler.cli.main; print(*sys.modules)").stdout.split()
    assert not {"psycopg", "pydantic", "fastapi", "apscheduler", "scheduler.daemon", "handlers"} & set(loaded)


def test_the_script_of_the_manual_is_the_start_command() -> None:
    shown = run("start_scheduler.py", "--help")
    assert shown.returncode == 0 and "Start the daemon" in shown.stdout and "--workers" in shown.stdout
