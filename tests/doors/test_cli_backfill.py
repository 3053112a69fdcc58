"""`erp-scheduler jobs backfill`: the planned times of the past, each once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import psycopg
import pytest

from scheduler.errors import ScheduleError
from scheduler.queries.backfill import planned_between
from scheduler.queries.jobs import list_jobs
from tests.doors.conftest import Cli, a_job, document
from tests.support.daemons import Daemon

Connection = psycopg.Connection[Any]
PERIOD = ("--from", "2026-01-05", "--to", "2026-01-11")


def test_each_planned_time_is_queued_once_below_the_jobs_own_priority(cli: Cli, connection: Connection) -> None:
    number = a_job(connection, interval=None, specific_times=["09:00"], days_of_week="mon-fri", priority=3)
    seen = document(cli("jobs", "backfill", number, *PERIOD, "--dry-run", "--json"))
    assert seen["planned"][0] == "2026-01-05T00:00:00+00:00" and len(seen["planned"]) == 5
    assert connection.execute("SELECT count(*) FROM job_executions").fetchone() == (0,)
    connection.execute("INSERT INTO job_executions (job_id, scheduled_for) VALUES (%s, '2026-01-07 09:00+09')", (number,))
    done = document(cli("jobs", "backfill", number, *PERIOD, "--yes", "--json"))
    assert len(done["executions"]) == 4 and done["known"] == ["2026-01-07T00:00:00+00:00"]
    rows = connection.execute("SELECT DISTINCT trigger, status, priority FROM job_executions ORDER BY 1").fetchall()
    assert rows == [("backfill", "queued", -7), ("manual", "queued", 3)]
    assert document(cli("jobs", "backfill", number, *PERIOD, "--yes", "--json"))["executions"] == []


def test_it_asks_first_and_tells_how_many(cli: Cli, connection: Connection) -> None:
    number = a_job(connection, interval=None, specific_times=["09:00"])
    refused = cli("jobs", "backfill", number, *PERIOD, code=9)
    assert "7 planned times to run" in refused.stderr and "--yes" in refused.stderr
    assert "7 executions queued" in cli("jobs", "backfill", number, *PERIOD, "--yes").stdout


@pytest.mark.parametrize(("period", "columns", "code", "fault"), [
    (("--from", "2025-01-01", "--to", "2025-12-31"), {"interval": "30m"}, 2, "17,520 planned times"),
    (("--from", "2026-01-02", "--to", "2026-01-01"), {}, 2, "--from is later"),
    (("--from", "2026-01-02", "--to", "2199-01-01"), {}, 2, "in the past"),
    (("--from", "2026-01-02 09:01", "--to", "2026-01-02 09:02"), {"interval": None, "specific_times": ["09:00"]}, 2, "no time"),
    (("--from", "0001-01-01"), {}, 2, "not between the years 2000 and 2200"),
    (("--from", "2026-01-01", "--to", "9999-12-31"), {}, 2, "not between the years 2000 and 2200"),
    (PERIOD, {"interval": None}, 2, "names no time"), (PERIOD, {"interval": "1h", "status": "paused"}, 4, "jobs resume"),
])
def test_what_cannot_be_run_is_refused(
    cli: Cli, connection: Connection, period: tuple[str, ...], columns: dict[str, Any], code: int, fault: str
) -> None:
    number = a_job(connection, **columns)
    assert fault in cli("jobs", "backfill", number, *period, "--yes", code=code).stderr
    assert connection.execute("SELECT count(*) FROM job_executions").fetchone() == (0,)


@pytest.mark.parametrize("language", ["ko", "en"])
def test_a_year_before_ours_is_refused_in_our_words(cli: Cli, connection: Connection, language: str) -> None:
    number = a_job(connection, interval="1 month")
    refused = cli("jobs", "backfill", number, "--from", "1900-01-01", "--yes", "--lang", language, code=2).stderr
    assert "2000" in refused and "2200" in refused and "anchor" not in refused
    with pytest.raises(ScheduleError, match="2200"):
        planned_between(connection, list_jobs(connection)[0], datetime(1900, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize("interval", ["30 minutes", "1 day", "1 month"])
def test_an_interval_has_the_same_steps_before_its_last_edit(connection: Connection, interval: str) -> None:
    a_job(connection, interval=interval, anchor_at="2026-05-31 09:00+09")
    job = list_jobs(connection)[0]
    first = datetime(2026, 1, 1, tzinfo=UTC)
    times = planned_between(connection, job, first if "month" in interval else datetime(2026, 5, 25, tzinfo=UTC),
                            datetime(2026, 5, 31, tzinfo=UTC))
    assert times[-1] == datetime(2026, 5, 31, tzinfo=UTC)
    if interval == "1 month":
        assert [each.date().isoformat() for each in times] == [
            "2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30", "2026-05-31"]
    else:
        step = timedelta(minutes=30) if interval == "30 minutes" else timedelta(days=1)
        assert all(later - earlier == step for earlier, later in pairwise(times))


def test_it_can_wait_until_all_have_run(cli: Cli, database: str, connection: Connection, tmp_path: Path) -> None:
    number = a_job(connection, "good", job_type="noop", interval=None, specific_times=["09:00"])
    bad = a_job(connection, "bad", job_type="say", parameters='{"what": "give_up"}', interval=None, specific_times=["09:00"])
    daemon = Daemon(database, tmp_path)
    try:
        daemon.start()
        assert "7/7 done, 0 failed" in cli("jobs", "backfill", number, *PERIOD, "--yes", "--wait", "--timeout", "60s").stderr
        failing = ("jobs", "backfill", bad, "--from", "2026-01-05", "--to", "2026-01-05", "--yes", "--wait", "--timeout", "60s")
        assert "1/1 done, 1 failed" in cli(*failing, code=1).stderr
    finally:
        daemon.remove()
    rows = connection.execute(
        "SELECT scheduled_for FROM job_executions WHERE job_id = %s ORDER BY started_at", (number,)).fetchall()
    assert rows == sorted(rows) and len(rows) == 7
