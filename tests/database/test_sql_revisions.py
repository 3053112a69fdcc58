"""The history of jobs: what is written, by whom, and the way back."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from tests.support.daemons import Rows


@pytest.fixture
def rows(connection: psycopg.Connection[Any]) -> Rows:
    return Rows(connection)


@pytest.fixture
def job(rows: Rows) -> int:
    return int(rows.one(
        "INSERT INTO schedule_jobs (name, job_type, interval, specific_times, market_codes, parameters, tags)"
        " VALUES ('주문', 'noop', '20 days 02:00:05', NULL, '{coupang}', '{\"days\": 1}', '{a,b}') RETURNING id"))


def history(rows: Rows, job: int) -> list[Any]:
    return rows.all("SELECT revision, action, changed FROM job_revisions WHERE job_id = %s ORDER BY revision", job)


def name_actor(rows: Rows, actor: str, via: str) -> None:
    rows.connection.execute(
        "SELECT set_config('erp_scheduler.actor', %s, false), set_config('erp_scheduler.via', %s, false)", (actor, via))


def test_each_edit_is_one_revision_with_its_author_and_door(rows: Rows, job: int) -> None:
    name_actor(rows, "minji", "web")
    rows.connection.execute("UPDATE schedule_jobs SET interval = '1h', max_retries = 9")
    name_actor(rows, "", "telnet")
    rows.connection.execute("DELETE FROM schedule_jobs")
    assert history(rows, job) == [(1, "insert", []), (2, "update", ["interval", "max_retries"]), (3, "delete", [])]
    login = rows.one("SELECT session_user::text")
    assert rows.all("SELECT actor, via FROM job_revisions ORDER BY id") == [(login, "sql"), ("minji", "web"), (login, "sql")]
    assert rows.one("SELECT old ->> 'max_retries', new ->> 'max_retries' FROM job_revisions WHERE revision = 2") == ("3", "9")
    assert rows.one("SELECT new FROM job_revisions WHERE revision = 3") is None


def test_what_the_service_writes_is_no_edit(rows: Rows, job: int) -> None:
    rows.connection.execute(
        "UPDATE schedule_jobs SET max_retries = 3, next_run_at = now() + interval '1h', fence = 7, run_count = 9")
    rows.connection.execute("INSERT INTO calendar_days (day) VALUES ('2027-01-04')")
    rows.connection.execute("SET application_name = 'erp-scheduler daemon t'")
    rows.connection.execute("UPDATE schedule_jobs SET status = 'completed'")
    assert history(rows, job) == [(1, "insert", [])]


def test_every_column_is_either_edited_by_people_or_written_by_the_service(rows: Rows, job: int) -> None:
    kept = set(rows.one("SELECT array_agg(key) FROM job_revisions, jsonb_object_keys(new) AS key"))
    columns = set(rows.all(
        "SELECT attname FROM pg_attribute WHERE attrelid = 'schedule_jobs'::regclass AND attnum > 0 AND NOT attisdropped"))
    service = {"id", "next_run_at", "last_run_at", "last_success_at", "last_failure_at", "last_status", "last_error",
               "consecutive_failures", "run_count", "occurrence_count", "anchor_at", "spec_version", "planned_version",
               "planned_at", "fence", "hidden", "created_at", "updated_at"}
    assert kept == columns - service | {"anchor_at", "depends_on"}


def test_restore_undoes_the_latest_edit_and_goes_to_any_revision(rows: Rows, job: int) -> None:
    rows.connection.execute(
        "UPDATE schedule_jobs SET interval = NULL, specific_times = '{09:00,18:00:30}', market_codes = '{naver,11st}'")
    rows.connection.execute("UPDATE schedule_jobs SET specific_times = NULL, cron_expression = '0 9 * * *', name = 'b'")
    undone = rows.one("SELECT name, cron_expression, specific_times::text, market_codes FROM schedule_restore(%s)", job)
    assert undone == ("주문", None, "{09:00:00,18:00:30}", ["naver", "11st"])
    rows.connection.execute("SET intervalstyle = 'iso_8601'")
    first = rows.one(
        "SELECT interval = '20 days 02:00:05', specific_times, market_codes, parameters, tags FROM schedule_restore('주문', 1)")
    assert first == (True, None, ["coupang"], {"days": 1}, ["a", "b"])
    assert [each[1] for each in history(rows, job)] == ["insert", "update", "update", "restore", "restore"]
    rows.connection.execute("UPDATE schedule_jobs SET owner = 'x'")
    assert history(rows, job)[-1] == (6, "update", ["owner"])


def test_a_deleted_job_comes_back_with_its_id_by_id_or_name(rows: Rows, job: int) -> None:
    rows.connection.execute("DELETE FROM schedule_jobs")
    assert rows.one("SELECT id, name, interval = '20 days 02:00:05' FROM schedule_restore('주문')") == (job, "주문", True)
    rows.connection.execute("DELETE FROM schedule_jobs")
    assert rows.one("SELECT id, status, planned_version < spec_version FROM schedule_restore(%s)", job) == (job, "active", True)
    assert [each[1] for each in history(rows, job)] == ["insert", "delete", "restore", "delete", "restore"]
    rows.connection.execute("DELETE FROM schedule_jobs")
    with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState, match="is the deletion"):
        rows.connection.execute("SELECT schedule_restore(%s, 6)", (job,))


def test_what_cannot_be_restored_is_said(rows: Rows, job: int) -> None:
    with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState, match="there was no job"):
        rows.connection.execute("SELECT schedule_restore(%s)", (job,))
    with pytest.raises(psycopg.errors.NoDataFound, match="has no revision 9"):
        rows.connection.execute("SELECT schedule_restore(%s, 9)", (job,))
    with pytest.raises(psycopg.errors.NoDataFound, match="no job with id 4711"):
        rows.connection.execute("SELECT schedule_restore(4711)")
    rows.connection.execute("UPDATE schedule_jobs SET name = 'b'")
    rows.connection.execute("INSERT INTO schedule_jobs (name, job_type) VALUES ('주문', 'noop')")
    with pytest.raises(psycopg.errors.UniqueViolation, match="another job is named '주문' now"):
        rows.connection.execute("SELECT schedule_restore(%s)", (job,))


def test_an_invalid_row_is_restored_with_another_chance(rows: Rows, job: int) -> None:
    rows.connection.execute("SET application_name = 'erp-scheduler daemon t'")
    rows.connection.execute("UPDATE schedule_jobs SET status = 'invalid', last_error = 'x'")
    rows.connection.execute("RESET application_name")
    rows.connection.execute("UPDATE schedule_jobs SET interval = '1h'")
    assert rows.one("SELECT status FROM schedule_restore(%s)", job) == "active"


def test_many_rows_edited_at_once_have_their_own_revisions(rows: Rows) -> None:
    rows.connection.execute(
        "INSERT INTO schedule_jobs (name, job_type) SELECT 'job ' || n, 'noop' FROM generate_series(1, 500) n")
    rows.connection.execute("UPDATE schedule_jobs SET max_retries = 1")
    assert rows.one("SELECT count(*), count(DISTINCT job_id), max(revision) FROM job_revisions") == (1000, 500, 2)


def edges(rows: Rows) -> list[Any]:
    return rows.all("SELECT job_id, depends_on, condition, outcome FROM job_dependencies ORDER BY job_id, depends_on")


@pytest.fixture
def chain(rows: Rows) -> list[int]:
    jobs = [rows.add_job(name) for name in ("first", "middle", "last")]
    rows.connection.execute("INSERT INTO job_dependencies (job_id, depends_on, condition, outcome) VALUES"
                            " (%s, %s, 'ever', 'success'), (%s, %s, 'since_last_run', 'failure')",
                            (jobs[1], jobs[0], jobs[2], jobs[1]))
    return jobs


def test_a_deleted_job_comes_back_with_what_it_waited_for_and_what_waited_for_it(rows: Rows, chain: list[int]) -> None:
    before = edges(rows)
    rows.connection.execute("DELETE FROM schedule_jobs WHERE name = 'middle'")
    assert edges(rows) == []
    rows.connection.execute("SELECT schedule_restore('middle')")
    assert edges(rows) == before


def test_an_edit_of_edges_is_a_revision_that_can_be_undone(rows: Rows, chain: list[int]) -> None:
    before = edges(rows)
    rows.connection.execute("DELETE FROM job_dependencies WHERE job_id = %s", (chain[1],))
    assert history(rows, chain[1])[-1][1:] == ("update", ["depends_on"])
    waited = rows.one("SELECT old #>> '{depends_on,0,job}', new ->> 'depends_on' FROM job_revisions WHERE job_id = %s"
                      " ORDER BY revision DESC LIMIT 1", chain[1])
    assert waited == ("first", "[]")
    rows.connection.execute("SELECT schedule_restore(%s)", (chain[1],))
    assert edges(rows) == before
    assert history(rows, chain[1])[-1][1:] == ("restore", ["depends_on"])


def test_a_job_made_with_its_edges_is_one_revision(rows: Rows, chain: list[int]) -> None:
    rows.connection.execute("SELECT schedule_add_job('new', 'noop', every => '1h', after => '{first,middle}')")
    number = rows.one("SELECT id FROM schedule_jobs WHERE name = 'new'")
    assert history(rows, number) == [(1, "insert", [])]
    assert rows.one("SELECT jsonb_array_length(new -> 'depends_on') FROM job_revisions WHERE job_id = %s", number) == 2


def test_a_job_that_lost_its_predecessor_has_that_in_its_history(rows: Rows, chain: list[int]) -> None:
    rows.connection.execute("DELETE FROM schedule_jobs WHERE name = 'first'")
    assert history(rows, chain[1])[-1][1:] == ("update", ["depends_on"])
    assert history(rows, chain[0])[-1][1:] == ("delete", [])


def test_a_step_whose_workflow_is_gone_comes_back_as_a_job_of_its_own(rows: Rows) -> None:
    rows.connection.execute("INSERT INTO schedule_workflows (name, steps) VALUES ('morning', "
                            "'[{\"name\": \"a\", \"job_type\": \"noop\"}, {\"name\": \"b\", \"job_type\": \"noop\"}]')")
    rows.connection.execute("DELETE FROM schedule_workflows")
    for name in ("morning / a", "morning / b"):
        rows.connection.execute("SELECT schedule_restore(%s::text)", (name,))
    assert rows.all("SELECT name, workflow FROM schedule_jobs ORDER BY id") == [("morning / a", None), ("morning / b", None)]
    assert len(edges(rows)) == 1


def test_the_rhythm_of_an_interval_comes_back(rows: Rows) -> None:
    rows.connection.execute("INSERT INTO schedule_jobs (name, job_type, interval, anchor_at)"
                            " VALUES ('monthly', 'noop', '1 month', '2019-12-29 09:00+09')")
    anchor = rows.one("SELECT anchor_at FROM schedule_jobs")
    rows.connection.execute("UPDATE schedule_jobs SET interval = '1 day'")
    assert rows.one("SELECT anchor_at FROM schedule_jobs") != anchor
    rows.connection.execute("SELECT schedule_restore('monthly')")
    assert rows.one("SELECT anchor_at, interval = '1 month' FROM schedule_jobs") == (anchor, True)


def test_what_a_program_registered_comes_back_though_people_could_not_type_it(rows: Rows) -> None:
    with rows.connection.transaction():
        rows.connection.execute("SET LOCAL erp_scheduler.minimum_interval = '1 second'")
        rows.add_job("fast", interval="10 seconds")
    rows.connection.execute("DELETE FROM schedule_jobs")
    rows.connection.execute("SELECT schedule_restore('fast')")
    assert rows.one("SELECT interval = '10 seconds' FROM schedule_jobs")
    with pytest.raises(psycopg.errors.CheckViolation):
        rows.add_job("another", interval="10 seconds")


def test_the_history_is_asked_for_every_column_that_people_edit_and_no_other(rows: Rows, job: int) -> None:
    asked = set(rows.all("SELECT known.attname FROM pg_trigger AS made, unnest(made.tgattr) AS place"
                         "  JOIN pg_attribute AS known ON known.attrelid = 'schedule_jobs'::regclass AND known.attnum = place"
                         " WHERE made.tgname = 'revise' AND made.tgrelid = 'schedule_jobs'::regclass"))
    assert asked == set(rows.all("SELECT jsonb_object_keys(schedule_job_edited(job)) FROM schedule_jobs AS job"))
