"""A filter that cannot be read never means "all": lists show nothing and say why, deeds and exports are refused."""

from __future__ import annotations

import re

import pytest

from tests.support.daemons import Rows
from tests.web.conftest import HTML, Web
from tests.web.test_executions_page import an_execution, numbers

EXECUTIONS = ("since=nonsense", "until=nonsense", "until=0001-01-01", "status=nonsense", "status=failed,nonsense",
              "trigger=nonsense", "job=nobody", "q=a%00b", "node=" + "x" * 201)
JOBS = ("status=nonsense", "health=nonsense", "q=a%00b", "tag=" + "x" * 201)
UNKNOWN = ("ended=24h", "helath=failing")


@pytest.mark.parametrize("query", EXECUTIONS)
def test_executions_are_neither_listed_nor_touched(web: Web, rows: Rows, query: str) -> None:
    an_execution(rows, rows.add_job("orders"), "failed")
    for language in ("ko", "en"):
        shown = web.page(f"/scheduler/executions?{query}", language=language)
        fault = re.search(r'<p class="fault" role="alert">✕ ([^<]+)', shown.text)
        assert shown.status_code == 200 and numbers(shown.text) == [] and fault is not None, query
        assert fault[1].startswith(query.partition("=")[0]) and bool(re.search("[가-힣]", fault[1])) == (language == "ko")
    assert "retry-all" not in shown.text.partition("<main")[2]
    for path in ("executions/retry-all", "executions/cancel-all", "executions-export"):
        assert web.page(f"/scheduler/{path}?{query}").status_code == 422, path
    done = web.ask["admin"].post(f"/scheduler/executions/retry-all?{query}", data={"expect": "1", "upto": "999"}, headers=HTML)
    assert done.status_code == 422 and rows.one("SELECT count(*) FROM job_executions") == 1


@pytest.mark.parametrize("query", JOBS)
def test_jobs_are_neither_listed_nor_touched(web: Web, rows: Rows, query: str) -> None:
    rows.add_job("orders", interval="1 hour")
    for language in ("ko", "en"):
        shown = web.page(f"/scheduler/jobs?{query}", language=language)
        assert shown.status_code == 200 and 'class="fault" role="alert"' in shown.text and ">orders</a>" not in shown.text
    assert web.page(f"/scheduler/jobs-bulk?action=pause&all=true&{query}").status_code == 422
    assert web.page(f"/scheduler/jobs-export?{query}").status_code == 422
    done = web.ask["admin"].post(f"/scheduler/jobs-bulk?{query}", data={"action": "pause", "all": "true", "expect": "1"},
                                 headers=HTML)
    assert done.status_code == 422 and rows.one("SELECT status FROM schedule_jobs") == "active"


@pytest.mark.parametrize("query", UNKNOWN)
def test_a_deed_refuses_a_filter_that_it_does_not_know(web: Web, rows: Rows, query: str) -> None:
    an_execution(rows, rows.add_job("orders"), "failed")
    for path in ("executions/retry-all?", "executions/cancel-all?", "executions-export?", "jobs-bulk?action=pause&all=true&",
                 "jobs-export?"):
        answer = web.page(f"/scheduler/{path}{query}", language="en")
        assert answer.status_code == 422 and "there is no filter" in answer.text, path


def test_what_can_be_read_goes_through(web: Web, rows: Rows) -> None:
    made = an_execution(rows, rows.add_job("orders"), "failed")
    for query in ("since=90s", "since=24h", "status=failed&status=lost", "status=failed,lost", "job=orders", "trigger=", "since=",
                  "q=+", "status="):
        assert numbers(web.page(f"/scheduler/executions?{query}").text) == [made], query
    assert '<option value="90s" selected>90s</option>' in web.page("/scheduler/executions?since=90s").text
    assert web.page("/scheduler/jobs-bulk?action=pause&all=true&status=active&sort=name&columns=name").status_code == 200


@pytest.mark.parametrize("given", [{"status": []}, {"q": None}, {"since": "nonsense"}, {"status": ["nonsense"]}, {"since": None}])
def test_a_batch_of_programs_never_takes_nothing_for_all(web: Web, rows: Rows, given: dict[str, object]) -> None:
    an_execution(rows, rows.add_job("orders"), "failed")
    answer = web.ask["operator"].post("/api/v1/executions:batch", json={"action": "retry", "filter": given})
    assert answer.status_code == 422 and rows.one("SELECT count(*) FROM job_executions") == 1


def test_a_batch_of_jobs_takes_no_empty_list_of_states(web: Web, rows: Rows) -> None:
    rows.add_job("orders", interval="1 hour")
    answer = web.ask["operator"].post("/api/v1/jobs:batch", json={"action": "pause", "filter": {"status": []}, "expect": 1})
    assert answer.status_code == 422 and rows.one("SELECT status FROM schedule_jobs") == "active"
