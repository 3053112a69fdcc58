"""`erp-scheduler executions, locks, nodes, handlers`."""

from __future__ import annotations

import json
import threading
from typing import Any

import psycopg

from tests.doors.conftest import Cli, a_job, a_type, an_execution, document

Connection = psycopg.Connection[Any]


def add_line(connection: Connection, execution: int, line: int, message: str, level: str = "INFO") -> None:
    connection.execute(
        "INSERT INTO execution_logs (execution_id, line, logged_at, level, message, fields) "
        "VALUES (%s, %s, now(), %s, %s, '{\"shop\": \"a\"}')", (execution, line, level, message))


def test_the_list_is_an_array_with_the_columns_of_the_table_but_no_token(cli: Cli, connection: Connection) -> None:
    an_execution(connection, a_job(connection), "failed", error_message="boom [red]\x1b[31m")
    columns = {row[0] for row in connection.execute(
        "SELECT column_name FROM information_schema.columns WHERE table_name = 'job_executions' AND table_schema = 'public'")}
    assert set(document(cli("executions", "list", "--json"))[0]) == columns - {"token"} | {"waits_for"}
    shown = cli("executions", "list").stdout
    assert "boom [red]\\x1b[31m" in shown and "\x1b" not in shown


def test_filters_choose(cli: Cli, connection: Connection) -> None:
    first, second = a_job(connection), a_job(connection, "다른 작업")
    failed, _ = an_execution(connection, first), an_execution(connection, second, "success")
    assert [row["id"] for row in document(cli("executions", "list", "--job", "주문", "--since", "1h", "--json"))] == [failed]
    assert [row["id"] for row in document(cli("executions", "list", "--status", "failed", "--json"))] == [failed]
    cli("executions", "list", "--status", "fine", code=2)
    old = an_execution(connection, first, "success", finished_at="2020-01-01 09:00+09")
    for words in (("--until", "24h"), ("--since", "2020-01-01 08:59", "--until", "2020-01-02")):
        assert [row["id"] for row in document(cli("executions", "list", *words, "--json"))] == [old]
    cli("executions", "list", "--until", "yesterday", code=2)
    assert document(cli("executions", "show", failed, "--json"))["status"] == "failed"
    cli("executions", "show", failed + 1000, code=5)


def test_logs_of_an_execution_and_of_a_jobs_latest(cli: Cli, connection: Connection) -> None:
    job = a_job(connection)
    assert "jobs run" in cli("executions", "logs", "주문", code=5).stderr
    execution = an_execution(connection, job, error_message="boom")
    for line, level in enumerate(("INFO", "WARNING", "ERROR")):
        add_line(connection, execution, line, f"line {line}", level)
    assert [line["line"] for line in document(cli("executions", "logs", execution, "--json"))] == [0, 1, 2]
    assert [line["line"] for line in document(cli("executions", "logs", "주문", "--tail", "1", "--json"))] == [2]
    assert [line["line"] for line in document(cli("executions", "logs", execution, "--level", "warning", "--json"))] == [1, 2]
    shown = cli("executions", "logs", execution)
    assert "line 0  shop=a" in shown.stdout and "boom" in shown.stderr


def test_following_goes_on_until_the_execution_ends(cli: Cli, connection: Connection) -> None:
    execution = an_execution(connection, a_job(connection), "running")
    add_line(connection, execution, 0, "first")

    def finish() -> None:
        add_line(connection, execution, 1, "second")
        connection.execute("UPDATE job_executions SET status = 'success', finished_at = now() WHERE id = %s", (execution,))

    later = threading.Timer(0.7, finish)
    later.start()
    lines = cli("executions", "logs", execution, "--follow", "--json").stdout.splitlines()
    later.join()
    assert [json.loads(line)["message"] for line in lines] == ["first", "second"]


