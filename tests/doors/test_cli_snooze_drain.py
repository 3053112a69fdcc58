"""`jobs snooze`, `nodes drain` and what status and doctor say of them, in both languages."""

from __future__ import annotations

import threading
from typing import Any

import psycopg
import pytest

from tests.doors.conftest import Cli, a_job, document
from tests.support.daemons import wait_for

Connection = psycopg.Connection[Any]


def a_node(connection: Connection, name: str = "a", state: str = "running", silent: str = "0 s") -> None:
    connection.execute(
        "INSERT INTO scheduler_nodes (instance_id, name, host, pid, version, workers, lease_seconds, job_types, state, seen_at)"
        " VALUES (gen_random_uuid(), %s, 'h', 1, '1', 4, 60, '{order_collection}', %s, now() - %s::interval)",
        (name, state, silent))


def an_ill_job(connection: Connection) -> int:
    number = a_job(connection)
    connection.execute("SET application_name = 'erp-scheduler daemon t'")
    connection.execute("UPDATE schedule_jobs SET consecutive_failures = 3, last_error = 'HTTP 401' WHERE id = %s", (number,))
    connection.execute("RESET application_name")
    return number


def kinds(cli: Cli) -> list[str]:
    return [each["kind"] for each in document(cli("status", "--json", code=3))["problems"]]


def test_a_job_is_snoozed_and_shown_again(cli: Cli, connection: Connection) -> None:
    number = an_ill_job(connection)
    a_node(connection)
    assert kinds(cli) == ["failing"]
    saved = document(cli("jobs", "snooze", number, "--for", "2h", "--reason", "known", "--json"))
    assert (saved[0]["job_id"], saved[0]["until_fixed"], saved[0]["reason"]) == (number, False, "known") and saved[0]["by_whom"]
    assert kinds(cli) == [] and "snoozed jobs: 1" in cli("status", code=3).stdout
    assert "알림을 끈 작업 1개" in cli("status", "--lang", "ko", code=3).stdout
    assert "no longer snoozed" in cli("jobs", "unsnooze", "주문 수집").stdout and kinds(cli) == ["failing"]
    assert "until it succeeds again" in cli("jobs", "snooze", number, "--until-fixed").stdout
    assert "다음에 성공할 때까지" in cli("jobs", "snooze", number, "--until-fixed", "--lang", "ko").stdout
    assert "until 2" in cli("jobs", "snooze", "@failing", "--until", "2027-06-01 09:00").stdout
    assert "까지" in cli("jobs", "snooze", number, "--for", "1h", "--lang", "ko").stdout
    assert connection.execute("SELECT DISTINCT via FROM audit_log").fetchall() == [("cli",)]
    assert document(cli("jobs", "unsnooze", number, "--json")) == [{"job_id": number, "snoozed": False}]


@pytest.mark.parametrize(("words", "code", "english", "korean"), [
    (("snooze", "1"), 2, "use one of", "하나를 쓰세요"),
    (("snooze", "1", "--for", "1h", "--until-fixed"), 2, "use one of", "하나를 쓰세요"),
    (("snooze", "1", "--until", "2020-01-01"), 2, "still to come", "366일 안"),
    (("snooze", "1", "--for", "400d"), 2, "366 days at most", "366일 안"),
    (("snooze", "1", "--for", "soon"), 2, "soon", "soon"),
    (("snooze", "99", "--for", "1h"), 5, "99", "99"),
    (("unsnooze", "1"), 5, "is not snoozed", "꺼져 있지 않습니다"),
])
def test_what_cannot_be_snoozed_is_refused_in_words(
    cli: Cli, connection: Connection, words: tuple[str, ...], code: int, english: str, korean: str
) -> None:
    a_job(connection)
    assert english in cli("jobs", *words, code=code).stderr
    assert korean in cli("jobs", *words, "--lang", "ko", code=code).stderr
    assert connection.execute("SELECT count(*) FROM schedule_snoozes").fetchone() == (0,)


