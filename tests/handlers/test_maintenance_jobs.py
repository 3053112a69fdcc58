"""The jobs of maintenance: what they do to real tables and real servers, what they refuse, what their results say."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from handlers.maintenance import http_request
from handlers.maintenance.data_cleanup import clean_up
from handlers.maintenance.execution_digest import make_digest
from handlers.maintenance.health_check import Unhealthy, check_health, existing
from handlers.maintenance.http_request import UnexpectedAnswer, send_request
from handlers.maintenance.public_address import Unresolved, is_public
from handlers.maintenance.sql_statement import run_statement
from scheduler.errors import ParameterError
from scheduler.handler import Cancelled, Context, GiveUp, Handler, Retry
from scheduler.rules.parameters import check_parameters
from tests.handlers.support import Link

Connection = psycopg.Connection[Any]


class OwnLink(Link):
    """A link with a plain connection and a client, as an execution has them."""

    def __init__(self, connection: Connection, ends_after: int | None = None) -> None:
        super().__init__("", ends_after)
        self.connection = connection
        self.client: httpx.AsyncClient | None = None

    def db(self) -> Connection:
        return self.connection

    def http(self) -> httpx.AsyncClient:
        if self.client is None:
            self.client = httpx.AsyncClient(transport=httpx.AsyncHTTPTransport(retries=2))
        return self.client


def a_context(connection: Connection, tmp_path: Path | None = None, **more: Any) -> Context:
    return Context(
        job="점검", job_id=1, job_type="test", execution_id=1, attempt=1, scheduled_for=datetime.now(UTC), market_codes=[],
        deadline=time.clock_gettime(time.CLOCK_BOOTTIME) + 60, idempotency_key="1/test", link=OwnLink(connection, **more),
        settings={"backup_dir": str((tmp_path or Path("/")) / "not" / "yet")},
    )


def run(function: Any, context: Context, **parameters: Any) -> Any:
    """Call a handler as an execution would: parameters as JSON, through its own schema."""
    made: Handler = function.__erp_handler__
    faults = check_parameters(made.schema(), json.loads(json.dumps(parameters)))
    if faults:
        raise ParameterError("; ".join(faults))
    return function(context, **made.validate(parameters))


def request(context: Context, **parameters: Any) -> Any:
    async def sent() -> Any:
        try:
            return await run(send_request, context, **parameters)
        finally:
            await context.http.aclose()

    return asyncio.run(sent())


# health_check

def test_a_house_that_is_well_says_so_in_figures(connection: Connection, tmp_path: Path) -> None:
    result = run(check_health, a_context(connection, tmp_path), min_free_percent=0, max_round_trip_ms=60_000)
    assert result["healthy"] and result["due"] == 0 and result["heartbeat_seconds"] == 0
    assert all(0 <= free <= 100 for free in result["free_percent"].values()) and json.dumps(result)


def test_everything_over_its_threshold_is_named(connection: Connection) -> None:
    connection.execute("INSERT INTO schedule_jobs (name, job_type, interval) VALUES ('a', 't', '30m')")
    connection.execute("INSERT INTO job_executions (id, job_id) OVERRIDING SYSTEM VALUE SELECT 50, id FROM schedule_jobs")
    connection.execute("UPDATE job_executions SET available_at = now() - interval '1 hour'")
    for name, age in (("seoul", "10 minutes"), ("gone", "3 days")):
        connection.execute(
            "INSERT INTO scheduler_nodes (instance_id, name, host, pid, version, workers, lease_seconds, seen_at) "
            "VALUES (gen_random_uuid(), %s, 'h', 1, '1', 1, 60, now() - %s::interval)", (name, age))
    with pytest.raises(Unhealthy) as failed:
        run(check_health, a_context(connection), max_round_trip_ms=0.000001, min_free_percent=100)
    for words in ("the database takes", "% free", "1 executions are due, the oldest for 60", "node seoul has not reported"):
        assert words in str(failed.value)


def test_a_node_that_came_back_under_its_name_is_no_dead_node(connection: Connection) -> None:
    for age in ("10 minutes", "0"):
        connection.execute(
            "INSERT INTO scheduler_nodes (instance_id, name, host, pid, version, workers, lease_seconds, started_at, seen_at) "
            "VALUES (gen_random_uuid(), 'seoul', 'h', 1, '1', 1, 60, now() - %s::interval, now() - %s::interval)", (age, age))
    assert run(check_health, a_context(connection), min_free_percent=0)["heartbeat_seconds"] < 60


def test_a_folder_that_is_not_there_yet_counts_as_its_disk(tmp_path: Path) -> None:
    assert existing([str(tmp_path / "a" / "b"), str(tmp_path)]) == [tmp_path]


# data_cleanup

def a_table(connection: Connection, name: str = '"표 ""1"""', rows: int = 25) -> None:
    connection.execute(f'CREATE TABLE {name} (id serial, "만든 때" timestamptz, day date, note text)')
    connection.execute(
        f'INSERT INTO {name} ("만든 때", day) SELECT now() - make_interval(days => n), current_date - n '
        f"FROM generate_series(0, {rows - 1}) AS n")


