"""The shop that the pages are tried on."""

from __future__ import annotations

from tests.support.daemons import Rows
from tests.web.shop import stock_shop


def test_the_shop_has_every_status(rows: Rows) -> None:
    stock_shop(rows.connection)
    assert set(rows.all("SELECT DISTINCT status FROM job_executions")) == {
        "queued", "running", "success", "failed", "timed_out", "cancelled", "skipped", "lost"}
    assert set(rows.all("SELECT DISTINCT status FROM schedule_jobs")) == {"active", "paused", "invalid"}
