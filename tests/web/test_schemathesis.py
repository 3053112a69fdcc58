"""Generated requests to every operation, as nobody and as each role: no server error, only documented answers."""

from __future__ import annotations

from typing import Any

import httpx
import hypothesis
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from scheduler.web.people import digest
from tests.support.daemons import Rows
from tests.web.conftest import TOKENS, Web

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
EXAMPLES = {"none": 1, "viewer": 3, "operator": 4, "admin": 6}
ENDLESS = frozenset({"get_events"})


@pytest.fixture
def known(rows: Rows) -> dict[str, Any]:
    """Give the path parameters of things that are there."""
    connection = rows.connection
    job = rows.add_job("재고", interval="30 minutes", important=True)
    rows.run_now(rows.add_job("주문"))
    execution = rows.run_now(job)
    connection.execute("UPDATE job_executions SET status = 'failed', started_at = now(), finished_at = now() WHERE id = %s",
                       (execution,))
    connection.execute("INSERT INTO job_types (job_type, source, params_schema) VALUES ('noop', 'x', '{}')")
    connection.execute("INSERT INTO calendars (name, base) VALUES ('own', 'kr')")
    connection.execute("""INSERT INTO schedule_workflows (name, steps)
        VALUES ('아침', '[{"name": "하나", "job_type": "noop"}]')""")
    token = rows.one("INSERT INTO web_tokens (name, role, hash, prefix, made_by) VALUES ('x', 'viewer', %s, 'erps_x', 't') "
                     "RETURNING id", digest("x"))
    user = rows.one("INSERT INTO web_users (name, role, password_hash) VALUES ('x', 'viewer', 'x') RETURNING id")
    return {"job": "name:재고", "job_id": job, "execution_id": execution, "job_type": "noop", "name": "own", "token_id": token,
            "user_id": user, "revision": 1, "day": "2026-12-24"}


# A token or a person of the test's own must not be shut out by a number that was made up.
ALWAYS_KNOWN = ("token_id", "user_id")


def tamed(case: Any, known: dict[str, Any], is_known: bool) -> Any:
    """Aim at what is there, where that is wanted, and never wait for long."""
    path = case.path_parameters or {}
    for name in path:
        if name in known and (is_known or name in ALWAYS_KNOWN):
            path[name] = known[name]
    if case.path.startswith("/api/v1/workflows/") and is_known and "name" in path:
        path["name"] = "아침"
    for name, value in (("follow", "false"), ("wait", "0")):
        if name in (case.query or {}):
            case.query[name] = value
    if case.path == "/api/workflow/execute" and isinstance(case.body, dict):
        case.body["test"] = False
    return case


@pytest.mark.parametrize("role", list(EXAMPLES))
def test_no_request_ends_in_a_server_error_or_an_undocumented_answer(
    web: Web, known: dict[str, Any], role: str
) -> None:
    document = web.ask["none"].get("/api/v1/openapi.json").json()
    schema = schemathesis.openapi.from_dict(document)
    headers = {"Authorization": f"Bearer {TOKENS[role]}"} if role in TOKENS else {}
    seen: dict[str, int] = {}
    faults: list[str] = []
    for found in schema.get_all_operations():
        operation = found.ok()
        name = operation.definition.raw["operationId"]
        if name in ENDLESS:
            continue
        try:
            seen[name] = ask(web, operation, known, headers, EXAMPLES[role])
        except FailureGroup as group:
            faults += [f"{name}: {each}"[:1500] for each in group.exceptions]
    assert not faults, "\n\n".join(faults)
    assert len(seen) >= 60 and all(seen.values())


def ask(web: Web, operation: Any, known: dict[str, Any], headers: dict[str, str], examples: int) -> int:
    """Send so many generated requests of one operation. Returns how many were answered."""
    answered = 0

    @settings(max_examples=examples, deadline=None, derandomize=True, database=None, phases=[Phase.explicit, Phase.generate],
              suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy(), is_known=st.booleans())
    def one(case: Any, is_known: bool) -> None:
        nonlocal answered
        try:
            response = tamed(case, known, is_known).call(base_url=web.url, headers=headers, timeout=20)
        except httpx.InvalidURL:
            hypothesis.reject()
        case.validate_response(response, checks=CHECKS)
        answered += 1

    one()
    return answered