def test_only_what_is_older_goes_in_portions(connection: Connection) -> None:
    a_table(connection)
    wanted = {"table": '표 "1"', "column": "만든 때", "older_than_days": 10}
    assert run(clean_up, a_context(connection), tables=[wanted], dry_run=True)["rows"] == 15
    context = a_context(connection)
    result = run(clean_up, context, tables=[wanted], portion=4)
    assert result == {"deleted": 15, "tables": {'표 "1".만든 때': 15}, "dry_run": False} and context.counts["deleted"] == 15
    assert connection.execute('SELECT count(*), max(current_date - day) FROM "표 ""1"""').fetchone() == (10, 9)
    assert run(clean_up, a_context(connection), tables=[wanted])["deleted"] == 0


def test_a_partitioned_table_and_a_date_column(connection: Connection) -> None:
    connection.execute("CREATE TABLE logs (day date, n int) PARTITION BY RANGE (day)")
    connection.execute("CREATE TABLE logs_old PARTITION OF logs FOR VALUES FROM ('2000-01-01') TO ('2020-01-01')")
    connection.execute("CREATE TABLE logs_new PARTITION OF logs FOR VALUES FROM ('2020-01-01') TO ('2100-01-01')")
    connection.execute("INSERT INTO logs VALUES ('2019-01-01', 1), (current_date, 2)")
    wanted = {"table": "public.logs", "column": "day", "older_than_days": 30}
    result = run(clean_up, a_context(connection), tables=[wanted], portion=1)
    assert result["deleted"] == 1 and connection.execute("SELECT n FROM logs").fetchall() == [(2,)]


@pytest.mark.parametrize(("table", "column", "words"), [
    ("nowhere", "day", "there is no table"),
    ("t", "note", "no column 'note' that is a date"),
    ("t", "missing", "no column 'missing'"),
    ("schedule_jobs", "created_at", "own table"),
    ("job_executions", "created_at", "own table"),
    ("pg_catalog.pg_class", "relname", "own table"),
    ('t"; DROP TABLE t; --', "day", "there is no table"),
    ("t", 'day" < now() OR true; --', "no column"),
])
def test_no_table_but_one_that_may_be_cleaned_and_nothing_goes_before_all_are_known(
    connection: Connection, table: str, column: str, words: str
) -> None:
    a_table(connection, "t")
    good = {"table": "t", "column": "day", "older_than_days": 1}
    with pytest.raises(GiveUp, match=words):
        run(clean_up, a_context(connection), tables=[good, {"table": table, "column": column, "older_than_days": 1}])
    assert connection.execute("SELECT count(*) FROM t").fetchone() == (25,)


def test_a_cancelled_cleanup_keeps_what_it_has_done(connection: Connection) -> None:
    a_table(connection, "t")
    with pytest.raises(Cancelled):
        wanted = {"table": "t", "column": "day", "older_than_days": 1}
        run(clean_up, a_context(connection, ends_after=2), tables=[wanted], portion=5)
    assert connection.execute("SELECT count(*) FROM t").fetchone() == (10,)


@pytest.mark.parametrize("tables", [[], [{"table": "t"}], [{"table": "a.b.c", "column": "x", "older_than_days": 1}],
                                    [{"table": "t", "column": "x", "older_than_days": 0}]])
def test_wrong_parameters_are_refused_by_the_schema(connection: Connection, tables: list[Any]) -> None:
    with pytest.raises(ParameterError):
        run(clean_up, a_context(connection), tables=tables)


# sql_statement

def test_a_statement_reports_its_rows(connection: Connection) -> None:
    a_table(connection, "sessions")
    statement = "DELETE FROM sessions WHERE day < current_date - 9 AND coalesce(note, '') NOT LIKE '%x%'"
    assert run(run_statement, a_context(connection), statement=statement) == {"command": "DELETE", "rows": 15}
    assert run(run_statement, a_context(connection), statement="SELECT 1 FROM sessions")["rows"] == 10
    assert run(run_statement, a_context(connection), statement="CREATE TABLE x ()")["rows"] == 0


