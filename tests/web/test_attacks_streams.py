"""Streams that outlive their right or their server; each test named after what it keeps from happening."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from scheduler.queries import web_accounts
from scheduler.web.api import execution_logs
from scheduler.web.people import COOKIE
from tests.support.daemons import LIMIT, ROOT, Rows, wait_for
from tests.web.conftest import TOKENS, Web, make_tokens
from tests.web.people import add_user, logged_in

VIEWER = {"Authorization": f"Bearer {TOKENS['viewer']}"}
STOP_SECONDS = 2.5


class Follower:
    """Somebody who follows a log in a thread of their own, until it ends or breaks off."""

    def __init__(self, url: str, number: int, **headers: str) -> None:
        self.lines: list[str] = []
        self.fault: Exception | None = None
        self._ask = (f"{url}/api/v1/executions/{number}/logs?follow=true", headers or VIEWER)
        self.thread = threading.Thread(target=self._follow, daemon=True)
        self.thread.start()

    def _follow(self) -> None:
        path, headers = self._ask
        try:
            with httpx.stream("GET", path, headers=headers, timeout=LIMIT) as answer:
                for line in answer.iter_lines():
                    self.lines.append(line)
        except httpx.HTTPError as error:
            self.fault = error

    def has_heard(self, text: str) -> bool:
        return any(text in line for line in self.lines)

    def has_ended(self) -> bool:
        return not self.thread.is_alive()


def write(rows: Rows, number: int, line: int, message: str) -> None:
    rows.connection.execute("INSERT INTO execution_logs (execution_id, line, level, message, logged_at)"
                            " VALUES (%s, %s, 'INFO', %s, now())",
                            (number, line, message))


@pytest.fixture
def number(rows: Rows) -> int:
    """Give an execution that does not end, with a line."""
    made = rows.run_now(rows.add_job("재고"))
    write(rows, made, 0, "first")
    return made


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Count the looks at the state of executions."""
    found: list[float] = []
    former = execution_logs.state

    def counted(connection: psycopg.Connection[Any], number: int) -> str | None:
        found.append(time.monotonic())
        return former(connection, number)

    monkeypatch.setattr(execution_logs, "state", counted)
    return found


# -- at the end of the server -----------------------------------------------------------------------------------------


def test_streams_end_at_stop_and_do_not_spin(web: Web, number: int, looks: list[float]) -> None:
    followers = [Follower(web.url, number) for _ in range(3)]
    wait_for(lambda: all(each.has_heard("first") for each in followers), what="they listen")
    looks.clear()
    web.app.state.place.hub.close()
    wait_for(lambda: all(each.has_ended() for each in followers), what="the streams end")
    assert [each.fault for each in followers] == [None] * 3, "in order, not broken off"
    assert len(looks) <= 2 * len(followers)