def test_a_node_is_drained_and_let_go_on(cli: Cli, connection: Connection) -> None:
    a_node(connection)
    assert "takes no new work" in cli("nodes", "drain", "a", "--reason", "disk").stdout
    found = document(cli("nodes", "show", "a", "--json"))
    assert found["daemons"][0]["drain_reason"] == "disk" and found["running"] == []
    shown, korean = cli("nodes", "show", "a"), cli("nodes", "show", "a", "--lang", "ko").stdout
    assert "draining" in shown.stdout and "disk" in shown.stdout and "--undo" in shown.stderr and "비우는 중" in korean
    connection.execute("UPDATE scheduler_nodes SET state = 'drained'")
    assert "drained" in cli("nodes", "list").stdout and "비움" in cli("nodes", "list", "--lang", "ko").stdout
    assert "drained" in kinds(cli) and "a drained node" in cli("status", code=3).stdout
    assert "비운 노드" in cli("status", "--lang", "ko", code=3).stdout
    report = cli("doctor").stdout
    assert "node a is drained" in report and "erp-scheduler nodes drain a --undo" in report
    assert "비운 노드 a" in cli("doctor", "--lang", "ko").stdout
    assert "takes work again" in cli("nodes", "drain", "a", "--undo").stdout and "drained" not in kinds(cli)
    assert document(cli("nodes", "drain", "a", "--json"))["drained"] is True
    assert document(cli("nodes", "drain", "a", "--undo", "--json"))["drained"] is False
    connection.execute("UPDATE scheduler_nodes SET state = 'draining'")
    assert "stopping" in cli("nodes", "list").stdout and "멈추는 중" in cli("nodes", "list", "--lang", "ko").stdout


def test_a_drain_of_a_node_that_is_off_is_said_where_one_looks(cli: Cli, connection: Connection) -> None:
    a_node(connection, state="stopped")
    assert "it is off" in cli("nodes", "drain", "a", "--wait").stdout
    assert "will take no work when it starts" in cli("nodes", "list").stderr
    assert "작업을 받지 않습니다" in cli("nodes", "list", "--lang", "ko").stderr


def test_wait_ends_when_the_node_is_empty_when_the_time_is_over_or_when_somebody_undoes_it(
    cli: Cli, connection: Connection, database: str
) -> None:
    a_node(connection)
    assert "goes on draining" in cli("nodes", "drain", "a", "--wait", "--timeout", "1s", code=124).stderr

    def once_drained(statement: str) -> threading.Thread:
        """Do it as soon as the command has drained the node; until then it is not drained."""
        connection.execute("DELETE FROM schedule_drains")

        def act() -> None:
            with psycopg.connect(database, autocommit=True) as other:
                wait_for(lambda: other.execute("SELECT FROM schedule_drains").fetchone() is not None, what="drained")
                other.execute(statement.encode())

        thread = threading.Thread(target=act)
        thread.start()
        return thread

    acting = once_drained("UPDATE scheduler_nodes SET state = 'drained'")
    assert "it is empty" in cli("nodes", "drain", "a", "--wait", "--timeout", "20s").stdout
    acting.join()
    assert document(cli("nodes", "drain", "a", "--wait", "--json"))["empty"] is True
    connection.execute("UPDATE scheduler_nodes SET state = 'draining'")
    acting = once_drained("DELETE FROM schedule_drains")
    assert "somebody undid it" in cli("nodes", "drain", "a", "--wait", "--timeout", "20s", code=1).stderr
    acting.join()


@pytest.mark.parametrize(("words", "code", "english", "korean"), [
    (("drain", "nowhere"), 5, "there is no node nowhere", "노드 nowhere"),
    (("show", "nowhere"), 5, "there is no node nowhere", "노드 nowhere"),
    (("drain", "a", "--undo"), 5, "is not drained", "비워져 있지 않습니다"),
    (("drain", "a", "--undo", "--wait"), 2, "does not go with", "함께 쓸 수 없습니다"),
    (("drain", "a", "--undo", "--reason", "x"), 2, "does not go with", "함께 쓸 수 없습니다"),
])
def test_what_cannot_be_drained_is_refused_in_words(
    cli: Cli, connection: Connection, words: tuple[str, ...], code: int, english: str, korean: str
) -> None:
    a_node(connection)
    assert english in cli("nodes", *words, code=code).stderr
    assert korean in cli("nodes", *words, "--lang", "ko", code=code).stderr
    assert connection.execute("SELECT count(*) FROM schedule_drains").fetchone() == (0,)


def test_status_names_what_the_page_of_problems_names(cli: Cli, connection: psycopg.Connection[Any]) -> None:
    connection.execute("INSERT INTO market_accounts (market_code, base_url, key_expires_on) "
                       "VALUES ('coupang', 'https://x.example', current_date + 3)")
    job = connection.execute("INSERT INTO schedule_jobs (name, job_type) VALUES ('waits', 'noop') RETURNING id").fetchone()
    connection.execute("INSERT INTO job_executions (job_id, job_name, job_type, available_at) "
                       "SELECT id, name, job_type, now() - interval '1 hour' FROM schedule_jobs")
    assert job is not None
    said = document(cli("status", "--json", code=3))["problems"]
    assert {each["kind"] for each in said} >= {"expiring_key", "stuck"}
    for language, words in (("en", "a key that expires: the key of market account coupang/default expires"),
                            ("ko", "만료되는 키: 마켓 계정 coupang/default의 키가")):
        assert words in cli("status", "--lang", language, code=3).stdout
