"""What more than a role is needed for: job types that do whatever their parameters say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import psycopg
from starlette.requests import Request

from scheduler.errors import ParameterError
from scheduler.queries.handlers import find_handler
from scheduler.rules.parameters import check_parameters
from scheduler.web.rights import Forbidden
from scheduler.words import say

# Whoever writes their parameters writes SQL, reads secrets by reference, deletes rows, backups or reports, or sets prices at
# the shops: that is making a job. A handler of one's own says the same by ``@handler(..., admin_only=True)``.
MIGHTY = frozenset({"sql_statement", "http_request", "data_cleanup", "database_backup", "report_generation", "price_update"})
ADMIN_ONLY = "x-admin-only"


def may_choose_parameters(connection: psycopg.Connection[Any], request: Request, job_type: str) -> None:
    """Refuse parameters of one's own for a mighty type, unless an admin gives them. Raises Forbidden."""
    if request.state.person.role != "admin" and is_mighty(connection, job_type):
        raise Forbidden("admin")


def is_mighty(connection: psycopg.Connection[Any], job_type: str) -> bool:
    """Say whether only an admin may choose the parameters of a job type."""
    if job_type in MIGHTY:
        return True
    known = find_handler(connection, job_type)
    return known is not None and known["params_schema"].get(ADMIN_ONLY) is True


def fitting(connection: psycopg.Connection[Any], job_type: str, parameters: Mapping[str, Any]) -> None:
    """Refuse parameters that the type's handler would refuse. Raises ParameterError with every fault."""
    known = find_handler(connection, job_type)
    faults = [] if known is None else check_parameters(known["params_schema"], dict(parameters))
    if faults:
        raise ParameterError("\n- ".join([say("매개변수가 맞지 않습니다", "the parameters do not fit"), *faults]))
