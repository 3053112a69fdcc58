"""Three days over Christmas, with the database's clock set by the test: what was foretold is what ran, to the second."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from scheduler.model import ExecutionStatus, Outcome
from scheduler.protocol.close import complete_jobs
from scheduler.protocol.follow import wake
from scheduler.protocol.forecast import foresee
from scheduler.protocol.plan import plan
from scheduler.protocol.record import record
from tests.protocol.conftest import Node
from tests.protocol.test_plan import SPECS
from tests.support.daemons import Rows

SEOUL = ZoneInfo("Asia/Seoul")
START = datetime(2026, 12, 24, 0, 0, 30, tzinfo=SEOUL)
END = START + timedelta(days=3)

# A schema before pg_catalog: every now() of the protocol is the test's.
CLOCK = """
CREATE SCHEMA shifted;
CREATE TABLE shifted.clock (moment timestamptz NOT NULL);
CREATE FUNCTION shifted.now() RETURNS timestamptz LANGUAGE sql STABLE AS 'SELECT moment FROM shifted.clock';
CREATE FUNCTION shifted.clock_timestamp() RETURNS timestamptz LANGUAGE sql STABLE AS 'SELECT moment FROM shifted.clock';
"""
PATH = "SET search_path = shifted, pg_catalog, public"

JOBS: dict[str, dict[str, Any]] = {
    "interval": {"interval": "25m"},
    "months": {"interval": "1 month", "start_at": "2026-12-01"},
    "times": {"specific_times": ["09:00", "18:30"]},
    "weekdays": {"specific_times": ["07:15"], "days_of_week": "mon-fri"},
    "cron": {"cron_expression": "*/40 8-10 * * *"},
    "holidays skipped": {"cron_expression": "0 6 * * *", "on_holiday": "skip"},
    "next business day": {"specific_times": ["06:30"], "on_holiday": "next"},
    "business day before": {"specific_times": ["05:00"], "on_holiday": "previous", "calendar": "kr"},
    "courier": {"specific_times": ["16:00"], "on_holiday": "skip", "calendar": "courier"},
    "stopped by the sale": {"interval": "30m", "tags": ["quiet"]},
    "faster in the sale": {"interval": "1h", "tags": ["hot"]},
    "paused for a day": {"interval": "45m", "paused_until": "2026-12-25 12:00+09", "pause_reason": "점검"},
    "ends": {"interval": "35m", "end_at": "2026-12-25 03:00+09"},
    "seven times": {"interval": "50m", "max_runs": 7},
    "new york": {"specific_times": ["20:00"], "timezone": "America/New_York"},
}


@pytest.fixture
def shifted(node: Node, rows: Rows) -> Rows:
    rows.connection.execute(CLOCK)
    rows.connection.execute("INSERT INTO shifted.clock VALUES (%s)", (START,))
    rows.connection.execute(PATH)
    return rows


def set_clock(rows: Rows, moment: datetime) -> None:
    rows.connection.execute("UPDATE shifted.clock SET moment = %s", (moment,))


async def run_what_is_due(node: Node, rows: Rows) -> None:
    await wake(node.connection)
    await plan(node.connection, SPECS)
    while taken := await node.claim(free_slots=50):
        verdicts = await record(node.connection, [Outcome(each.id, each.token, ExecutionStatus.SUCCESS) for each in taken])
        assert {verdict.status for verdict in verdicts} == {"success"}


NEXT = """
SELECT least((SELECT min(next_run_at) FROM schedule_jobs WHERE status = 'active'),
             (SELECT min(paused_until) FROM schedule_jobs WHERE status = 'paused'))
"""


async def test_what_was_foretold_is_what_ran(node: Node, shifted: Rows) -> None:
    await node.connection.execute(PATH.encode())
    shifted.connection.execute("INSERT INTO calendars (name, base, closed_weekdays) VALUES ('courier', 'kr', 'sun')")
    shifted.connection.execute(
        "INSERT INTO calendar_days (calendar, day, is_holiday, name) VALUES ('courier', '2026-12-25', false, '배송')")
    shifted.connection.execute(
        "INSERT INTO schedule_overlays (name, starts_at, ends_at, action, factor, tags) VALUES"
        " ('quiet', '2026-12-24 10:00+09', '2026-12-25 01:10+09', 'stop', NULL, '{quiet}'),"
        " ('hot', '2026-12-25 00:00+09', '2026-12-26 00:00+09', 'multiply', 3, '{hot}')")
    ids = {name: shifted.add_job(name, **columns) for name, columns in JOBS.items()}
    await plan(node.connection, SPECS)
    while await foresee(node.connection):
        pass
    foretold = set(shifted.all("SELECT job_id, run_at FROM schedule_forecast WHERE run_at <= %s", END))

    moment: datetime | None = START
    while moment is not None and moment <= END:
        set_clock(shifted, moment)
        await run_what_is_due(node, shifted)
        moment = shifted.one(NEXT)

    await complete_jobs(node.connection)
    ran = set(shifted.all("SELECT job_id, scheduled_for FROM job_executions WHERE status = 'success'"))
    assert ran == foretold
    assert shifted.one("SELECT count(*) FROM job_executions WHERE status <> 'success'") == 0
    counts = {name: sum(job_id == ids[name] for job_id, _ in ran) for name in JOBS}
    assert {name: counts[name] for name in JOBS if name not in ("interval", "cron", "paused for a day", "ends")} == {
        "months": 0, "times": 6, "weekdays": 2, "holidays skipped": 1, "next business day": 1, "business day before": 1,
        "courier": 3, "stopped by the sale": counts["stopped by the sale"], "faster in the sale": counts["faster in the sale"],
        "seven times": 7, "new york": 3,
    }
    assert counts["faster in the sale"] > 24 + 48 and 80 < counts["stopped by the sale"] < 144
    statuses = dict(shifted.all("SELECT name, status FROM schedule_jobs"))
    assert {name for name, status in statuses.items() if status == "completed"} == {"ends", "seven times"}


async def test_the_reason_of_what_will_not_run_is_told_in_both_languages(node: Node, shifted: Rows) -> None:
    await node.connection.execute(PATH.encode())
    job = shifted.add_job("skips", cron_expression="0 6 * * *", on_holiday="skip", calendar="kr-holidays")
    await plan(node.connection, SPECS)
    assert not await foresee(node.connection)
    planned, reason, korean, english = shifted.one(
        "SELECT planned_at, reason, reason_ko, reason_en FROM schedule_forecast"
        " WHERE job_id = %s AND run_at IS NULL ORDER BY planned_at LIMIT 1", job)
    assert planned == datetime(2026, 12, 25, 6, tzinfo=SEOUL) and reason == "holiday"
    assert "기독탄신일" in korean and english.isascii()
    words = shifted.one("SELECT ko, en FROM schedule_words WHERE job_id = %s", job)
    assert "매일 06:00" in words[0] and "daily at 06:00" in words[1]
