"""`jobs export, validate, diff, import` against a real database: nothing lost, nothing touched without need, all or nothing."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from scheduler.cli import config_as_code
from scheduler.queries.config import JOB_COLUMNS, apply, read_present
from scheduler.rules.config_check import check
from scheduler.rules.config_plan import plan
from scheduler.rules.config_reading import read_text
from tests.doors.conftest import Cli, a_job, a_type, an_execution, document

Connection = psycopg.Connection[Any]


def everything(connection: Connection) -> None:
    """Make jobs that use every column, with names and texts that are hard to carry."""
    connection.execute("INSERT INTO calendars (name, base, closed_weekdays) VALUES ('courier', 'kr', 'sun')")
    connection.execute("INSERT INTO calendar_days (calendar, day, is_holiday, name) VALUES "
                       "('courier', '2026-08-14', true, '택배 없는 날'), ('kr', '2026-12-24', true, '임시'), "
                       "('kr', '2026-05-05', false, '여는 날')")
    connection.execute("INSERT INTO schedule_overlays (name, starts_at, ends_at, action, factor, market_codes, reason) VALUES "
                       "('블랙프라이데이', '2026-11-27+09', '2026-11-28+09', 'multiply', 2.5, '{coupang}', '행사: 3배'), "
                       "('점검', '2026-12-01+09', '2026-12-02+09', 'stop', NULL, '{}', NULL)")
    first = a_job(connection, "쿠팡 주문: \"수집\" #1", market_codes=["coupang", "naver"], tags=["주문", "yes", "09:00"],
                  parameters=json.dumps({"note": "첫 줄\n  둘째 줄\n", "code": "010", "n": 1.5, "deep": {"a": [1, None, True]}}),
                  timeout_minutes=0.1, max_retries=0, important=True, owner="no", description="여러 줄\n설명: 'x'\n", priority=-3)
    second = a_job(connection, "18:30", interval=None, specific_times=["09:00", "18:30:15"], on_holiday="next",
                   days_of_week="월-금", start_at="2026-01-01 00:00+09", end_at="2027-01-01 00:00:30+09", max_runs=7,
                   jitter_seconds=90)
    third = a_job(connection, "한 달", interval="1 month", calendar="courier", misfire_policy="run_all",
                  misfire_grace="1 hour 30 minutes", overlap_policy="queue_one", max_instances=3)
    a_job(connection, "cron", interval=None, cron_expression="0 9 * * 1-5", timezone="America/New_York", status="paused",
          pause_reason="점검 중", paused_until="2026-11-01 06:30+00")
    a_job(connection, "한 번", interval=None, run_at="2031-01-02 03:04+09")
    hand = a_job(connection, "손으로", interval=None, status="paused")
    connection.execute("INSERT INTO job_dependencies (job_id, depends_on, condition, outcome) VALUES "
                       "(%s, %s, 'ever', 'success'), (%s, %s, 'since_last_run', 'failure'), "
                       "(%s, %s, 'since_last_run', 'success')",
                       (second, first, hand, first, hand, third))


def state(connection: Connection) -> list[tuple[Any, ...]]:
    return connection.execute("SELECT id, name, spec_version, status, run_count, xmin FROM schedule_jobs ORDER BY id").fetchall()


def test_export_into_an_empty_database_and_export_again_is_the_same_byte_for_byte(
    cli: Cli, connection: Connection, cluster: Any, template: str, tmp_path: Path
) -> None:
    everything(connection)
    other = make_conninfo(cluster.dsn(cluster.create(template)))
    try:
        for kind in ("yaml", "json"):
            cli("jobs", "export", "-f", tmp_path / f"first.{kind}", "--format", kind)
        cli("jobs", "import", tmp_path / "first.yaml", "--yes", "--dsn", other)
        for kind in ("yaml", "json"):
            cli("jobs", "export", "-f", tmp_path / f"second.{kind}", "--format", kind, "--dsn", other)
            assert (tmp_path / f"first.{kind}").read_bytes() == (tmp_path / f"second.{kind}").read_bytes()
            assert "nothing differs" in cli("jobs", "diff", tmp_path / f"first.{kind}", "--dsn", other).stdout
            assert "valid: 6 jobs" in cli("jobs", "validate", tmp_path / f"first.{kind}", "--dsn", other).stdout
        columns = "name, status, " + ", ".join(JOB_COLUMNS)
        with psycopg.connect(other) as there:
            for table, shown in (("schedule_jobs", columns), ("calendar_days", "*"), ("calendars", "*")):
                ask = f"SELECT {shown} FROM {table} ORDER BY 1, 2"
                assert there.execute(ask).fetchall() == connection.execute(ask).fetchall()
    finally:
        cluster.drop(other.split("dbname=")[1].split()[0])


def test_the_script_for_psql_does_the_same(cli: Cli, connection: Connection, cluster: Any, template: str) -> None:
    everything(connection)
    script = cli("jobs", "export", "--format", "sql").stdout
    name = cluster.create(template)
    try:
        with psycopg.connect(cluster.dsn(name), autocommit=True) as there:
            there.execute(script)
            there.execute(script)
        assert cli("jobs", "export", "--dsn", cluster.dsn(name)).stdout == cli("jobs", "export").stdout
    finally:
        cluster.drop(name)


def test_only_what_differs_from_the_default_is_written(cli: Cli, connection: Connection) -> None:
    a_job(connection, "주문")
    assert cli("jobs", "export").stdout == (
        "version: 1\njobs:\n  - name: 주문\n    type: order_collection\n    schedule:\n      every: 30m\n")
    a_job(connection, "times", interval=None, specific_times=["09:00"])
    assert 'at:\n        - "09:00"' in cli("jobs", "export", "times").stdout
    assert [job["name"] for job in document(cli("jobs", "export", "times", "--json"))["jobs"]] == ["times"]
    cli("jobs", "export", "nobody", code=5)
    cli("jobs", "export", "--format", "toml", code=2)


def test_export_edit_diff_import(cli: Cli, connection: Connection, tmp_path: Path) -> None:
    first, second = a_job(connection, "a"), a_job(connection, "b")
    an_execution(connection, first, "success")
    file = tmp_path / "jobs.yaml"
    cli("jobs", "export", "-f", file)
    assert "nothing differs" in cli("jobs", "diff", file).stdout
    before = state(connection)
    file.write_text(file.read_text().replace("every: 30m", "every: 1h", 1) + "  - {name: c, type: t, after: a, retries: 9}\n")
    shown = cli("jobs", "diff", file, code=1).stdout
    assert "~ job a\n    schedule: {\"every\": \"30m\"} → {\"every\": \"1h\"}" in shown and "+ job c" in shown
    assert "작업 a" in cli("jobs", "diff", file, "--lang", "ko", code=1).stdout
    changes = document(cli("jobs", "diff", file, "--json", code=1))
    assert changes[0] == {"action": "change", "kind": "job", "name": "a",
                          "fields": {"schedule": {"old": {"every": "30m"}, "new": {"every": "1h"}}}}
    assert "+ job c" in cli("jobs", "import", file, "--dry-run").stdout and state(connection) == before
    cli("jobs", "import", file, code=9)
    assert state(connection) == before
    assert [each["action"] for each in document(cli("jobs", "import", file, "--yes", "--json"))] == ["change", "add"]
    after = state(connection)
    assert after[0][:2] == before[0][:2] and after[0][2] > before[0][2] and after[1] == before[1]
    assert connection.execute("SELECT count(*) FROM job_executions WHERE job_id = %s", (first,)).fetchone() == (1,)
    assert connection.execute("SELECT depends_on FROM job_dependencies").fetchall() == [(first,)] and second
    assert "nothing differs" in cli("jobs", "import", file, "--yes").stdout and state(connection) == after


def test_prune_removes_what_the_file_does_not_name_but_never_what_is_planned_for_one_moment(
    cli: Cli, connection: Connection, tmp_path: Path
) -> None:
    for name in ("stays", "goes"):
        a_job(connection, name)
    a_job(connection, "once", interval=None, run_at="2031-01-01 00:00+09")
    file = tmp_path / "jobs.yaml"
    cli("jobs", "export", "stays", "-f", file)
    assert "2 jobs" not in cli("jobs", "diff", file, code=1).stdout
    assert "1 jobs that the file does not name stay" in cli("jobs", "import", file, "--yes").stderr
    assert "1 jobs are deleted" in cli("jobs", "import", file, "--prune", code=9).stderr
    assert "- job goes (not in the file)" in cli("jobs", "import", file, "--prune", "--yes").stdout
    names = connection.execute("SELECT name FROM schedule_jobs ORDER BY name").fetchall()
    assert names == [("once",), ("stays",)]


def test_a_job_that_the_file_waits_for_stays(cli: Cli, connection: Connection) -> None:
    a_job(connection, "first")
    file = "version: 1\njobs:\n  - {name: second, type: t, after: first}\n"
    cli("jobs", "import", "-", "--prune", "--yes", input=file)
    assert connection.execute("SELECT name FROM schedule_jobs ORDER BY id").fetchall() == [("first",), ("second",)]
    assert connection.execute("SELECT count(*) FROM job_dependencies").fetchone() == (1,)


def test_an_interval_that_stands_already_may_stay(cli: Cli, connection: Connection, tmp_path: Path) -> None:
    with connection.transaction():
        connection.execute("SET LOCAL erp_scheduler.minimum_interval = '1 second'")
        a_job(connection, "가나", interval="10 seconds", tags=["x", "x"])
    file = tmp_path / "jobs.yaml"
    cli("jobs", "export", "-f", file)
    assert "nothing differs" in cli("jobs", "diff", file).stdout
    file.write_text(file.read_text().replace("10s", "20s"))
    assert "line 5: 가나.schedule" in cli("jobs", "validate", file, code=1).stdout


def test_pausing_and_going_on_by_file_leaves_other_states_alone(cli: Cli, connection: Connection, tmp_path: Path) -> None:
    a_job(connection, "paused", status="paused")
    a_job(connection, "over", interval=None, run_at="2020-01-01 00:00+09", status="completed")
    file = tmp_path / "jobs.yaml"
    cli("jobs", "export", "-f", file)
    assert "over" not in file.read_text() and "paused: true" in file.read_text()
    over = "  - {name: over, type: t, schedule: {run_at: 2020-01-01 00:00}}\n"
    file.write_text(file.read_text().replace("    paused: true\n", "") + over)
    cli("jobs", "import", file, "--yes")
    found = connection.execute("SELECT name, job_type, status FROM schedule_jobs ORDER BY name").fetchall()
    assert found == [("over", "t", "completed"), ("paused", "order_collection", "active")]


def test_one_fault_and_nothing_is_done(cli: Cli, connection: Connection, tmp_path: Path) -> None:
    a_type(connection)
    a_job(connection, "a", parameters='{"shop": "x"}')
    before = state(connection)
    file = tmp_path / "jobs.yaml"
    file.write_text("version: 1\njobs:\n  - name: a\n    type: order_collection\n    schedule: {every: 1h}\n"
                    "    parameters: {bach_size: 1}\n  - name: b\n    type: t\n    schedule: {every: 10s}\n    after: nobody\n")
    for words in (["validate", file], ["import", file, "--yes"], ["diff", file]):
        refused = cli("jobs", *words, code=1)
        told = refused.stdout + refused.stderr
        assert "line 6: a.parameters" in told and "batch_size" in told
        assert "line 9: b.schedule" in told and "there is no job 'nobody'" in told
    faults = document(cli("jobs", "validate", file, "--json", code=1))
    assert faults["valid"] is False and [each["line"] for each in faults["faults"]] == [6, 6, 9, 10]
    assert state(connection) == before


def test_what_only_the_database_refuses_undoes_the_whole_import(cli: Cli, connection: Connection, tmp_path: Path) -> None:
    a_job(connection, "a")
    before = state(connection)
    connection.execute("ALTER TABLE schedule_jobs ADD CONSTRAINT house CHECK (max_retries < 5)")
    file = tmp_path / "jobs.yaml"
    file.write_text("version: 1\njobs:\n  - {name: a, type: t}\n  - {name: b, type: t, retries: 9}\n")
    assert "house" in cli("jobs", "import", file, "--yes", code=2).stderr and state(connection) == before


def test_validate_works_without_a_database(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "jobs.yaml"
    file.write_text("version: 1\njobs:\n  - {name: a, type: t, after: elsewhere}\n")
    away = ("--dsn", "postgresql://erp@127.0.0.1:1/erp")
    checked = cli("jobs", "validate", file, *away)
    assert "valid: 1 jobs" in checked.stdout and "without the database" in checked.stderr
    cli("jobs", "diff", file, *away, code=8)
    file.write_bytes(b"version: 1\n\n# \xff\n")
    assert "line 3" in cli("jobs", "validate", file, *away, code=2).stderr
    cli("jobs", "validate", tmp_path / "missing.yaml", *away, code=2)


def test_two_imports_take_turns_and_the_later_looks_again(
    cli: Cli, connection: Connection, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_job(connection, "a")
    file = tmp_path / "jobs.yaml"
    file.write_text("version: 1\njobs:\n  - {name: a, type: t}\n")

    def somebody_was_faster(_question: str, _yes: bool) -> None:
        connection.execute("UPDATE schedule_jobs SET owner = 'somebody'")

    monkeypatch.setattr(config_as_code, "confirm", somebody_was_faster)
    assert "changed meanwhile" in cli("jobs", "import", file, "--yes", code=6).stderr
    assert connection.execute("SELECT job_type, owner FROM schedule_jobs").fetchone() == ("order_collection", "somebody")
    monkeypatch.undo()
    monkeypatch.setenv("DATABASE_URL", database)
    monkeypatch.setenv("ERP_SCHEDULER_LANG", "en")
    with psycopg.connect(database) as other:
        other.execute("SELECT pg_advisory_xact_lock(hashtextextended('erp_scheduler.import', 0))")
        speak = "SELECT set_config('erp_scheduler.lang', %(language)s, true), set_config('lock_timeout', '100ms', true)"
        monkeypatch.setattr("scheduler.queries.words.SPEAK", speak)
        assert "try again" in cli("jobs", "import", file, "--yes", code=6).stderr
    monkeypatch.undo()


def test_a_thousand_jobs_take_a_handful_of_statements(database: str) -> None:
    listed = "\n".join(
        f"  - {{name: 'job {number}', type: order_collection, schedule: {{every: {30 + number % 60}m}}, markets: [coupang], "
        f"tags: [bulk], parameters: {{days: {number}}}{', after: job ' + str(number - 1) if number % 10 else ''}}}"
        for number in range(1000))
    sent: list[str] = []

    class Counting(psycopg.Connection[Any]):
        def execute(self, query: Any, *values: Any, **more: Any) -> Any:
            sent.append(str(query))
            return super().execute(query, *values, **more)

    began = time.perf_counter()
    checked = check(read_text("version: 1\njobs:\n" + listed))
    assert checked.faults == []
    with Counting.connect(database, autocommit=True) as connection:
        changes = plan(read_present(connection).config, checked.config)
        with connection.transaction():
            apply(connection, changes, checked.config)
        print(f"import of 1,000 jobs: {time.perf_counter() - began:.2f} s, {len(sent)} statements")
        assert len(changes) == 1000 and len(sent) <= 5
        assert plan(read_present(connection).config, checked.config) == []
        assert connection.execute("SELECT count(*) FROM job_dependencies").fetchone() == (900,)
