"""The functions that people call with plain SQL: what they do, refuse and say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from scheduler.model import HandlerSpec
from scheduler.protocol.forecast import foresee
from scheduler.protocol.plan import plan
from tests.protocol.conftest import Node
from tests.support.daemons import Rows

SPECS = {"noop": HandlerSpec("noop", "tests")}


@pytest.fixture
def orders(rows: Rows) -> int:
    return int(rows.one(
        "SELECT id FROM schedule_add_job('주문 수집', 'noop', every => '30m', markets => '{coupang,naver}',"
        " parameters => '{\"days\": 1}')"))


def refused(rows: Rows, statement: str, *values: Any) -> psycopg.errors.Diagnostic:
    """Return what the database says of a refusal, which is never without a hint in each language."""
    said = []
    for language in ("ko", "en"):
        rows.connection.execute("SELECT set_config('erp_scheduler.lang', %s, false)", (language,))
        with pytest.raises(psycopg.Error) as caught:
            rows.connection.execute(statement.encode(), values)
        said.append(caught.value.diag)
    korean, english = (each.message_hint or "" for each in said)
    assert any("가" <= letter <= "힣" for letter in korean) and english and english != korean
    assert said[0].message_primary == said[1].message_primary
    return said[1]


def test_add_job_makes_a_row_and_a_second_call_changes_only_what_it_names(rows: Rows, orders: int) -> None:
    again = rows.one(
        "SELECT id, interval::text, parameters, max_retries, market_codes FROM schedule_add_job('주문 수집', retries => 9)")
    assert again == (orders, "00:30:00", {"days": 1}, 9, ["coupang", "naver"])
    changed = rows.one(
        "SELECT interval, specific_times::text, timezone, timeout_minutes, on_holiday, calendar"
        "  FROM schedule_add_job('주문 수집', at => '{09:00,18:00}', timezone => 'UTC', timeout => 5, on_holiday => 'skip')")
    assert changed == (None, "{09:00:00,18:00:00}", "UTC", 5, "skip", "kr")
    assert rows.one("SELECT count(*) FROM schedule_jobs") == 1


def test_after_names_exactly_the_jobs_it_waits_for(rows: Rows, orders: int) -> None:
    rows.one("SELECT id FROM schedule_add_job('재고', 'noop')")
    rows.one("SELECT id FROM schedule_add_job('보고서', 'noop', after => '{주문 수집,재고}')")
    rows.connection.execute("UPDATE job_dependencies SET seen_at = '2026-01-01'")
    rows.one("SELECT id FROM schedule_add_job('보고서', after => ARRAY[%s, '주문 수집'])", str(orders))
    assert rows.all("SELECT depends_on, condition, seen_at FROM job_dependencies") == [
        (orders, "since_last_run", datetime(2026, 1, 1, tzinfo=UTC))]
    assert "no job 'nix'" in (refused(rows, "SELECT schedule_add_job('보고서', after => '{nix}')").message_primary or "")
    rows.one("SELECT id FROM schedule_add_job('보고서', after => '{}')")
    assert rows.one("SELECT count(*) FROM job_dependencies") == 0


def test_a_wrong_job_is_refused_as_at_the_table(rows: Rows, orders: int) -> None:
    assert "not between" in (refused(rows, "SELECT schedule_add_job('b', 'noop', every => '1M')").message_primary or "")
    two = refused(rows, "SELECT schedule_reschedule(%s, every => '1h', at => '{09:00}')", orders)
    assert "at most one of" in (two.message_primary or "")
    with pytest.raises(psycopg.errors.CheckViolation, match="job_type NULL"):
        rows.connection.execute("SELECT schedule_add_job('without a type')")


@pytest.mark.parametrize("call", ["schedule_run_now({id})", "schedule_run_now('주문 수집')", "schedule_run_now('{id}')",
                                  "schedule_run_now({id}::smallint)", "schedule_run_now(job => {id}, parameters => NULL)"])
def test_run_now_takes_ids_and_names(rows: Rows, orders: int, call: str) -> None:
    number = rows.one(f"SELECT {call.replace('{id}', str(orders))}")
    queued = rows.one(
        "SELECT job_id, job_name, trigger, status, parameters, market_codes FROM job_executions WHERE id = %s", number)
    assert queued == (
        orders, "주문 수집", "manual", "queued", {"days": 1}, ["coupang", "naver"])


async def test_what_run_now_queues_is_claimed_with_its_own_parameters(rows: Rows, orders: int, node: Node) -> None:
    number = rows.one("SELECT schedule_run_now(%s, '{\"days\": 3}', '{11st}')", orders)
    [taken] = await node.claim()
    assert (taken.id, taken.parameters, list(taken.market_codes)) == (number, {"days": 3}, ["11st"])


def test_what_nobody_would_claim_is_not_queued(rows: Rows, orders: int) -> None:
    rows.one("SELECT id FROM schedule_pause(%s)", orders)
    assert refused(rows, "SELECT schedule_run_now(%s)", orders).message_primary == f'job {orders} "주문 수집" is paused'
    rows.connection.execute("SET application_name = 'erp-scheduler daemon t'")
    rows.connection.execute("UPDATE schedule_jobs SET status = 'invalid', last_error = 'no such zone'")
    rows.connection.execute("RESET application_name")
    assert "cannot be run: no such zone" in (refused(rows, "SELECT schedule_run_now(%s)", orders).message_primary or "")
    assert refused(rows, "SELECT schedule_run_now(4711)").message_primary == "no job with id 4711"
    assert refused(rows, "SELECT schedule_run_now('x')").sqlstate == "P0002"
    assert rows.one("SELECT count(*) FROM job_executions") == 0


def test_run_in_waits_and_refuses_what_is_no_delay(rows: Rows, orders: int) -> None:
    number = rows.one("SELECT schedule_run_in(%s, '10 minutes')", orders)
    assert rows.one("SELECT available_at - now() BETWEEN '9 minutes' AND '10 minutes' FROM job_executions WHERE id = %s", number)
    for delay in ("-1 second", "400 days"):
        assert "is not between" in (refused(rows, "SELECT schedule_run_in(%s, %s)", orders, delay).message_primary or "")
    refused(rows, "SELECT schedule_run_now(%s, '[1]')", orders)


async def test_run_once_needs_no_job_and_runs_side_by_side(rows: Rows, node: Node) -> None:
    numbers = [rows.one("SELECT schedule_run_once('echo', %s)", f'{{"number": {n}}}') for n in range(3)]
    rows.one("SELECT schedule_run_once('echo', delay => '1 hour')")
    assert rows.all("SELECT name, overlap_policy, max_instances, tags, interval FROM schedule_jobs") == [
        ("echo (one-off)", "allow", 100, ["one-off"], None)]
    taken = [each for _ in range(3) for each in await node.claim()]
    assert sorted(each.id for each in taken) == numbers
    rows.connection.execute("SET application_name = 'erp-scheduler daemon t'")
    rows.connection.execute("UPDATE schedule_jobs SET status = 'invalid', last_error = 'days is missing'")
    rows.connection.execute("RESET application_name")
    rows.one("SELECT schedule_run_once('echo', '{\"days\": 1}')")
    assert rows.one("SELECT status, parameters FROM schedule_jobs") == ("active", {})


def test_pause_and_resume_make_up_for_a_missed_time_once(rows: Rows, orders: int) -> None:
    rows.connection.execute("SET application_name = 'erp-scheduler daemon t'")
    rows.connection.execute("UPDATE schedule_jobs SET next_run_at = now() + interval '1 second'")
    rows.connection.execute("RESET application_name")
    paused = rows.one("SELECT status, pause_reason FROM schedule_pause(%s, now() + interval '1h', '점검')", orders)
    assert paused == ("paused", "점검")
    rows.connection.execute(
        "UPDATE job_revisions SET changed_at = changed_at - interval '1 hour',"
        " old = jsonb_set(old, '{next_run_at}', to_jsonb(now() - interval '10 minutes')) WHERE action = 'update'")
    _, status, missed, execution = rows.one("SELECT * FROM schedule_resume(%s, run_missed => true)", orders)
    assert status == "active" and timedelta(minutes=9) < datetime.now(UTC) - missed < timedelta(minutes=11)
    assert rows.one("SELECT trigger, status, scheduled_for FROM job_executions WHERE id = %s", execution) == (
        "catchup", "queued", missed)
    assert rows.one("SELECT * FROM schedule_resume(%s, run_missed => true)", orders) == (orders, "active", None, None)
    assert rows.one("SELECT paused_until FROM schedule_jobs") is None


def test_a_run_made_up_for_counts_against_max_runs(rows: Rows, orders: int) -> None:
    rows.connection.execute("UPDATE schedule_jobs SET max_runs = 5")
    rows.one("SELECT id FROM schedule_pause(%s)", orders)
    rows.connection.execute(
        "UPDATE job_revisions SET changed_at = changed_at - interval '1 hour',"
        " old = jsonb_set(old, '{next_run_at}', to_jsonb(now() - interval '10 minutes')) WHERE action = 'update'")
    rows.one("SELECT execution_id FROM schedule_resume(%s, run_missed => true)", orders)
    assert rows.one("SELECT occurrence_count, status FROM schedule_jobs") == (1, "active")


def test_resume_without_a_missed_time_queues_nothing(rows: Rows, orders: int) -> None:
    rows.one("SELECT id FROM schedule_pause(%s)", orders)
    assert rows.one("SELECT * FROM schedule_resume(%s, run_missed => true)", orders) == (orders, "active", None, None)
    refused(rows, "SELECT schedule_pause(%s, '2026-01-01')", orders)
    rows.connection.execute("UPDATE schedule_jobs SET status = 'completed'")
    assert "is completed" in (refused(rows, "SELECT schedule_resume(%s)", orders).message_primary or "")


async def test_retry_keeps_the_planned_time_and_counts_on(rows: Rows, orders: int, node: Node) -> None:
    number = rows.one("SELECT schedule_run_now(%s)", orders)
    assert "waits or runs" in (refused(rows, "SELECT schedule_retry(%s)", number).message_primary or "")
    rows.connection.execute("UPDATE job_executions SET status = 'failed', finished_at = now(), checkpoint = '{\"page\": 4}'")
    again = rows.one("SELECT schedule_retry(%s)", number)
    assert rows.one(
        "SELECT attempt, trigger, retry_of, checkpoint, failed_attempts FROM job_executions WHERE id = %s", again) == (
        2, "retry", number, {"page": 4}, 0)
    rows.connection.execute("UPDATE job_executions SET status = 'failed' WHERE id = %s", (again,))
    third = rows.one("SELECT schedule_retry(%s, '{\"days\": 9}')", again)
    assert rows.one("SELECT attempt, parameters, checkpoint FROM job_executions WHERE id = %s", third) == (3, {"days": 9}, None)
    [taken] = await node.claim()
    assert taken.id == third
    rows.connection.execute("DELETE FROM schedule_jobs")
    assert "was deleted" in (refused(rows, "SELECT schedule_retry(%s)", number).message_primary or "")
    assert refused(rows, "SELECT schedule_retry(4711)").message_primary == "no execution 4711"


async def test_cancel_says_why_at_once_or_soon(rows: Rows, orders: int, node: Node) -> None:
    running = rows.one("SELECT schedule_run_now(%s)", orders)
    await node.claim()
    waiting = rows.one("SELECT schedule_run_now(%s)", orders)
    assert rows.one("SELECT schedule_cancel(%s, 'wrong days')", waiting) == "cancelled"
    assert rows.one("SELECT schedule_cancel(%s, 'too slow')", running) == "cancel_requested"
    assert rows.all("SELECT status, cancel_requested, cancel_reason FROM job_executions ORDER BY id") == [
        ("running", True, "too slow"), ("cancelled", False, "wrong days")]
    assert "has ended already" in (refused(rows, "SELECT schedule_cancel(%s)", waiting).message_primary or "")


async def test_release_lock_asks_for_force_where_somebody_works(rows: Rows, orders: int, node: Node) -> None:
    assert "has no lock" in (refused(rows, "SELECT schedule_release_lock(%s)", orders).message_primary or "")
    number = rows.one("SELECT schedule_run_now(%s)", orders)
    await node.claim()
    assert f"node a is running job {orders}" in (refused(rows, "SELECT schedule_release_lock(%s)", orders).message_primary or "")
    assert rows.one("SELECT * FROM schedule_release_lock(%s, force => true)", orders) == (0, number, "a", True)
    rows.connection.execute("INSERT INTO schedule_locks (job_id, expires_at) VALUES (%s, now() - interval '1 minute')", (orders,))
    assert rows.one("SELECT living FROM schedule_release_lock(%s)", orders) is False


def test_upcoming_reads_the_forecast_of_one_or_all(rows: Rows, orders: int) -> None:
    rows.one("SELECT id FROM schedule_add_job('b', 'noop')")
    rows.connection.execute("INSERT INTO schedule_forecast SELECT id, at, at FROM schedule_jobs,"
                            " generate_series(now() + interval '1 hour', now() + interval '40 hours', '1 hour') AS at")
    for call, count in (("schedule_upcoming()", 20), ("schedule_upcoming(7)", 7), ("schedule_upcoming(100)", 48),
                        ("schedule_upcoming(100, '2 days')", 80), (f"schedule_upcoming(job => {orders})", 20),
                        ("schedule_upcoming(n => 100, job => '주문 수집')", 24)):
        assert rows.one(f"SELECT count(*) FROM {call}") == count


def test_describe_speaks_the_daemons_words_or_shows_the_columns(rows: Rows, orders: int) -> None:
    assert rows.one("SELECT ko, en FROM schedule_describe(%s)", orders) == ("interval 00:30:00",) * 2
    rows.connection.execute("INSERT INTO schedule_words VALUES (%s, '30분마다', 'every 30 minutes', 1, now())", (orders,))
    assert rows.one("SELECT ko, en FROM schedule_describe('주문 수집')") == ("30분마다", "every 30 minutes")


SCHEMA = """{"type": "object", "additionalProperties": false, "required": ["name"],
             "properties": {"days": {"type": "integer", "minimum": 1, "maximum": 31}, "name": {"type": ["string", "null"]}}}"""


@pytest.mark.parametrize(("parameters", "faults"), [
    ('{"name": null, "days": 3}', []), ('{"name": "x", "days": 3.0}', []), ('{}', [("name", "missing")]),
    ('{"name": "x", "day": 3}', [("day", "unknown")]), ('{"name": 3}', [("name", "type")]),
    ('{"name": "x", "days": "3"}', [("days", "type")]),
    ('{"name": "x", "days": 32}', [("days", "range")]), ('{"name": "x", "days": 1.5}', [("days", "type")]),
    ('[]', [(None, "not_an_object"), ("name", "missing")]),
])
def test_check_names_faults_before_anything_runs(rows: Rows, parameters: str, faults: list[tuple[str | None, str]]) -> None:
    rows.connection.execute("INSERT INTO job_types (job_type, source, params_schema) VALUES ('typed', 'x', %s)", (SCHEMA,))
    assert rows.all("SELECT parameter, fault FROM schedule_check('typed', %s)", parameters) == faults
    assert rows.all("SELECT fault FROM schedule_check('other')") == ["unknown_type"]


def test_status_is_one_row_and_help_has_an_example_that_parses(rows: Rows, orders: int) -> None:
    rows.one("SELECT schedule_run_now(%s)", orders)
    assert rows.one("SELECT nodes_alive, queued, active_jobs FROM schedule_status()") == (0, 1, 1)
    helped = rows.all("SELECT name, ko, en, example FROM schedule_help()")
    named = {each[0] for each in helped}
    assert {"schedule_add_job", "schedule_why", "schedule_restore", "schedule_help"} <= named and len(named) >= 17
    for _, korean, english, example in helped:
        assert any("가" <= letter <= "힣" for letter in korean) and english
        rows.connection.execute(f"EXPLAIN {example}".encode())


async def test_what_is_run_once_hides_its_job_and_is_judged_when_it_runs(node: Node, rows: Rows) -> None:
    specs = {"echo": HandlerSpec("echo", "tests", params_schema={"type": "object", "required": ["n"]})}
    first = rows.one("SELECT schedule_run_once('echo', '{\"zzz\": 1}')")
    await plan(node.connection, specs)
    assert [each.id for each in await node.claim()] == [first]
    rows.connection.execute("UPDATE schedule_jobs SET status = 'paused'")
    rows.one("SELECT schedule_run_once('echo', '{\"n\": 1}')")
    assert rows.all("SELECT name, status, hidden FROM schedule_jobs") == [("echo (one-off)", "active", True)]
    assert rows.all("SELECT * FROM schedule_overview") == [] and rows.one("SELECT active_jobs FROM schedule_status()") == 0


async def test_no_time_is_told_that_will_not_come_and_none_denied_that_will(node: Node, rows: Rows) -> None:
    known, far = rows.add_job("known", interval="1 hour"), rows.add_job("far", interval="1 day")
    await plan(node.connection, SPECS)
    await foresee(node.connection)
    rows.connection.execute("DELETE FROM schedule_forecast WHERE job_id = %s", (far,))  # as beyond the jobs looked ahead for
    assert rows.one("SELECT name FROM schedule_upcoming(job => %s)", far) == "far"
    at = rows.one("SELECT next_run_at FROM schedule_jobs WHERE id = %s", far)
    assert rows.one("SELECT cause FROM schedule_why(%s::bigint, %s) LIMIT 1", far, at) == "planned"
    at = rows.one("SELECT next_run_at FROM schedule_jobs WHERE id = %s", known)
    rows.connection.execute("UPDATE schedule_jobs SET status = 'completed' WHERE id = %s", (known,))
    assert rows.all("SELECT run_at FROM schedule_upcoming(job => %s)", known) == []
    assert rows.one("SELECT cause FROM schedule_why(%s::bigint, %s) LIMIT 1", known, at) == "ended"


def test_a_moment_takes_the_place_of_all_that_repeats(rows: Rows) -> None:
    job = rows.add_job("one", interval="1 hour", max_runs=3, days_of_week="mon-fri")
    rows.connection.execute("SELECT schedule_reschedule(%s::bigint, run_at => now() + interval '1 day')", (job,))
    assert rows.one("SELECT max_runs, days_of_week, interval, run_at > now() FROM schedule_jobs") == (None, None, None, True)