@pytest.mark.parametrize(("more", "words"), [
    ({"statement": "DELETE FROM t; DELETE FROM t"}, "multiple commands"),
    ({"statement": "DELETE FROM nowhere"}, "does not exist"),
    ({"statement": "DELETE FROM t", "max_rows": 24}, "more than max_rows 24; undone"),
    ({"statement": "DELETE FROM t", "read_only": True}, "read-only transaction"),
    ({"statement": "DELET"}, "syntax error"),
])
def test_a_statement_that_cannot_be_is_given_up_and_undone(connection: Connection, more: dict[str, Any], words: str) -> None:
    a_table(connection, "t")
    with pytest.raises(GiveUp, match=words):
        run(run_statement, a_context(connection), **more)
    assert connection.execute("SELECT count(*) FROM t").fetchone() == (25,)


def test_a_statement_ends_before_its_execution_and_a_lock_is_worth_another_attempt(connection: Connection) -> None:
    context = a_context(connection)
    context.deadline = time.clock_gettime(time.CLOCK_BOOTTIME) + 1
    with pytest.raises(psycopg.errors.QueryCanceled):
        run(run_statement, context, statement="SELECT pg_sleep(30)")
    assert connection.execute("SHOW statement_timeout").fetchone() == ("0",)


# http_request

class Answering(BaseHTTPRequestHandler):
    """Answers with the status in the path, and remembers what came."""

    seen: list[dict[str, Any]]

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        type(self).seen.append({"method": self.command, "path": self.path, "headers": dict(self.headers), "body": body})
        self.send_response(int(self.path.split("/")[1].split("?")[0]))
        self.send_header("Retry-After", "7")
        self.send_header("Location", "http://example.com/")
        self.send_header("Content-Length", "5")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(b"hello")

    do_GET = do_POST = do_DELETE = do_HEAD = answer

    def log_message(self, *_: Any) -> None:
        return None


