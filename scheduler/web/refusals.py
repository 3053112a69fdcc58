"""A refusal as a page shows it beside its form."""

from __future__ import annotations

from starlette.requests import Request

from scheduler.web.problems import Problem, problem_of


def refusal_of(error: Exception, request: Request) -> Problem:
    """Return the words for what was refused. Raises the error itself where no other input could mend it."""
    problem = problem_of(error, request.state.trace_id)
    if problem.status >= 500:
        raise error
    return problem
