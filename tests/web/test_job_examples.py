"""The button of an empty list: six paused jobs of a shop, added once."""

from __future__ import annotations

from tests.support.daemons import Rows
from tests.web.conftest import HTML, Web


def test_an_empty_list_offers_six_examples_to_those_who_may_make_jobs(web: Web, rows: Rows) -> None:
    assert "예제 6개 넣기" in web.page("/scheduler/jobs").text
    assert "Add six examples" in web.page("/scheduler", language="en").text
    assert "jobs-examples" not in web.page("/scheduler/jobs", "viewer").text
    assert web.ask["operator"].post("/scheduler/jobs-examples", headers=HTML).status_code == 403
    for _ in range(2):
        assert web.ask["admin"].post("/scheduler/jobs-examples", headers=HTML).headers["location"] == "/scheduler/jobs"
    assert rows.all("SELECT status, count(*) FROM schedule_jobs GROUP BY 1") == [("paused", 6)]
    assert rows.one("SELECT count(*) FROM audit_log WHERE action = 'job.import'") == 6
    assert "예제 6개 넣기" not in web.page("/scheduler/jobs").text
    assert web.page("/scheduler/jobs").text.count("일시정지") >= 6


def test_a_job_of_that_name_stays_as_it_is(web: Web, rows: Rows) -> None:
    own = rows.add_job("주문 수집", interval="1 hour")
    web.ask["admin"].post("/scheduler/jobs-examples", headers=HTML)
    assert rows.one("SELECT count(*) FROM schedule_jobs") == 6
    assert rows.one("SELECT job_type FROM schedule_jobs WHERE id = %s", own) == "noop"
