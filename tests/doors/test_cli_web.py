"""`erp-scheduler web`, and the dashboard that `start` keeps: addresses, links, refusals, status."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from scheduler import instance
from scheduler.cli.demo_site import promised_port
from tests.doors.conftest import Cli, document
from tests.support import ports
from tests.support.daemons import LIMIT, ROOT, wait_for

port = ports.port
INVITED = "SELECT count(*) FROM web_invitations"
Start = Callable[..., "Web"]


class Web:
    """One `erp-scheduler web` as people start it."""

    def __init__(self, environment: dict[str, str], *words: object) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "scheduler", "web", *map(str, words)], cwd=ROOT, env=environment, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        self.errors: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        self.errors += self.process.stderr

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def end(self, number: int = signal.SIGTERM) -> int:
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(LIMIT)


@pytest.fixture
def environment(database: str, tmp_path: Path, port: int) -> dict[str, str]:
    return {
        **os.environ, "DATABASE_URL": database, "ERP_SCHEDULER_STATE_DIR": str(tmp_path / "state"),
        "ERP_SCHEDULER_LOG_DIR": str(tmp_path / "logs"), "ERP_SCHEDULER_LANG": "en", "ERP_SCHEDULER_WEB_PORT": str(port),
        "ERP_SCHEDULER_HANDLERS": "tests.support.jobs",
    }


@pytest.fixture
def start(environment: dict[str, str]) -> Iterator[Start]:
    started: list[Web] = []

    def make(*words: object) -> Web:
        started.append(Web(environment, *words))
        return started[-1]

    yield make
    for each in started:
        if each.process.poll() is None:
            each.process.kill()
            each.process.wait()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_names_its_address_and_the_link_and_ends_in_order(
    start: Start, port: int, connection: psycopg.Connection[Any], number: int
) -> None:
    web = start()
    assert web.line() == f"dashboard: http://localhost:{port}/scheduler"
    assert f"http://localhost:{port}/scheduler/setup/" in (link := web.line())
    assert connection.execute(INVITED).fetchone() == (1,)
    assert httpx.get(f"http://127.0.0.1:{port}/healthz").json() == {"status": "ok"}
    assert httpx.get(link.split()[-1], headers={"Accept": "text/html"}).status_code == 200
    assert web.end(number) == 0
    assert "Traceback" not in "".join(web.errors)


def test_there_is_no_link_once_there_is_a_user(start: Start, port: int, connection: psycopg.Connection[Any]) -> None:
    connection.execute("INSERT INTO web_users (name, role, password_hash) VALUES ('kim', 'admin', '-')")
    said = json.loads(start("--json").line())
    assert said == {"running": True, "url": f"http://localhost:{port}/scheduler", "set_up": None}


def test_open_streams_are_not_compressed_and_do_not_delay_the_end(
    start: Start, port: int, connection: psycopg.Connection[Any]
) -> None:
    from tests.web.conftest import make_tokens

    make_tokens(connection)
    web = start("--json")
    web.line()
    client = httpx.Client(base_url=f"http://127.0.0.1:{port}", headers={"Authorization": "Bearer erps_viewer"})
    with client.stream("GET", "/scheduler/events", headers={"Accept-Encoding": "gzip"}) as stream:
        assert "content-encoding" not in stream.headers
        lines = stream.iter_lines()
        assert next(lines) == "event: hello"
        assert web.end() == 0
    client.close()
    assert "graceful" not in "".join(web.errors)


def test_a_taken_port_is_a_conflict_that_says_what_to_type(cli: Cli) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        number = taken.getsockname()[1]
        refused = cli("web", "--port", number, code=6)
        assert f"port {number} is taken" in refused.stderr and f"web --port {number + 1}" in refused.stderr


@pytest.mark.parametrize("command", [("web",), ("start",), ("start", "-d"), ("restart",)])
def test_an_address_that_others_reach_needs_encryption(cli: Cli, command: tuple[str, ...]) -> None:
    refused = cli(*command, "--host", "0.0.0.0", code=2)
    assert "--behind-proxy" in refused.stderr and "ERP_SCHEDULER_WEB_CERT" in refused.stderr


def test_an_address_of_another_machine_is_refused(cli: Cli) -> None:
    assert "192.0.2.1" in cli("web", "--host", "192.0.2.1", "--behind-proxy", code=2).stderr


def test_it_waits_for_a_database_that_is_not_there(environment: dict[str, str], start: Start, port: int) -> None:
    environment["DATABASE_URL"] = "postgresql:///nowhere?host=/tmp/no-such-folder"
    web = start()
    assert web.line().startswith("dashboard: ")
    assert httpx.get(f"http://127.0.0.1:{port}/healthz").status_code == 200
    unready = httpx.get(f"http://127.0.0.1:{port}/readyz", headers={"Accept-Language": "en"}, timeout=LIMIT)
    assert unready.status_code == 503 and unready.json()["title"] == "The database cannot be reached"
    web.end()
    web._reader.join(LIMIT)
    assert "no database yet" in "".join(web.errors)


def test_it_brings_an_empty_database_up_to_date(cluster: Any, environment: dict[str, str], start: Start) -> None:
    name = cluster.create()
    environment["DATABASE_URL"] = cluster.dsn(name)
    web = start("--json")
    assert json.loads(web.line())["set_up"]
    web.end()
    cluster.drop(name)


def test_it_leaves_the_schema_to_the_daemon_of_its_folder(
    cluster: Any, environment: dict[str, str], start: Start, tmp_path: Path
) -> None:
    from scheduler.database.migrate import migrate

    name = cluster.create()
    environment["DATABASE_URL"] = cluster.dsn(name)
    daemon = instance.acquire(tmp_path / "state")
    try:
        web = start("--json")
        wait_for(lambda: any("waiting for the daemon" in line for line in web.errors), what="it says that it waits")
        with psycopg.connect(cluster.dsn(name), autocommit=True) as connection:
            assert connection.execute("SELECT to_regclass('schedule_jobs')").fetchone() == (None,)
            migrate(connection)
        assert json.loads(web.line())["running"]
        web.end()
    finally:
        os.close(daemon.lock_fd)
        cluster.drop(name)


def test_start_keeps_a_dashboard_and_status_says_where(
    environment: dict[str, str], port: int, connection: psycopg.Connection[Any], tmp_path: Path
) -> None:
    def run(*words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        done = subprocess.run([sys.executable, "-m", "scheduler", *words], capture_output=True, text=True, timeout=60,
                              env=environment, cwd=ROOT, check=False)
        assert done.returncode == code, done
        return done

    def facts() -> Any:
        return json.loads(run("status", "--json").stdout)["web"]

    url = f"http://localhost:{port}/scheduler"
    assert json.loads(run("status", "--json", code=3).stdout)["web"] == {"running": False, "url": None}
    started = run("start", "-d")
    try:
        assert started.stdout.strip().isdigit()
        assert f"dashboard: {url}" in started.stderr
        link = next(word for word in started.stderr.split() if "/setup/" in word)
        wait_for(lambda: facts() == {"running": True, "url": url}, what="the dashboard answers")
        assert f"web {url}" in run("status").stdout
        assert httpx.get(link, headers={"Accept": "text/html"}).status_code == 200
        console = (tmp_path / "logs" / "scheduler" / "console.log").read_text()
        assert "web.ready" in console and "/setup/" not in console
        assert connection.execute(INVITED).fetchone() == (1,)
    finally:
        run("stop")
    assert json.loads(run("status", "--json", code=3).stdout)["web"] == {"running": False, "url": None}


def test_status_finds_a_dashboard_that_runs_alone(cli: Cli, start: Start, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ERP_SCHEDULER_WEB_PORT", str(port))
    start().line()
    wanted = {"running": True, "url": f"http://localhost:{port}/scheduler"}
    wait_for(lambda: document(cli("status", "--json", code=3))["web"] == wanted, what="status finds it")


def test_the_demo_takes_another_port_when_the_usual_one_is_taken() -> None:
    with socket.socket() as usual:
        usual.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            usual.bind(("127.0.0.1", 3000))
            usual.listen()
        except OSError:
            pass
        assert promised_port()[1] not in (0, 3000)
