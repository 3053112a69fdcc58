"""`presets list, install`: the jobs of the manuals, made once, never overwritten, with parameters their handlers accept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
import pytest

from scheduler.queries import presets
from scheduler.rules.parameters import check_parameters
from scheduler.running.registry import add, load_source, sources
from scheduler.words import set_language
from tests.doors.conftest import Cli, a_job, document
from tests.support.daemons import Daemon, wait_for

Connection = psycopg.Connection[Any]
MAINTENANCE = {
    "health_check": {"every": "5m"}, "data_cleanup": {"at": ["02:00"]}, "backup": {"cron": "0 3 * * 0"},
    "api_sync": {"every": "30m"}, "notification": {"at": ["09:00"]},
}
SHOP = {
    "상품 수집": {"at": ["03:30"]}, "주문 수집": {"every": "15m"}, "재고 동기화": {"every": "30m"},
    "가격 변경": {"at": ["06:00"]}, "데이터베이스 백업": {"at": ["03:00"]}, "주간 보고서": {"at": ["08:00"]},
}
SERVICE = {
    "cleanup_sessions": {"every": "1h"}, "daily_digest": {"at": ["09:00"]}, "sync_external": {"every": "15m"},
    "weekly_reports": {"cron": "0 6 * * 1"}, "health_check": {"every": "5m"},
}


@pytest.mark.parametrize(("name", "schedules"), [("maintenance", MAINTENANCE), ("service", SERVICE), ("shop", SHOP)])
def test_a_set_is_without_fault_and_its_handlers_take_its_parameters(name: str, schedules: dict[str, Any]) -> None:
    set_language("en")
    preset = presets.read_preset(name)
    assert preset.faults == []
    assert {job: entry["schedule"] for job, entry in preset.config.jobs.items()} == schedules
    known: dict[str, Any] = {}
    for value, job_type in sources(()):
        add(known, load_source(value, job_type))
    for entry in preset.config.jobs.values():
        made = known[entry["type"]]
        assert check_parameters(made.schema(), entry.get("parameters", {})) == []
        made.validate(entry.get("parameters", {}))


def test_list_names_sets_jobs_and_what_comes_later(cli: Cli) -> None:
    shown = cli("presets", "list").stdout
    for words in ("maintenance", "cleanup_sessions", "needs Cafe24, comes later", "09:00 (UTC)"):
        assert words in shown
    assert "카페24" in cli("presets", "list", "--lang", "ko").stdout
    found = document(cli("presets", "list", "--json"))
    assert [(each["name"], len(each["jobs"])) for each in found["presets"]] == [("shop", 6), ("maintenance", 5), ("service", 5)]
    assert found["later"][0]["job"] == "meta_catalog_ad"


def test_install_adds_what_is_missing_and_leaves_the_rest(cli: Cli, connection: Connection) -> None:
    own = a_job(connection, "backup", interval="1h")
    assert "+ job health_check" in cli("presets", "install", "maintenance", "--dry-run").stdout
    assert connection.execute("SELECT count(*) FROM schedule_jobs").fetchone() == (1,)
    cli("presets", "install", "maintenance", code=9)
    done = cli("presets", "install", "maintenance", "--yes")
    assert "already there and left as they are: backup" in done.stderr and "⏸ api_sync: Set parameters.url" in done.stderr
    found = dict(connection.execute("SELECT name, status FROM schedule_jobs").fetchall())
    assert {name for name, status in found.items() if status == "paused"} == {"data_cleanup", "api_sync"} and len(found) == 5
    backup = connection.execute("SELECT id, interval::text FROM schedule_jobs WHERE name = 'backup'").fetchone()
    assert backup == (own, "01:00:00")
    before = connection.execute("SELECT name, xmin FROM schedule_jobs ORDER BY name").fetchall()
    assert "nothing differs" in cli("presets", "install", "maintenance", "--yes").stdout
    assert [each["name"] for each in document(cli("presets", "install", "service", "--yes", "--json"))] == [
        "cleanup_sessions", "daily_digest", "sync_external", "weekly_reports"]
    assert set(before) <= set(connection.execute("SELECT name, xmin FROM schedule_jobs").fetchall())
    assert connection.execute("SELECT timezone FROM schedule_jobs WHERE name = 'daily_digest'").fetchone() == ("UTC",)


def test_an_unknown_set_is_named_with_those_there_are(cli: Cli) -> None:
    assert "maintenance, service" in cli("presets", "install", "cafe24", code=5).stderr


def test_a_daemon_plans_the_jobs_and_runs_them(cli: Cli, connection: Connection, database: str, tmp_path: Path) -> None:
    for name in presets.PRESETS:
        cli("presets", "install", name, "--yes")
    connection.execute("CREATE TABLE sessions AS SELECT now() - interval '1 hour' AS expires_at")
    daemon = Daemon(database, tmp_path, handlers="")
    try:
        daemon.start()
        planned = "SELECT count(*) FROM schedule_jobs WHERE status = 'active' AND next_run_at IS NOT NULL"
        wait_for(lambda: connection.execute(planned).fetchone() == (5,), what="all active jobs planned")
        cli("jobs", "resume", "cleanup_sessions")
        cli("jobs", "run", "health_check", "notification", "cleanup_sessions", "--wait", "--timeout", "60s")
    finally:
        daemon.remove()
    ended = dict(connection.execute("SELECT job_name, result FROM job_executions WHERE status = 'success'").fetchall())
    assert ended["health_check"]["healthy"] and ended["cleanup_sessions"] == {"command": "DELETE", "rows": 1}
    assert ended["notification"]["summary"].endswith("due")
    assert connection.execute("SELECT count(*) FROM schedule_jobs WHERE status = 'invalid'").fetchone() == (0,)
