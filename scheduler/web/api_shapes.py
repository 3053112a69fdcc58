"""What the OpenAPI document says beyond the routes' own words: shapes of answers, tags, ways to log in."""

from __future__ import annotations

from typing import Any

DESCRIPTION = """\
Jobs, executions and everything around them. Moments are RFC 3339 with offset, lengths of time ISO 8601.

**Errors** are `application/problem+json` (RFC 9457) in the language of `Accept-Language`; `code` is stable.
**Lists** answer `{"items", "next", "total"}`; send `next` back as `cursor`. `total` is null unless `?count=exact`.
**POST** takes an `Idempotency-Key`: sent again within 24 hours, it is answered again and done once.
**Roles**: a viewer reads; an operator runs, pauses, retries, cancels and unlocks; an admin makes and changes.
A request to a host that the service was not told about gets 421, one beyond 1 MiB gets 413.
"""
TAGS = (
    ("status", "상태와 지표", "Status and metrics"),
    ("jobs", "작업", "Jobs"),
    ("workflows", "워크플로우", "Workflows"),
    ("executions", "실행", "Executions"),
    ("calendar", "예정, 달력, 기간 설정", "What comes, calendars, overlays"),
    ("locks", "잠금", "Locks"),
    ("nodes", "노드", "Daemons"),
    ("handlers", "작업 유형", "Job types"),
    ("markets", "마켓", "Marketplaces"),
    ("accounts", "사용자, 토큰, 감사 기록", "People, tokens, the audit log"),
    ("compat", "다른 서비스의 주소와 모양 그대로", "Paths and shapes of other services"),
)
SECURITY = {
    "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "erps_…",
               "description": "erp-scheduler token create --name N --role viewer --json"},
    "cookie": {"type": "apiKey", "in": "cookie", "name": "erps_session",
               "description": "A browser that is logged in; changes need X-CSRF-Token too"},
}
TEXT: dict[str, Any] = {"type": "string"}
MAYBE_TEXT: dict[str, Any] = {"type": ["string", "null"]}
MAYBE_MOMENT: dict[str, Any] = {"type": ["string", "null"], "format": "date-time"}
NUMBER: dict[str, Any] = {"type": "integer"}
MAYBE_NUMBER: dict[str, Any] = {"type": ["integer", "null"]}