@pytest.fixture
def server() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Serve on this machine and give the address and what was asked."""
    seen: list[dict[str, Any]] = []
    serving = ThreadingHTTPServer(("127.0.0.1", 0), type("Own", (Answering,), {"seen": seen}))
    thread = threading.Thread(target=serving.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://localhost:{serving.server_port}", seen
    finally:
        serving.shutdown()
        serving.server_close()
        thread.join(10)


def test_a_request_reaches_its_host_by_the_address_that_was_looked_at(connection: Connection, server: Any) -> None:
    url, seen = server
    context = a_context(connection)
    result = request(context, url=f"{url}/200/a?key=geheim", method="POST", body={"이름": "값"}, allow_private=True,
                     headers={"Authorization": "secret://env/ACCESS"})
    assert result["status"] == 200 and result["bytes"] == 5 and result["url"] == f"{url}/200/a"
    asked = seen[0]
    assert asked["headers"]["Host"] == url.removeprefix("http://") and asked["path"] == "/200/a?key=geheim"
    assert asked["headers"]["Authorization"] == "test-access-key" and asked["headers"]["Idempotency-Key"] == "1/test"
    assert json.loads(asked["body"]) == {"이름": "값"}
    told = json.dumps([result, context.link.lines])  # type: ignore[attr-defined]
    assert "geheim" not in told and "test-access-key" not in told


@pytest.mark.parametrize(("path", "more", "error"), [
    ("/404", {}, GiveUp), ("/302", {}, GiveUp), ("/500", {}, UnexpectedAnswer), ("/408", {}, UnexpectedAnswer),
    ("/429", {}, Retry), ("/200", {"expected_status": [204]}, GiveUp),
])
def test_an_unexpected_status_fails_as_it_deserves(
    connection: Connection, server: Any, path: str, more: dict[str, Any], error: type[Exception]
) -> None:
    url, seen = server
    with pytest.raises(error) as failed:
        request(a_context(connection), url=url + path + "?key=geheim", allow_private=True, **more)
    assert path[1:] in str(failed.value) and "geheim" not in str(failed.value) and len(seen) == 1
    if isinstance(failed.value, Retry):
        assert failed.value.after == 7


def test_the_expected_status_may_be_any(connection: Connection, server: Any) -> None:
    assert request(a_context(connection), url=f"{server[0]}/404", expected_status=[404], allow_private=True)["status"] == 404
    assert request(a_context(connection), url=f"{server[0]}/200", method="HEAD", allow_private=True)["bytes"] == 0


def test_this_network_is_asked_only_when_the_job_says_so(connection: Connection, server: Any) -> None:
    url, seen = server
    for target in (url, url.replace("localhost", "127.0.0.1"), url.replace("localhost", "[::ffff:127.0.0.1]")):
        with pytest.raises(GiveUp, match="not a public address"):
            request(a_context(connection), url=f"{target}/200")
    assert seen == []


def test_a_name_with_one_private_address_among_public_ones_is_refused(
    monkeypatch: pytest.MonkeyPatch, connection: Connection
) -> None:
    def both(*_: Any, **__: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 80)) for address in ("93.184.216.34", "10.0.0.1")]

    monkeypatch.setattr(socket, "getaddrinfo", both)
    with pytest.raises(GiveUp, match=r"10\.0\.0\.1"):
        request(a_context(connection), url="http://shop.example/")


@pytest.mark.parametrize(("address", "public"), [
    ("93.184.216.34", True), ("2606:2800:220:1:248:1893:25c8:1946", True), ("127.0.0.1", False), ("169.254.169.254", False),
    ("10.1.2.3", False), ("192.168.0.1", False), ("100.64.0.1", False), ("0.0.0.0", False), ("224.0.0.1", False), ("::1", False),
    ("fe80::1%eth0", False), ("fd00::1", False), ("::ffff:10.0.0.1", False), ("64:ff9b::a00:1", False), ("2002:a00:1::", False),
])
def test_which_addresses_are_public(address: str, public: bool) -> None:
    assert is_public(address) is public


@pytest.mark.parametrize("url", [
    "ftp://example.com/", "http:///x", "http://user:pw@example.com/", "http://example.com:99999/", "file:///etc"])
def test_urls_that_are_refused_and_not_repeated(connection: Connection, url: str) -> None:
    with pytest.raises(GiveUp) as refused:
        request(a_context(connection), url=url)
    assert "pw@" not in str(refused.value)


def test_headers_that_would_lead_elsewhere_are_refused(connection: Connection, server: Any) -> None:
    with pytest.raises(GiveUp, match="host cannot be chosen"):
        request(a_context(connection), url=server[0] + "/200", headers={"HOST": "inner"}, allow_private=True)


def test_a_host_that_is_not_there_is_worth_another_attempt(
    connection: Connection, server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nothing(*_: Any, **__: Any) -> list[Any]:
        raise socket.gaierror(-3, "Temporary failure in name resolution")

    with monkeypatch.context() as patched:
        patched.setattr(socket, "getaddrinfo", nothing)
        with pytest.raises(Unresolved):
            request(a_context(connection), url="http://shop.example/")
    monkeypatch.setattr(http_request, "LONGEST_BODY", 3)
    with pytest.raises(GiveUp, match="longer than"):
        request(a_context(connection), url=server[0] + "/200", allow_private=True)


# execution_digest

def test_a_digest_sums_up_the_day(connection: Connection) -> None:
    connection.execute("INSERT INTO schedule_jobs (name, job_type, interval) VALUES ('주문', 't', '30m'), ('재고', 't', '30m')")
    connection.execute("UPDATE schedule_jobs SET consecutive_failures = 2 WHERE name = '재고'")
    ends = (("주문", "success", 1, None), ("재고", "failed", 2, "먼저"), ("재고", "timed_out", 1, "나중"),
            ("주문", "failed", 30, "그저께"))
    for name, status, age, error in ends:
        connection.execute(
            "INSERT INTO job_executions (id, job_id, status, scheduled_for, started_at, finished_at, duration_ms, error_message) "
            "OVERRIDING SYSTEM VALUE SELECT (SELECT coalesce(max(id), 99) + 1 FROM job_executions), id, %(status)s, "
            "now() - make_interval(hours => %(age)s, secs => id), now(), now() - make_interval(hours => %(age)s), "
            "%(age)s * 1000, %(error)s "
            "FROM schedule_jobs WHERE name = %(name)s", {"name": name, "status": status, "age": age, "error": error})
    result = run(make_digest, a_context(connection))
    assert result["counts"] == {"success": 1, "failed": 1, "timed_out": 1}
    assert result["summary"] == "3 executions in 24 h, 1 succeeded, 2 failed, 0 due"
    assert [(each["job"], each["failures"], each["last_error"]) for each in result["failed"]] == [("재고", 2, "나중")]
    assert result["slowest"][0] == {"job": "재고", "milliseconds": 2000} and result["still_failing"][0]["job"] == "재고"
    assert json.dumps(result) and run(make_digest, a_context(connection), hours=48)["counts"]["failed"] == 2
