"""deploy/roles.sql: what each role may do, and what it may not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.support.daemons import Rows

ROLES = (Path(__file__).resolve().parents[2] / "deploy" / "roles.sql").read_text(encoding="utf-8")
NAMES = ("reader", "operator", "admin", "daemon")


@pytest.fixture
def rows(connection: psycopg.Connection[Any]) -> Iterator[Rows]:
    connection.execute(ROLES.encode())
    connection.execute(ROLES.encode())
    connection.execute(
        "INSERT INTO schedule_jobs (name, job_type, interval) VALUES ('orders', 'noop', '30m'), ('b', 'noop', '1h')")
    connection.execute("INSERT INTO job_executions (job_id) VALUES (1)")
    yield Rows(connection)
    connection.execute("RESET ROLE")
    for name in NAMES:
        connection.execute(f"DROP OWNED BY erp_scheduler_{name}")
    for name in reversed(NAMES):
        connection.execute(f"DROP ROLE erp_scheduler_{name}")


READ = (
    "SELECT * FROM schedule_jobs", "SELECT * FROM schedule_overview", "SELECT * FROM schedule_problems",
    "SELECT * FROM schedule_job_health", "SELECT * FROM schedule_status()", "SELECT * FROM schedule_why(1)",
    "SELECT * FROM schedule_help()", "SELECT * FROM schedule_describe('orders')", "SELECT * FROM schedule_upcoming()",
    "SELECT * FROM schedule_check('noop', '{}')", "SELECT * FROM job_revisions", "SELECT * FROM erp.orders",
)
OPERATE = (
    "SELECT schedule_run_now(1)", "SELECT schedule_run_in('orders', '1 minute')", "SELECT schedule_run_once('noop')",
    "SELECT schedule_pause(1, reason => 'x')", "SELECT * FROM schedule_resume(1, true)",
    "SELECT schedule_reschedule(1, every => '1h')", "SELECT schedule_restore(1)", "SELECT schedule_cancel(1)",
    "SELECT schedule_add_job('new', 'noop', every => '1h', after => '{orders}')",
    "UPDATE schedule_jobs SET status = 'paused', interval = '2h', next_run_at = NULL WHERE id = 1",
    "UPDATE schedule_jobs SET status = 'active' WHERE id = 1",
    "INSERT INTO schedule_jobs (name, job_type, cron_expression) VALUES ('typed', 'noop', '0 9 * * *')",
    "DELETE FROM schedule_jobs WHERE name = 'typed'", "DELETE FROM schedule_locks",
    "UPDATE job_executions SET cancel_requested = true", "INSERT INTO calendar_days (day, name) VALUES ('2027-01-04', 'x')",
    "INSERT INTO schedule_overlays (name, starts_at, ends_at, action) VALUES ('x', now(), now() + interval '1h', 'stop')",
    "INSERT INTO job_dependencies (job_id, depends_on) VALUES (2, 1)",
)
ADMINISTER = (
    "INSERT INTO market_accounts (market_code, base_url) VALUES ('coupang', 'https://example.com')",
    "UPDATE scheduler_settings SET value = '1 minute' WHERE name = 'minimum_interval'",
    "INSERT INTO calendars (name) VALUES ('courier')", "INSERT INTO job_executions (job_id) VALUES (1)",
)
NEVER = (
    "DELETE FROM job_revisions", "UPDATE schedule_migrations SET name = 'x'", "DROP TABLE schedule_jobs",
    "CREATE TABLE mine (id int)", "ALTER TABLE schedule_jobs DISABLE TRIGGER ALL",
)


def act_as(rows: Rows, name: str) -> None:
    rows.connection.execute(f"SET ROLE erp_scheduler_{name}")


def refused(rows: Rows, statement: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        rows.connection.execute(statement.encode())


def test_a_reader_reads_and_nothing_else(rows: Rows) -> None:
    act_as(rows, "reader")
    for statement in READ:
        rows.connection.execute(statement.encode())
    for statement in (*OPERATE, *ADMINISTER, *NEVER, "SELECT * FROM market_tokens"):
        refused(rows, statement)


def test_an_operator_calls_functions_and_edits_what_people_edit(rows: Rows) -> None:
    act_as(rows, "operator")
    for statement in (*READ, *OPERATE):
        rows.connection.execute(statement.encode())
    for statement in (
        *ADMINISTER, *NEVER, "UPDATE schedule_jobs SET fence = 9", "UPDATE schedule_jobs SET last_error = NULL",
        "UPDATE job_executions SET status = 'success'", "DELETE FROM job_executions",
        "INSERT INTO job_revisions (job_id) VALUES (1)", "SELECT * FROM market_tokens",
    ):
        refused(rows, statement)


def test_what_an_operator_did_is_written_under_the_name_of_the_login(rows: Rows) -> None:
    act_as(rows, "operator")
    rows.connection.execute("SELECT schedule_pause(1)")
    actor, login = rows.one("SELECT actor, session_user FROM job_revisions WHERE job_id = 1 ORDER BY revision DESC LIMIT 1")
    assert actor == login


def test_an_operator_cannot_put_a_table_of_his_own_in_the_way(rows: Rows) -> None:
    act_as(rows, "operator")
    rows.connection.execute("CREATE TEMP TABLE schedule_jobs (id bigint, name text, status text)")
    rows.connection.execute("SET search_path = pg_temp, public")
    assert rows.one("SELECT job_id FROM schedule_resume('orders')") == 1


def test_an_admin_writes_everything_but_history(rows: Rows) -> None:
    act_as(rows, "admin")
    for statement in (*READ, *OPERATE, *ADMINISTER):
        rows.connection.execute(statement.encode())
    for statement in NEVER:
        refused(rows, statement)


def test_a_daemon_of_its_role_plans_claims_and_records(rows: Rows, database: str) -> None:
    rows.connection.execute("CREATE ROLE erp_test_daemon LOGIN IN ROLE erp_scheduler_daemon")
    try:
        act_as(rows, "daemon")
        for statement in (*READ, "SELECT * FROM market_tokens", "SELECT schedule_run_now(1)",
                          "INSERT INTO schedule_locks (job_id) VALUES (1)", "UPDATE schedule_jobs SET fence = fence + 1",
                          "UPDATE job_executions SET status = 'running' WHERE id = 1", "DELETE FROM schedule_forecast",
                          "DELETE FROM execution_logs"):
            rows.connection.execute(statement.encode())
        for statement in NEVER[1:]:
            refused(rows, statement)
    finally:
        rows.connection.execute("RESET ROLE")
        rows.connection.execute("DROP ROLE erp_test_daemon")


@pytest.fixture
def operator(rows: Rows) -> Iterator[Rows]:
    """Log in as an operator: rights that go by the login, not by the role of the moment."""
    rows.connection.execute("CREATE ROLE erp_test_minji LOGIN IN ROLE erp_scheduler_operator")
    rows.connection.execute("INSERT INTO schedule_jobs (name, job_type, parameters)"
                            " VALUES ('made by an admin', 'sql_statement', '{\"statement\": \"SELECT 1\"}')")
    rows.connection.execute("SET SESSION AUTHORIZATION erp_test_minji")
    yield rows
    rows.connection.execute("RESET SESSION AUTHORIZATION")
    rows.connection.execute("DROP ROLE erp_test_minji")


def test_a_session_that_calls_itself_a_daemon_is_none(operator: Rows) -> None:
    operator.connection.execute("SET application_name = 'erp-scheduler daemon'")
    with pytest.raises(psycopg.errors.CheckViolation):
        operator.connection.execute("UPDATE schedule_jobs SET interval = '1 second' WHERE id = 1")
    operator.connection.execute("UPDATE schedule_jobs SET interval = '2h' WHERE id = 1")
    assert operator.one("SELECT actor FROM job_revisions WHERE job_id = 1 ORDER BY revision DESC LIMIT 1") == "erp_test_minji"


def test_an_operator_runs_a_statement_that_an_admin_wrote_and_writes_none(operator: Rows) -> None:
    operator.connection.execute("SELECT schedule_run_now('made by an admin')")
    for refused in (
        "INSERT INTO schedule_jobs (name, job_type, parameters) VALUES ('x', 'sql_statement', '{\"statement\": \"SELECT 2\"}')",
        "UPDATE schedule_jobs SET parameters = '{\"statement\": \"SELECT 2\"}' WHERE name = 'made by an admin'",
        "UPDATE schedule_jobs SET job_type = 'sql_statement' WHERE id = 1",
        "SELECT schedule_run_now('made by an admin', '{\"statement\": \"SELECT 2\"}')",
        "SELECT schedule_run_once('sql_statement', '{\"statement\": \"SELECT 2\"}')",
        "INSERT INTO schedule_workflows (name, steps) VALUES ('w', '[{\"name\": \"a\", \"job_type\": \"sql_statement\"}]')",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="only an admin writes the statement"):
            operator.connection.execute(refused.encode())
    operator.connection.execute("UPDATE schedule_jobs SET description = 'mine' WHERE name = 'made by an admin'")
    operator.connection.execute("UPDATE job_executions SET available_at = now()")
