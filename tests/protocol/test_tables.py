"""The rows as operators meet them: what is refused at the prompt, how it says so, and that every column is explained."""

from __future__ import annotations

import psycopg
import pytest

from tests.support.daemons import Rows


@pytest.fixture
def rows(connection: psycopg.Connection[tuple[object, ...]]) -> Rows:
    return Rows(connection)


GOOD = """INSERT INTO schedule_jobs (name, job_type, status, interval, market_codes, parameters)
VALUES ('새 작업 이름', 'product_collection', 'active', '30m', ARRAY['coupang', 'naver'], '{"batch_size": 100}'::jsonb);"""


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE schedule_jobs SET interval = '1M'", "not between"),
        ("UPDATE schedule_jobs SET interval = '30'", "not between"),
        ("UPDATE schedule_jobs SET interval = '0s'", "not between"),
        ("UPDATE schedule_jobs SET interval = '-1h'", "not between"),
        ("UPDATE schedule_jobs SET interval = '32 days'", "not between"),
        ("UPDATE schedule_jobs SET cron_expression = '* * * * *'", "at most one of"),
        ("UPDATE schedule_jobs SET specific_times = '{}', interval = NULL", "empty or contains NULL"),
        ("UPDATE schedule_jobs SET specific_times = '{24:00}', interval = NULL", "midnight is 00:00"),
        ("UPDATE schedule_jobs SET status = 'activ'", "is not active, paused"),
        ("UPDATE schedule_jobs SET timezone = 'Asia/Soul'", "timezone"),
        ("UPDATE schedule_jobs SET timezone = 'KST'", "timezone"),
        ("UPDATE schedule_jobs SET parameters = '[1]'", "not an object"),
        ("UPDATE schedule_jobs SET parameters = jsonb_build_object('a', repeat('x', 300000))", "262144"),
        ("UPDATE schedule_jobs SET timeout_minutes = 0", "timeout_minutes"),
        ("UPDATE schedule_jobs SET timeout_minutes = 'NaN'", "timeout_minutes"),
        ("UPDATE schedule_jobs SET max_retries = -1", "max_retries"),
        ("UPDATE schedule_jobs SET market_codes = ARRAY['coupang', NULL]", "market_codes"),
        ("UPDATE schedule_jobs SET market_codes = ARRAY['coupang', 'coupang']", "twice"),
        ("UPDATE schedule_jobs SET job_type = '../../etc'", "job_type"),
        ("UPDATE schedule_jobs SET name = E'two\\nlines'", "line break"),
        ("UPDATE schedule_jobs SET name = '42'", "number"),
        ("UPDATE schedule_jobs SET name = ''", "empty"),
        ("UPDATE schedule_jobs SET run_at = 'infinity', interval = NULL", "run_at"),
        ("UPDATE schedule_jobs SET misfire_policy = 'maybe'", "misfire_policy"),
    ],
)
def test_a_wrong_row_is_refused_with_message_detail_and_hint(rows: Rows, statement: str, said: str) -> None:
    rows.connection.execute(GOOD)
    with pytest.raises(psycopg.errors.CheckViolation) as caught:
        rows.connection.execute(statement)
    diagnosis = caught.value.diag
    assert said in (diagnosis.message_primary or "")
    assert diagnosis.message_primary in f"{diagnosis.message_primary} {diagnosis.message_detail}"
    assert diagnosis.message_detail and diagnosis.message_hint
    assert rows.one("SELECT count(*) FROM schedule_jobs WHERE interval = '30m' AND status = 'active'") == 1


def test_all_faults_of_a_row_are_told_at_once_and_never_its_parameters(rows: Rows) -> None:
    with pytest.raises(psycopg.errors.CheckViolation) as caught:
        rows.add_job("many faults", "x y", interval="1s", max_retries=-5, parameters='{"password": "canary"}')
    text = f"{caught.value.diag.message_detail}"
    assert text.count(";") == 2
    assert "canary" not in str(caught.value)


