"""Parameters against a schema: pure, every fault in words."""

from __future__ import annotations

from typing import Annotated, Any

import pytest

from scheduler.errors import ParameterError
from scheduler.handler import Context, Field, make_handler
from scheduler.rules.parameters import check_parameters
from scheduler.words import set_language


def collect(context: Context, shop: str, size: Annotated[int, Field(ge=1, le=9)] = 3, tags: list[str] | None = None) -> None: ...


SCHEMA = make_handler(collect, "collect").schema()


@pytest.mark.parametrize(("parameters", "words"), [
    ({"shop": "a"}, []),
    ({"shop": "a", "size": 9, "tags": ["x"]}, []),
    ({}, ["missing parameter: shop"]),
    ({"shop": "a", "sise": 2}, ["did you mean 'size'?"]),
    ({"shop": "a", "size": 10, "tags": 3}, ["size: 10", "tags: 3"]),
    ({"shop": 1}, ["shop: 1"]),
    ([], ["JSON object"]),
])
def test_every_fault_is_named(parameters: Any, words: list[str]) -> None:
    set_language("en")
    faults = check_parameters(SCHEMA, parameters)
    assert len(faults) == len(words)
    assert all(word in fault for word, fault in zip(words, faults, strict=True))


def test_no_schema_accepts_everything_and_a_broken_one_is_said() -> None:
    assert check_parameters({}, {"x": 1}) == []
    assert len(check_parameters({"type": "nonsense"}, {})) == 1


def test_a_long_value_does_not_fill_the_message() -> None:
    faults = check_parameters(SCHEMA, {"shop": ["x" * 100_000]})
    assert len(faults) == 1 and len(faults[0]) < 300


def between(context: Context, from_: int = 0, to: int = 9) -> None: ...


def test_a_name_that_python_keeps_for_itself_is_written_without_its_underscore() -> None:
    made = make_handler(between, "between")
    assert list(made.schema()["properties"]) == ["from", "to"]
    assert made.validate({"from": 3}) == {"from_": 3, "to": 9}
    with pytest.raises(ParameterError, match="'from'"):
        made.validate({"from_": 3})