@contextmanager
def served(database: str, folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], str, Path]]:
    """Serve by a process of its own, as in production."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    said = folder / "said"
    given = {"DATABASE_URL": database, "ERP_SCHEDULER_STATE_DIR": str(folder / "state"), "ERP_SCHEDULER_LOG_DIR": str(folder)}
    with said.open("wb") as output:
        process = subprocess.Popen([sys.executable, "-m", "scheduler", "web", "--port", str(port)], cwd=ROOT,
                                   env={**os.environ, **given}, stdout=output, stderr=output)
    try:
        url = f"http://127.0.0.1:{port}"
        wait_for(lambda: process.poll() is not None or answers(url), what="it answers")
        assert process.poll() is None, said.read_text()
        yield process, url, said
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/healthz", timeout=LIMIT).status_code == 200
    except httpx.TransportError:
        return False


def test_sigterm_of_a_real_server_with_three_log_streams_ends_it_soon_and_in_order(
    database: str, connection: psycopg.Connection[Any], rows: Rows, number: int, tmp_path: Path
) -> None:
    make_tokens(connection)
    with served(database, tmp_path) as (process, url, said):
        followers = [Follower(url, number) for _ in range(3)]
        wait_for(lambda: all(each.has_heard("first") for each in followers), what="they listen")
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(LIMIT) == 0
        took = time.monotonic() - began
        wait_for(lambda: all(each.has_ended() for each in followers), what="the streams end")
        text = said.read_text()
    assert took < STOP_SECONDS and "Traceback" not in text and "Cancel" not in text, (took, text)
    assert [each.fault for each in followers] == [None] * 3


# -- at the end of a right --------------------------------------------------------------------------------------------


def revoke(rows: Rows, _user: int) -> None:
    rows.connection.execute("UPDATE web_tokens SET revoked_at = now()")


def expire(rows: Rows, _user: int) -> None:
    rows.connection.execute("UPDATE web_tokens SET created_at = now() - interval '2 days', expires_at = now() - interval '1 day'")


def disable(rows: Rows, user: int) -> None:
    rows.connection.execute("UPDATE web_users SET disabled_at = now() WHERE id = %s", (user,))


def close_session(rows: Rows, user: int) -> None:
    assert web_accounts.close_all(rows.connection, user) == 1


def test_who_listens_is_looked_up_anew_within_a_minute() -> None:
    assert execution_logs.RIGHTS_SECONDS + 2 * execution_logs.LOOK_SECONDS < 60


@pytest.mark.parametrize("accept", ["application/x-ndjson", "text/event-stream"])
@pytest.mark.parametrize("end", [revoke, expire, disable, close_session])
def test_a_stream_ends_with_the_right_to_it_and_carries_no_later_line(
    web: Web, rows: Rows, number: int, monkeypatch: pytest.MonkeyPatch, end: Callable[[Rows, int], None], accept: str
) -> None:
    monkeypatch.setattr(execution_logs, "RIGHTS_SECONDS", 0.2)
    user = add_user(rows.connection, "kim", "viewer")
    with logged_in(web, "kim") as browser:
        who = VIEWER if end in (revoke, expire) else {"Cookie": f"{COOKIE}={browser.client.cookies[COOKIE]}"}
        follower = Follower(web.url, number, Accept=accept, **who)
        wait_for(lambda: follower.has_heard("first"), what="it listens")
        write(rows, number, 1, "second")
        wait_for(lambda: follower.has_heard("second"), what="it goes on while the right is there")
        end(rows, user)
        wait_for(follower.has_ended, what="the stream ends")
        write(rows, number, 2, "after the end")
    assert follower.fault is None and not follower.has_heard("after the end")


def test_a_stream_ends_in_order_when_the_database_goes_and_is_taken_up_again(web: Web, rows: Rows, number: int) -> None:
    follower = Follower(web.url, number)
    wait_for(lambda: follower.has_heard("first"), what="it listens")
    web.app.state.place.shut_until = time.monotonic() + 1.5
    wait_for(follower.has_ended, what="the stream ends")
    assert follower.fault is None
    write(rows, number, 1, "second")
    wait_for(lambda: time.monotonic() > web.app.state.place.shut_until, what="the database is back")
    again = Follower(web.url, number)
    wait_for(lambda: again.has_heard("second"), what="it goes on")
    web.app.state.place.hub.close()
    wait_for(again.has_ended, what="the stream ends")


def test_no_compressor_keeps_a_line_back(
    database: str, connection: psycopg.Connection[Any], rows: Rows, number: int, tmp_path: Path
) -> None:
    make_tokens(connection)
    with served(database, tmp_path) as (_, url, _):
        follower = Follower(url, number, **VIEWER, **{"Accept-Encoding": "gzip"})
        wait_for(lambda: follower.has_heard("first"), what="the first line")
        write(rows, number, 1, "second")
        wait_for(lambda: follower.has_heard("second"), what="the second line")
        assert not follower.has_ended()
