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

# Whoever writes their parameters writes SQL, reads secrets by reference or deletes rows: that is making a job.
MIGHTY = frozenset({"sql_statement", "http_request", "data_cleanup"})


def may_choose_parameters(request: Request, job_type: str) -> None:
    """Refuse parameters of one's own for a mighty type, unless an admin gives them. Raises Forbidden."""
    if job_type in MIGHTY and request.state.person.role != "admin":
        raise Forbidden("admin")


def fitting(connection: psycopg.Connection[Any], job_type: str, parameters: Mapping[str, Any]) -> None:
    """Refuse parameters that the type's handler would refuse. Raises ParameterError with every fault."""
    known = find_handler(connection, job_type)
    faults = [] if known is None else check_parameters(known["params_schema"], dict(parameters))
    if faults:
        raise ParameterError("\n- ".join([say("매개변수가 맞지 않습니다", "the parameters do not fit"), *faults]))
