"""Whoever chooses the parameters of a type that does what they say needs to be an admin, by whichever door."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from psycopg.types.json import Jsonb

from scheduler.handler import make_handler
from tests.support.daemons import Rows
from tests.web.conftest import HTML, Web

OWN = {"statement": "SELECT 1"}
OTHER = {"statement": "DELETE FROM erp.orders"}
API, PAGE = "/api/v1", "/scheduler"


def send(web: Web, role: str, path: str, *, json_: Any = None, form: dict[str, str] | None = None) -> httpx.Response:
    if form is None:
        return web.ask[role].post(path, json=json_, headers={"Accept-Language": "en"})
    return web.ask[role].post(path, data=form, headers={**HTML, "Accept-Language": "en"})


DOORS: dict[str, tuple[str, dict[str, Any]]] = {
    "REST run": (f"{API}/jobs/1/run", {"json_": {"parameters": OTHER}}),
    "REST one-off": (f"{API}/executions", {"json_": {"job_type": "sql_statement", "parameters": OTHER}}),
    "REST retry": (f"{API}/executions/1/retry", {"json_": {"parameters": OTHER}}),
    "page run": (f"{PAGE}/job/1/run", {"form": {"parameters_json": json.dumps(OTHER)}}),
    "page retry": (f"{PAGE}/executions/1/retry", {"form": {"parameters": json.dumps(OTHER)}}),
}
AS_IT_IS: dict[str, tuple[str, dict[str, Any]]] = {
    "REST run": (f"{API}/jobs/1/run", {"json_": {}}), "REST run, said": (f"{API}/jobs/1/run", {"json_": {"parameters": OWN}}),
    "REST retry": (f"{API}/executions/1/retry", {"json_": {}}),
    "page run": (f"{PAGE}/job/1/run", {"form": {"parameters_json": json.dumps(OWN)}}),
    "page retry": (f"{PAGE}/executions/1/retry", {"form": {"parameters": json.dumps(OWN)}}),
    "quick": (f"{PAGE}/quick/1/run", {"form": {}}), "compat": (f"{PAGE}/jobs/1/run", {"json_": {}}),
}


@pytest.fixture(autouse=True)
def _failed(rows: Rows) -> None:
    rows.add_job("SQL", "sql_statement", parameters=Jsonb(OWN))
    rows.connection.execute("INSERT INTO job_executions (job_id, status, started_at, finished_at, parameters) "
                            "VALUES (1, 'failed', now(), now(), %s)", (Jsonb(OWN),))


@pytest.mark.parametrize("door", list(DOORS))
def test_an_operator_may_not_choose_them(web: Web, rows: Rows, door: str) -> None:
    path, given = DOORS[door]
    refused = send(web, "operator", path, **given)
    assert refused.status_code == 403 and "the role admin is needed" in refused.text
    assert rows.one("SELECT count(*) FROM job_executions") == 1
    assert rows.one("SELECT count(*) FROM audit_log") == 0
    assert send(web, "admin", path, **given).status_code in (202, 303)
    assert rows.one("SELECT parameters FROM job_executions ORDER BY id DESC LIMIT 1") == OTHER


@pytest.mark.parametrize("door", list(AS_IT_IS))
def test_an_operator_may_run_it_as_it_is(web: Web, rows: Rows, door: str) -> None:
    path, given = AS_IT_IS[door]
    assert send(web, "operator", path, **given).status_code in (200, 202, 303)
    assert rows.one("SELECT parameters FROM job_executions ORDER BY id DESC LIMIT 1") == OWN


def test_a_handler_of_ones_own_may_leave_them_to_admins(web: Web, rows: Rows) -> None:
    def pay(amount: int = 0) -> None:
        """Pay."""

    schema = make_handler(pay, "pay", admin_only=True).schema()
    rows.connection.execute("INSERT INTO job_types (job_type, source, params_schema) VALUES ('pay', 'ours:pay', %s)",
                            (Jsonb(schema),))
    asked = {"json_": {"job_type": "pay", "parameters": {"amount": 5}}}
    assert send(web, "operator", f"{API}/executions", **asked).status_code == 403
    assert send(web, "admin", f"{API}/executions", **asked).status_code == 202
