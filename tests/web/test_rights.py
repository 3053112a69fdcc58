"""Who may do what: every route with every role, against the published matrix."""

from __future__ import annotations

import json
import re
from typing import Any

import httpx
import pytest

from scheduler.web.rights import Role
from tests.support.daemons import Rows
from tests.web import rights_page
from tests.web.conftest import HTML, ROLES, Web
from tests.web.people import add_user, logged_in

SAFE = ("GET", "HEAD")
ROUTES = rights_page.routes()
RUNS = {"run", "pause", "resume", "cancel", "retry"}
EDITS = {"edit", "delete", "duplicate", "reschedule", "restore", "import", "new"}


def path_of(pattern: str) -> str:
    """Return an address that *pattern* matches, of things that are not there."""
    return re.sub(r"\{(\w+)(:\w+)?\}", lambda found: {"part": "now", "deed": "retry"}.get(found[1], "987654"), pattern)


def status(client: httpx.Client, method: str, path: str, json: Any = None, **more: Any) -> int:
    """Return the status only: some answers never end."""
    body = {} if method in SAFE else {"json": json or {}}
    with client.stream(method, path, **body, **more) as answer:
        return answer.status_code


def test_the_published_matrix_is_that_of_the_routes() -> None:
    assert rights_page.PAGE.read_text(encoding="utf-8") == rights_page.text(), "run: python -m tests.web.rights_page"


def test_every_route_answers_each_role_as_the_matrix_says(web: Web) -> None:
    assert len(ROUTES) > 60
    wrong = []
    for asked in ("none", *ROLES):
        for method, pattern, role in ROUTES:
            found = status(web.ask[asked], method, path_of(pattern))
            if role is None:
                right = found != 403 and (found != 401 or pattern == "/login")
            elif asked == "none":
                right = found == 401
            else:
                right = (found == 403) if Role[asked.upper()] < role else found not in (401, 403)
            if not right or found == 500:
                wrong.append((asked, method, pattern, found))
    assert not wrong


def test_no_route_changes_anything_for_a_get(web: Web, rows: Rows) -> None:
    tables = ("audit_log", "job_revisions", "job_executions", "web_users")
    before = [rows.one(f"SELECT count(*) FROM {table}") for table in tables]
    for method, pattern, _ in ROUTES:
        if method in SAFE:
            status(web.ask["admin"], method, path_of(pattern), headers=HTML)
    assert before == [rows.one(f"SELECT count(*) FROM {table}") for table in tables]


@pytest.mark.parametrize("role", ROLES)
def test_no_change_by_cookie_goes_without_the_token_of_the_session(web: Web, rows: Rows, role: str) -> None:
    add_user(rows.connection, "kim", role)
    with logged_in(web, "kim") as browser:
        for method, pattern, needed in ROUTES:
            if method not in SAFE and needed is not None:
                assert status(browser.client, method, path_of(pattern)) == 403, (method, pattern)
        assert browser.get("/scheduler/me").status_code == 200, "and the session still lives"


def test_the_fuxa_case_an_operator_runs_jobs_and_cannot_make_or_edit_one(web: Web, rows: Rows) -> None:
    job = rows.add_job("재고")
    for method, path, body in (
        ("POST", "/api/v1/jobs", {"name": "x", "job_type": "http_request", "interval": "1h"}),
        ("PATCH", f"/api/v1/jobs/{job}", {"parameters": {"url": "http://169.254.169.254/"}}),
        ("PUT", f"/api/v1/jobs/{job}", {"name": "x", "job_type": "sql_statement"}), ("DELETE", f"/api/v1/jobs/{job}", {}),
        ("POST", "/api/v1/users", {"name": "x", "role": "admin", "password": "correct horse 9"}),
        ("POST", "/api/v1/tokens", {"name": "x", "role": "admin"}), ("POST", "/scheduler/settings/limits", {}),
        ("POST", "/scheduler/jobs/new", {}), ("POST", f"/scheduler/jobs/{job}/edit", {}),
    ):
        for asked in ("viewer", "operator"):
            assert status(web.ask[asked], method, path, body, headers={"If-Match": "*"}) == 403, (asked, method, path)
        assert status(web.ask["none"], method, path, body) == 401
    assert rows.one("SELECT count(*) FROM schedule_jobs") == 1 and rows.one("SELECT count(*) FROM web_users") == 0
    assert web.ask["operator"].post(f"/api/v1/jobs/{job}/run", json={}).status_code == 202
    assert web.ask["viewer"].post(f"/api/v1/jobs/{job}/run", json={}).status_code == 403


def test_what_edits_needs_an_admin_and_what_runs_an_operator() -> None:
    for method, pattern, role in ROUTES:
        last = pattern.rstrip("/").rpartition("/")[2]
        if "login" in pattern or "setup" in pattern or method in SAFE:
            continue
        if last in EDITS or "/users" in pattern or "/tokens" in pattern or "/settings" in pattern:
            assert role is Role.ADMIN, (method, pattern)
        if last in RUNS:
            assert role is Role.OPERATOR, (method, pattern)


@pytest.mark.parametrize("job_type", ["http_request", "sql_statement"])
def test_the_fuxa_case_an_operator_chooses_no_parameters_of_a_mighty_type(web: Web, rows: Rows, job_type: str) -> None:
    own, evil = {"url": "https://example.com/"}, {"url": "http://169.254.169.254/"}
    job = rows.add_job("알림", job_type=job_type, parameters=json.dumps(own))
    failed = rows.one("INSERT INTO job_executions (job_id, job_type, status, parameters, started_at, finished_at, duration_ms)"
                      f" VALUES ({job}, '{job_type}', 'failed', '{json.dumps(own)}', now(), now(), 1) RETURNING id")
    asked = web.ask["operator"]
    for path, body in ((f"/api/v1/jobs/{job}/run", {"parameters": evil}),
                       (f"/api/v1/executions/{failed}/retry", {"parameters": evil}),
                       ("/api/v1/executions", {"job_type": job_type, "parameters": evil})):
        assert asked.post(path, json=body).status_code == 403, path
    for path, form in ((f"/scheduler/executions/{failed}/retry", {"parameters": json.dumps(evil)}),
                       (f"/scheduler/job/{job}/run", {"parameters_json": json.dumps(evil)})):
        asked.post(path, data=form, headers=HTML)
    kept = rows.one("SELECT count(*) FROM job_executions WHERE parameters::text LIKE '%169.254%'")
    assert kept == 0
