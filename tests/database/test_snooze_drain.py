"""Snoozed jobs and drained nodes in SQL: what is hidden, what never is, how each ends, and that it is on record."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from scheduler.queries.actors import NAME_ACTOR
from tests.database.test_sql_roles import NAMES, ROLES
from tests.support.daemons import Rows

PROBLEMS = "SELECT kind FROM schedule_problems ORDER BY kind"
DAEMON, PERSON = "SET application_name = 'erp-scheduler daemon t'", "RESET application_name"


@pytest.fixture
def rows(connection: psycopg.Connection[Any]) -> Rows:
    return Rows(connection)


def a_node(rows: Rows, name: str = "a", types: str = "{noop}", state: str = "running", silent: str = "0 s") -> None:
    rows.connection.execute(
        "INSERT INTO scheduler_nodes (instance_id, name, host, pid, version, workers, running, lease_seconds, job_types, state,"
        " seen_at) VALUES (gen_random_uuid(), %s, 'h', 1, '1', 4, 1, 60, %s, %s, now() - %s::interval)",
        (name, types, state, silent))


def an_ill_job(rows: Rows, name: str = "주문") -> int:
    job = rows.add_job(name, interval="1h")
    as_daemon(rows, "UPDATE schedule_jobs SET consecutive_failures = 2, last_error = 'HTTP 401' WHERE id = %s", job)
    return job


def as_daemon(rows: Rows, statement: str, *values: Any) -> None:
    rows.connection.execute(DAEMON)
    rows.connection.execute(statement.encode(), values or None)
    rows.connection.execute(PERSON)


def refused(rows: Rows, statement: str) -> tuple[str, str]:
    with pytest.raises(psycopg.Error) as caught:
        rows.connection.execute(statement.encode())
    return caught.value.diag.message_primary or "", caught.value.diag.message_hint or ""


# -- snooze -----------------------------------------------------------------------------------------------------------------


def test_a_snooze_hides_the_job_and_nothing_that_is_worse(rows: Rows) -> None:
    job, other = an_ill_job(rows), an_ill_job(rows, "상품")
    rows.connection.execute("INSERT INTO schedule_locks (job_id) VALUES (%s)", (job,))
    assert rows.all(PROBLEMS) == ["failing", "failing", "lock_by_hand", "no_node"]
    rows.one("SELECT schedule_snooze('주문', '2 hours', reason => '  마켓에 문의함 ')")
    assert rows.all(PROBLEMS) == ["failing", "no_node"]
    assert rows.one("SELECT job_id FROM schedule_problems WHERE kind = 'failing'") == other
    shown = rows.one("SELECT job_name, until - since, reason, until_fixed, by_whom = session_user FROM schedule_snoozes_live")
    assert (shown[0], str(shown[1]), *shown[2:]) == ("주문", "2:00:00", "마켓에 문의함", False, True)
    assert rows.one("SELECT snoozed_jobs, failing_jobs FROM schedule_status()") == (1, 2)
    rows.one("SELECT schedule_unsnooze(%s::bigint)", job)
    assert rows.all(PROBLEMS) == ["failing", "failing", "lock_by_hand", "no_node"]


def test_it_ends_by_the_clock_and_by_hand_at_once(rows: Rows) -> None:
    a_node(rows)
    job = an_ill_job(rows)
    rows.one("SELECT schedule_snooze(%s::bigint, until => now() + interval '1 day')", job)
    assert rows.all(PROBLEMS) == []
    rows.connection.execute("UPDATE schedule_snoozes SET since = now() - interval '2 hours', until = now() - interval '1 hour'")
    assert rows.all(PROBLEMS) == ["failing"] and rows.all("SELECT job_id FROM schedule_snoozes_live") == []
    rows.connection.execute("UPDATE schedule_snoozes SET since = now(), until = NULL WHERE job_id = %s", (job,))
    assert rows.all(PROBLEMS) == []
    rows.connection.execute("DELETE FROM schedule_snoozes")
    assert rows.all(PROBLEMS) == ["failing"]


def test_until_fixed_ends_with_the_first_success_and_a_later_failure_shows(rows: Rows) -> None:
    a_node(rows)
    job = an_ill_job(rows)
    as_daemon(rows, "UPDATE schedule_jobs SET last_success_at = now() - interval '1 day' WHERE id = %s", job)
    rows.one("SELECT schedule_snooze('주문')")
    as_daemon(rows, "UPDATE schedule_jobs SET consecutive_failures = 9 WHERE id = %s", job)
    assert rows.all(PROBLEMS) == []
    as_daemon(rows, "UPDATE schedule_jobs SET consecutive_failures = 0, last_success_at = clock_timestamp() WHERE id = %s", job)
    assert rows.all("SELECT job_id FROM schedule_snoozes_live") == []
    as_daemon(rows, "UPDATE schedule_jobs SET consecutive_failures = 1 WHERE id = %s", job)
    assert rows.all(PROBLEMS) == ["failing"]
    rows.one("SELECT schedule_snooze('주문')")
    assert rows.all(PROBLEMS) == []


def test_a_job_that_cannot_be_run_as_written_may_be_snoozed(rows: Rows) -> None:
    a_node(rows)
    job = rows.add_job("크론", cron_expression="0 9 * * *")
    as_daemon(rows, "UPDATE schedule_jobs SET status = 'invalid', last_error = 'bad' WHERE id = %s", job)
    assert rows.all(PROBLEMS) == ["invalid"]
    rows.one("SELECT schedule_snooze(%s::bigint, '1 hour')", job)
    assert rows.all(PROBLEMS) == []


@pytest.mark.parametrize(("call", "message", "hint"), [
    ("SELECT schedule_snooze('nowhere')", "no job 'nowhere'", "schedule_jobs"),
    ("SELECT schedule_snooze(1, '-1 hour')", "is not between now and 366 days from now", "schedule_snooze(7, '1 hour')"),
    ("SELECT schedule_snooze(1, '0')", "is not between now and 366 days from now", "schedule_snooze(7)"),
    ("SELECT schedule_snooze(1, until => now() + interval '2 years')", "is not between now", "schedule_snooze(7)"),
    ("SELECT schedule_snooze(1, '1 hour', now() + interval '1 hour')", "at most one of duration and until", "schedule_snooze"),
    ("SELECT schedule_unsnooze(1)", "job 1 is not snoozed", "schedule_snoozes_live"),
    ("SELECT schedule_drain('nowhere')", "no node 'nowhere'", "schedule_nodes_live"),
    ("SELECT schedule_undrain('a')", "node 'a' is not drained", "schedule_drains"),
])
def test_refusals_say_why_and_what_to_type(rows: Rows, call: str, message: str, hint: str) -> None:
    rows.add_job("주문")
    a_node(rows)
    said, way_out = refused(rows, call)
    assert message in said and hint in way_out
    for each in rows.all("SELECT count(*) FROM schedule_snoozes UNION ALL SELECT count(*) FROM schedule_drains"):
        assert each == 0


def test_edits_are_heard_and_written_down_once_whoever_makes_them(rows: Rows) -> None:
    job = an_ill_job(rows)
    a_node(rows)
    rows.connection.execute("LISTEN erp_scheduler; LISTEN erp_scheduler_pages")
    rows.connection.execute("INSERT INTO schedule_snoozes (job_id, reason) VALUES (%s, 'x')", (job,))
    rows.one("SELECT schedule_drain('a')")
    heard = [(notice.channel, notice.payload) for notice in rows.connection.notifies(timeout=2, stop_after=2)]
    assert heard == [("erp_scheduler_pages", "schedule_snoozes"), ("erp_scheduler", "schedule_drains")]
    with rows.connection.transaction():
        rows.connection.execute(NAME_ACTOR, {"actor": "민지", "via": "cli"})
        rows.one("SELECT schedule_undrain('a')")
    with rows.connection.transaction():
        rows.connection.execute("SELECT set_config('erp_scheduler.via', 'rest', true)")    # which writes its own line
        rows.one("SELECT schedule_drain('a')")
    rows.connection.execute("DELETE FROM schedule_jobs")
    assert rows.all("SELECT action, object, object_name, via, after ->> 'reason' FROM audit_log ORDER BY id") == [
        ("job.snooze", f"job:{job}", "주문", "sql", "x"), ("node.drain", "node:a", "a", "sql", None),
        ("node.undrain", "node:a", "a", "cli", None)]
    assert rows.one("SELECT actor FROM audit_log ORDER BY id DESC LIMIT 1") == "민지"
    assert rows.one("SELECT count(*) FROM schedule_snoozes") == 0


# -- drain ------------------------------------------------------------------------------------------------------------------


def test_a_drained_node_is_seen_and_counts_no_free_slot(rows: Rows) -> None:
    a_node(rows)
    a_node(rows, "b")
    rows.one("SELECT schedule_drain('a', reason => '디스크')")
    assert rows.one("SELECT nodes_alive, nodes_drained, slots FROM schedule_status()") == (2, 1, 5)
    assert rows.all("SELECT name, drained_since IS NOT NULL, drain_reason FROM schedule_nodes_live ORDER BY name") == [
        ("a", True, "디스크"), ("b", False, None)]
    assert rows.all(PROBLEMS) == []
    rows.one("SELECT schedule_drain('b')")
    severity, ko, en, fix = rows.one("SELECT severity, ko, en, fix FROM schedule_problems WHERE kind = 'drained'")
    assert severity == 1 and ko.endswith("a, b") and en == "every node is drained, so nothing new starts: a, b"
    rows.connection.execute(f"EXPLAIN {fix}".encode())
    assert rows.all(PROBLEMS) == ["drained"]
    rows.connection.execute(fix.encode())
    assert rows.all(PROBLEMS) == []
    rows.one("SELECT schedule_drain('a')")
    assert rows.one("SELECT reason FROM schedule_drain('a', '다른 이유')") == "다른 이유"


def test_why_names_the_drain_and_the_way_out_when_nobody_else_knows_the_type(rows: Rows) -> None:
    a_node(rows, "a")
    a_node(rows, "b", "{other}")
    job = rows.add_job("대기")
    rows.run_now(job)
    why = "SELECT cause, ko, en, fix FROM schedule_why(%s)"
    assert rows.one(why, job)[0] == "queued"
    rows.one("SELECT schedule_drain('a')")
    for state in ("running", "draining", "drained"):
        rows.connection.execute("UPDATE scheduler_nodes SET state = %s WHERE name = 'a'", (state,))
        cause, ko, en, fix = rows.one(why, job)
        assert (cause, fix) == ("drained", "SELECT * FROM schedule_undrain('a');")
        assert "모두 비워" in ko and en == "every node that knows job type noop is drained and takes no new work: a"
    a_node(rows, "c")
    assert rows.one(why, job)[0] == "queued"
    rows.connection.execute("DELETE FROM scheduler_nodes WHERE name = 'c'")
    rows.connection.execute(fix.encode())
    rows.connection.execute("UPDATE scheduler_nodes SET state = 'draining' WHERE name = 'a'")
    assert rows.one(why, job)[0] == "missing_handler"          # a stop is no drain: it goes away


def test_a_drain_goes_by_name_and_needs_no_living_node(rows: Rows) -> None:
    a_node(rows, "a", silent="3 hours")
    rows.one("SELECT schedule_drain('a')")
    rows.connection.execute("DELETE FROM scheduler_nodes")
    rows.one("SELECT schedule_drain('a', 'again')")
    assert rows.all(PROBLEMS) == ["no_node"] and rows.one("SELECT nodes_drained FROM schedule_status()") == 0
    with pytest.raises(psycopg.errors.CheckViolation):
        rows.connection.execute("UPDATE schedule_drains SET node = ''")


@pytest.fixture
def roles(rows: Rows) -> Iterator[Rows]:
    rows.connection.execute(ROLES.encode())
    yield rows
    rows.connection.execute("RESET ROLE")
    for name in NAMES:
        rows.connection.execute(f"DROP OWNED BY erp_scheduler_{name}")
    for name in reversed(NAMES):
        rows.connection.execute(f"DROP ROLE erp_scheduler_{name}")


def test_an_operator_may_and_a_reader_only_looks(roles: Rows) -> None:
    job = an_ill_job(roles)
    a_node(roles)
    calls = ("SELECT schedule_snooze('주문')", f"SELECT schedule_unsnooze({job})", "SELECT schedule_drain('a')",
             "SELECT schedule_undrain('a')")
    roles.connection.execute("SET ROLE erp_scheduler_reader")
    roles.connection.execute("SELECT * FROM schedule_snoozes_live, schedule_drains, schedule_problems")
    for call in calls:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            roles.connection.execute(call.encode())
    roles.connection.execute("SET ROLE erp_scheduler_operator")
    for call in calls:
        roles.connection.execute(call.encode())
    assert roles.one("SELECT count(*) FROM audit_log") == 4


def test_nobody_keeps_a_drain_off_the_record_by_calling_himself_the_web(roles: Rows) -> None:
    a_node(roles)
    roles.connection.execute("CREATE ROLE erp_test_minji LOGIN IN ROLE erp_scheduler_operator")
    roles.connection.execute("SET SESSION AUTHORIZATION erp_test_minji")
    try:
        for setting, value in (("erp_scheduler.via", "web"), ("application_name", "erp-scheduler daemon")):
            roles.connection.execute(f"SET {setting} = '{value}'".encode())
            roles.one("SELECT schedule_drain('a')")
        assert roles.all("SELECT actor, via FROM audit_log") == [("erp_test_minji", "sql")] * 2
    finally:
        roles.connection.execute("RESET SESSION AUTHORIZATION")
        roles.connection.execute("DROP ROLE erp_test_minji")