def test_hints_speak_the_language_of_the_session(rows: Rows) -> None:
    hints = []
    for language in ("ko", "en"):
        rows.connection.execute("SELECT set_config('erp_scheduler.lang', %s, false)", (language,))
        with pytest.raises(psycopg.errors.CheckViolation) as caught:
            rows.add_job("one", interval="1M")
        hints.append(caught.value.diag.message_hint or "")
    assert "한 달" in hints[0]
    assert hints[1].isascii()


def test_null_means_the_default_and_words_like_30m_are_read(rows: Rows) -> None:
    rows.connection.execute(GOOD)
    rows.connection.execute("UPDATE schedule_jobs SET timeout_minutes = NULL, max_retries = NULL, parameters = NULL")
    assert rows.one("SELECT timeout_minutes, max_retries, parameters FROM schedule_jobs") == (30, 3, {})
    for text in ("5m", "1h", "1d", "1w", "1 month"):
        rows.connection.execute("UPDATE schedule_jobs SET interval = %s::text::interval", (text,))


def test_a_thousand_rows_make_one_notification(rows: Rows) -> None:
    rows.connection.execute("LISTEN erp_scheduler")
    rows.connection.execute(
        "INSERT INTO schedule_jobs (name, job_type) SELECT 'job ' || n, 'noop' FROM generate_series(1, 1000) n")
    notices = list(rows.connection.notifies(timeout=1.0, stop_after=5))
    assert [notice.payload for notice in notices] == ["schedule_jobs"]


def test_every_table_and_column_is_explained_in_both_languages(rows: Rows) -> None:
    bare = rows.all("""
        SELECT format('%s.%s.%s', class.relnamespace::regnamespace, class.relname, attribute.attname)
          FROM pg_class AS class
          LEFT JOIN pg_attribute AS attribute
            ON attribute.attrelid = class.oid AND attribute.attnum > 0 AND NOT attribute.attisdropped
         WHERE class.relkind IN ('r', 'v', 'p') AND class.relnamespace::regnamespace::text IN ('public', 'erp')
           AND coalesce(col_description(class.oid, attribute.attnum), '') !~ '[가-힣].*\n.*[a-zA-Z]'
        UNION ALL
        SELECT format('%s.%s', class.relnamespace::regnamespace, class.relname)
          FROM pg_class AS class
         WHERE class.relkind IN ('r', 'v') AND class.relnamespace::regnamespace::text IN ('public', 'erp')
           AND coalesce(obj_description(class.oid), '') !~ '[가-힣].*\n.*[a-zA-Z]'
        UNION ALL
        SELECT oid::regprocedure::text FROM pg_proc
         WHERE pronamespace::regnamespace::text IN ('public', 'erp')
           AND coalesce(obj_description(oid), '') !~ '[가-힣].*\n.*[a-zA-Z]'
    """)
    assert bare == []


def test_a_role_named_like_our_schema_gets_all_tables_in_one_place(cluster: object, rows: Rows, database: str) -> None:
    from psycopg.conninfo import make_conninfo

    from scheduler.database.migrate import migrate

    with psycopg.connect(database, autocommit=True) as admin:
        admin.execute("CREATE ROLE erp LOGIN SUPERUSER")
    try:
        with psycopg.connect(database, autocommit=True) as admin:
            admin.execute("DROP SCHEMA public CASCADE; DROP SCHEMA erp CASCADE; CREATE SCHEMA public")
        with psycopg.connect(make_conninfo(database, user="erp"), autocommit=True) as connection:
            migrate(connection)
            connection.execute("INSERT INTO schedule_jobs (name, job_type) VALUES ('a', 'noop')")
            places = connection.execute(
                "SELECT DISTINCT relnamespace::regnamespace::text FROM pg_class"
                " WHERE relname ~ '^(schedule_|job_|scheduler_|market_a)' AND relkind = 'r'").fetchall()
        assert places == [("public",)]
    finally:
        with psycopg.connect(database, autocommit=True) as admin:
            admin.execute("DROP SCHEMA public CASCADE; DROP SCHEMA IF EXISTS erp CASCADE; DROP OWNED BY erp; DROP ROLE erp")
