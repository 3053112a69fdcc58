"""Plain functions as handlers: which arguments they get out of JSON, and what cannot be called."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from scheduler.errors import ConfigError, ParameterError
from scheduler.handler import Context
from scheduler.rules.parameters import check_parameters
from scheduler.running.calls import CallHandler, bound, checked
from scheduler.running.registry import load_source
from scheduler.settings import load_settings
from scheduler.testing import run_handler


class Opaque:
    """A type that has no JSON."""


def every_kind(first: int, /, second: int = 2, *more: int, only: str, _hidden: int = 0, **rest: Any) -> list[Any]:
    return [first, second, list(more), only, rest]


def with_context(amount: Decimal, context: Context, day: date = date(2026, 1, 1)) -> list[Any]:
    return [str(amount), context.attempt, day.isoformat()]


def loose(thing: Opaque | None = None, context: str = "plain") -> str:
    return context


def wants(dep_load: int, dep_주문_수집: Any = None) -> list[Any]:
    return [dep_load, dep_주문_수집]


async def takes_all(**rest: Any) -> dict[str, Any]:
    return rest


def schema_of(function: Callable[..., Any]) -> dict[str, Any]:
    return CallHandler.of(function, "py:x", "x", {}).schema()


@pytest.mark.parametrize(("args", "kwargs", "expected"), [
    ((1,), {"only": "x"}, [1, 2, [], "x", {}]),
    ((1, 3), {"only": "x", "z": 1}, [1, 3, [], "x", {"z": 1}]),
    ((1, 3, 4, 5), {"only": "x", "_hidden": 9}, [1, 3, [4, 5], "x", {}]),
])
def test_arguments_survive_the_way_through_json(args: tuple[int, ...], kwargs: dict[str, Any], expected: list[Any]) -> None:
    parameters = checked(every_kind, bound(every_kind, args, kwargs))

    assert check_parameters(schema_of(every_kind), parameters) == []
    assert run_handler(every_kind, parameters=parameters).value == expected


@pytest.mark.parametrize(("args", "kwargs", "reason"), [
    ((), {"only": "x"}, "first"), (("one",), {"only": "x"}, "valid integer"), ((1,), {}, "only"), ((1,), {"first": 2}, "first"),
])
def test_a_call_that_python_would_refuse_is_refused_when_it_is_written(
    args: tuple[Any, ...], kwargs: dict[str, Any], reason: str
) -> None:
    with pytest.raises(ParameterError, match=reason):
        checked(every_kind, bound(every_kind, args, kwargs))
    with pytest.raises(ParameterError):
        bound(with_context, (1, 2, 3, 4), {})


def test_hints_bring_back_dates_and_decimals() -> None:
    parameters = checked(with_context, {"amount": Decimal("10.10"), "day": date(2026, 5, 5)})

    assert parameters == {"amount": "10.10", "day": "2026-05-05"}
    assert run_handler(with_context, parameters=parameters, attempt=3).value == ["10.10", 3, "2026-05-05"]
    with pytest.raises(ParameterError, match="Decimal"):
        checked(takes_all, {"amount": Decimal("1")})


def test_what_has_no_json_schema_is_simply_not_checked() -> None:
    assert set(schema_of(loose)["properties"]) == {"thing", "context"}
    assert run_handler(loose).value == "plain" and run_handler(loose, parameters={"context": "said"}).value == "said"


def test_results_of_others_come_by_name() -> None:
    others = {"load": {"value": 30}, "주문 수집": {"orders": 5}, "unasked": {"value": 1}}

    assert run_handler(wants, dependencies=others).value == [30, {"orders": 5}]
    whole = run_handler(takes_all, dependencies=others).result
    assert whole == {"dep_load": 30, "dep_주문 수집": {"orders": 5}, "dep_unasked": 1}
    assert run_handler(wants, dependencies=others, parameters={"dep_load": 1}).value == [1, {"orders": 5}], "what is said wins"


@pytest.mark.parametrize("text", ["[1]", "{}x", '[{"module": "os"}]', '[{"module": "os", "functions": []}]'])
def test_a_list_of_functions_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="functions"):
        load_settings(functions=text)


def test_a_list_names_module_and_function_and_nothing_else_is_found() -> None:
    one = '[{"module": "tests.doors.test_calls", "functions": [{"type": "py:x", "qualname": "%s"}]}]'

    found = [made for value in load_settings(functions=one % "loose").handler_modules for made in load_source(value, "")]
    assert [(made.job_type, made.source) for made in found] == [("py:x", "tests.doors.test_calls:loose")]
    with pytest.raises(ConfigError, match="has no function gone"):
        list(load_source(load_settings(functions=one % "gone").handler_modules[0], ""))