SCHEMAS: dict[str, Any] = {
    "Problem": {
        "type": "object", "required": ["type", "title", "status", "detail", "code"],
        "properties": {
            "type": TEXT, "title": TEXT, "status": NUMBER, "detail": TEXT, "instance": TEXT, "code": TEXT, "trace_id": TEXT,
            "hint": TEXT, "errors": {"type": "array", "items": {"type": "object", "properties": {
                "pointer": TEXT, "in": TEXT, "code": TEXT, "message": TEXT}}},
        },
        "examples": [{
            "type": "/scheduler/help/errors/not-found", "title": "Not found", "status": 404, "detail": "there is no execution 7",
            "instance": "/api/v1/executions/7", "code": "not-found", "trace_id": "4f1c2a90b7d3e658",
        }],
    },
    "Page": {
        "type": "object", "required": ["items", "next", "total"],
        "properties": {"items": {"type": "array", "items": {"type": "object"}}, "next": MAYBE_TEXT, "total": MAYBE_NUMBER},
        "examples": [{"items": [], "next": None, "total": None}],
    },
    "Execution": {
        "type": "object", "required": ["id", "job_id", "job_name", "job_type", "status", "attempt"],
        "properties": {
            "id": NUMBER, "job_id": MAYBE_NUMBER, "job_name": TEXT, "job_type": TEXT,
            "trigger": {"enum": ["schedule", "manual", "retry", "catchup", "dependency", "backfill"]},
            "status": {"enum": ["queued", "running", "success", "failed", "timed_out", "cancelled", "skipped", "lost"]},
            "scheduled_for": {"type": "string", "format": "date-time"}, "attempt": NUMBER, "started_at": MAYBE_MOMENT,
            "finished_at": MAYBE_MOMENT, "duration_ms": MAYBE_NUMBER, "node": MAYBE_TEXT, "error_class": MAYBE_TEXT,
            "error_message": MAYBE_TEXT, "skip_reason": MAYBE_TEXT, "retry_of": MAYBE_NUMBER,
            "market_codes": {"type": "array", "items": TEXT}, "parameters": {"type": "object"},
            "result": True, "progress": True,
        },
        "examples": [{
            "id": 9042, "job_id": 17, "job_name": "주문 수집", "job_type": "order_collection", "trigger": "schedule",
            "status": "success", "scheduled_for": "2026-12-01T09:00:00+09:00", "attempt": 1, "duration_ms": 41200,
            "started_at": "2026-12-01T09:00:00.41+09:00", "finished_at": "2026-12-01T09:00:41.61+09:00", "node": "node-a",
            "market_codes": ["coupang"], "parameters": {"days": 1}, "result": {"orders": 128}, "progress": None,
        }],
    },
    "JobInfo": {
        "type": "object", "required": ["id", "name", "next_run_time", "trigger"],
        "properties": {"id": TEXT, "name": TEXT, "next_run_time": MAYBE_MOMENT, "trigger": TEXT},
        "examples": [{"id": "cleanup_sessions", "name": "Cleanup Expired Sessions",
                      "next_run_time": "2026-12-01T10:00:00+00:00", "trigger": "interval[1:00:00]"}],
    },
}
PROBLEMS = {
    400: "요청을 읽을 수 없습니다 / The request cannot be read",
    401: "로그인이 필요합니다 / Log in first",
    403: "권한이 없습니다 / Not allowed",
    404: "찾을 수 없습니다 / Not found",
    409: "이미 있거나, 그사이 바뀌었거나, 지금은 할 수 없습니다 / It exists already, has changed, or is not possible now",
    412: "그사이 바뀌었습니다 / It has changed meanwhile",
    413: "요청이 너무 큽니다 / The request is too large",
    422: "값이 올바르지 않습니다 / A value is not valid",
    428: "If-Match가 없습니다 / If-Match is missing",
    503: "데이터베이스에 연결할 수 없습니다 / The database cannot be reached",
}
# By the stable operation ids: which answers are executions.
EXECUTIONS = frozenset({"get_executions_execution_id", "post_executions", "post_executions_execution_id_retry",
                        "post_executions_execution_id_cancel"})
ONCE = {
    "name": "Idempotency-Key", "in": "header", "required": False,
    "description": "같은 값으로 다시 보내면 한 번만 하고 같은 답을 줍니다 / Sent again with the same value, it is done once",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": r"^[\x21-\x7e]+$"},
}
IF_MATCH = {
    "name": "If-Match", "in": "header", "required": False,
    "description": "읽은 때의 ETag; 그사이 바뀌었으면 412 / The ETag as it was read; 412 when it has changed meanwhile",
    "schema": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": r"^[\x21-\x7e]+$"},
}


def compat_reads(problem: dict[str, Any], missing: dict[str, Any]) -> dict[str, Any]:
    """Return the two reading aliases, whose addresses are pages for people who ask for HTML."""
    info = {"$ref": "#/components/schemas/JobInfo"}
    one = {"name": "job_id", "in": "path", "required": True, "schema": {"type": "string", "maxLength": 200},
           "description": "작업의 이름 또는 번호 / Its name or number", "examples": {"name": {"value": "cleanup_sessions"}}}
    listing = {"200": {"description": "OK", "content": {"application/json": {"schema": {"type": "array", "items": info}}}}}
    single = {"200": {"description": "OK", "content": {"application/json": {"schema": info}}}, "404": missing}
    note = "JSON unless `Accept` has `text/html`, which gets the page."
    return {
        "/scheduler/jobs": {"get": {"tags": ["compat"], "summary": "List Jobs", "description": note, "responses": {
            **listing, **problem}}},
        "/scheduler/jobs/{job_id}": {"get": {"tags": ["compat"], "summary": "Get Job", "description": note, "parameters": [one],
                                             "responses": {**single, **problem}}},
    }