def test_retry_and_cancel(cli: Cli, connection: Connection) -> None:
    failed = an_execution(connection, a_job(connection))
    again = document(cli("executions", "retry", failed, "--json"))[0]["execution_id"]
    assert f"executions cancel {again}" in cli("executions", "retry", failed, code=6).stderr
    asked = cli("executions", "cancel", again, "--reason", "창고 실사", "--json")
    assert document(asked) == [{"execution_id": again, "state": "cancelled"}]
    assert "창고 실사" in cli("executions", "show", again).stdout
    cli("executions", "cancel", again, code=6)
    cli("executions", "retry", code=2)
    cli("executions", "cancel", 999, code=5)


def test_all_that_failed_is_tried_again_once(cli: Cli, connection: Connection) -> None:
    job = a_job(connection)
    failed, _ = an_execution(connection, job), an_execution(connection, job, "success")
    assert [each["retry_of"] for each in document(cli("executions", "retry", "--failed", "--json"))] == [failed]
    assert document(cli("executions", "retry", "--failed", "--json")) == []


def test_a_paused_job_keeps_no_other_from_being_tried_again(cli: Cli, connection: Connection) -> None:
    paused, other = a_job(connection), a_job(connection, "다른 작업")
    an_execution(connection, paused)
    failed = an_execution(connection, other)
    cli("jobs", "pause", paused)
    tried = cli("executions", "retry", "--failed", "--json")
    assert [each["retry_of"] for each in document(tried)] == [failed] and "paused" in tried.stderr


def test_asking_for_many_is_all_or_nothing(cli: Cli, connection: Connection) -> None:
    good, paused = a_job(connection), a_job(connection, "다른 작업")
    cli("jobs", "pause", paused)
    cli("jobs", "run", good, paused, code=4)
    waiting = an_execution(connection, good, "queued")
    cli("executions", "cancel", waiting, 999, code=5)
    assert [row["status"] for row in document(cli("executions", "list", "--json"))] == ["queued"]


def test_a_lapsed_lock_is_released_and_a_living_one_only_by_force(cli: Cli, connection: Connection) -> None:
    job = a_job(connection)
    connection.execute("INSERT INTO schedule_locks (job_id, node, execution_id) VALUES (%s, 'node-a', 7)", (job,))
    held = document(cli("locks", "list", "--json"))[0]
    assert held["job_name"] == "주문 수집" and held["living"] and "token" not in held
    assert "node-a" in cli("locks", "list").stdout
    assert "node-a" in cli("locks", "release", job, code=4).stderr
    assert "--yes" in cli("locks", "release", job, "--force", code=9).stderr
    assert document(cli("locks", "release", job, "--force", "--yes", "--json"))[0]["execution_id"] == 7
    cli("locks", "release", job, code=5)
    connection.execute("INSERT INTO schedule_locks (job_id, expires_at) VALUES (%s, now() - interval '1 s')", (job,))
    cli("locks", "release", job)
    assert document(cli("locks", "list", "--json")) == []


def test_nodes_that_fell_silent_are_shown_as_gone(cli: Cli, connection: Connection) -> None:
    connection.execute(
        "INSERT INTO scheduler_nodes (instance_id, name, host, pid, version, workers, lease_seconds, seen_at) VALUES "
        "(gen_random_uuid(), 'a', 'h', 1, '1', 8, 60, now()), "
        "(gen_random_uuid(), 'b', 'h', 2, '1', 8, 60, now() - interval '10 minutes')")
    nodes = document(cli("nodes", "list", "--json"))
    assert [(node["name"], node["state"]) for node in nodes] == [("a", "running"), ("b", "gone")]
    assert "0/8" in cli("nodes", "list", "--lang", "ko").stdout


def test_a_handlers_parameters_are_a_table_and_a_schema(cli: Cli, connection: Connection) -> None:
    assert document(cli("handlers", "list", "--json")) == []
    a_type(connection)
    assert document(cli("handlers", "show", "order_collection", "--json"))["params_schema"]["required"] == ["shop"]
    shown = cli("handlers", "show", "order_collection").stdout
    assert "integer ≥1" in shown and "(required)" in shown and "rows" in shown
    assert "order_collection" in cli("handlers", "show", "order_colection", code=5).stderr
    assert "shop.orders:collect" in cli("handlers", "list").stdout
