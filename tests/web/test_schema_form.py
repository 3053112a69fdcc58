"""A form out of a JSON Schema, and its values back."""

from __future__ import annotations

from typing import Any

import pytest

from scheduler.web import schema_form
from scheduler.words import set_language

SCHEMA: dict[str, Any] = {
    "type": "object", "additionalProperties": False, "required": ["url"],
    "$defs": {"Cleanup": {"type": "object", "properties": {"table": {"type": "string"}}}},
    "properties": {
        "days": {"type": "integer", "default": 1, "minimum": 1, "maximum": 31, "description": "how far back"},
        "share": {"type": "number", "exclusiveMinimum": 0, "default": 2.5},
        "dry_run": {"type": "boolean", "default": False},
        "details": {"type": "boolean", "default": True},
        "report": {"type": "string", "enum": ["sales", "stock"], "default": "sales"},
        "formats": {"type": "array", "items": {"enum": ["xlsx", "html"], "type": "string"}, "default": ["xlsx"]},
        "day": {"anyOf": [{"type": "string", "format": "date"}, {"type": "null"}], "default": None},
        "from": {"anyOf": [{"type": "string", "format": "date-time"}, {"type": "null"}], "default": None},
        "folders": {"anyOf": [{"type": "array", "items": {"type": "string"}}, {"type": "null"}], "default": None},
        "codes": {"type": "array", "items": {"type": "integer"}},
        "tables": {"type": "array", "items": {"$ref": "#/$defs/Cleanup"}},
        "one": {"$ref": "#/$defs/Cleanup"}, "body": {"default": None}, "url": {"type": "string", "minLength": 8},
    },
}
URL = {"p.url": ["https://a.kr"]}


def kinds() -> dict[str, str]:
    return {each.name: each.kind for each in schema_form.fields(SCHEMA, {})}


def test_each_type_has_its_field_and_the_required_come_first() -> None:
    assert kinds() == {
        "url": "text", "days": "number", "share": "number", "dry_run": "checkbox", "details": "checkbox", "report": "select",
        "formats": "choices", "day": "date", "from": "moment", "folders": "lines", "codes": "lines", "tables": "json",
        "one": "json", "body": "json",
    }
    first = schema_form.fields(SCHEMA, {})[0]
    assert (first.name, first.required, first.input) == ("url", True, "p.url")


def test_what_is_left_empty_or_at_its_default_is_not_stored() -> None:
    posted = {**URL, "p.details": ["true"], "p.report": ["sales"], "p.formats": ["xlsx"], "p.days": [""]}
    assert schema_form.read(SCHEMA, posted, {}) == ({"url": "https://a.kr"}, {})


def test_a_default_that_was_said_stays_said() -> None:
    posted = {**URL, "p.details": ["true"], "p.report": ["sales"], "p.formats": ["xlsx"], "p.days": ["1"]}
    values, faults = schema_form.read(SCHEMA, posted, {"days": 1, "report": "sales"})
    assert (values, faults) == ({"url": "https://a.kr", "days": 1, "report": "sales"}, {})


def test_values_come_back_with_their_types() -> None:
    values = {"url": "https://a.kr", "days": 3, "share": 0.5, "dry_run": True, "details": False, "report": "stock",
              "formats": ["html"], "day": "2026-11-21", "from": "2026-11-21T09:00:00+09:00", "folders": ["/a", "/b c"],
              "codes": [200, 404], "tables": [{"table": "x"}], "one": {"table": "y"}, "body": {"a": [1, "둘"]}}
    posted: dict[str, list[str]] = {}
    for each in schema_form.fields(SCHEMA, values):
        if each.kind == "checkbox":
            posted |= {each.input: ["true"]} if each.value else {}
        else:
            posted[each.input] = each.value if each.kind == "choices" else (
                ["\r\n".join(each.value)] if each.kind == "lines" else [each.value])
    assert schema_form.read(SCHEMA, posted, {}) == (values, {})
    assert schema_form.fits(SCHEMA, values)


@pytest.mark.parametrize(("field", "typed", "korean", "english"), [
    ("days", "0", "1 이상", "1 or more"), ("days", "32", "31 이하", "31 or less"), ("days", "two", "정수", "whole number"),
    ("share", "1e5", "수를", "a number"), ("day", "21/11/2026", "2026-12-31", "2026-12-31"), ("tables", "[", "JSON", "JSON"),
    ("from", "tomorrow", "09:00", "09:00"), ("codes", "200\nabc", "정수", "whole number"),
])
def test_a_fault_stands_at_its_field_in_both_languages(field: str, typed: str, korean: str, english: str) -> None:
    for language, words in (("ko", korean), ("en", english)):
        set_language(language)
        _, faults = schema_form.read(SCHEMA, {**URL, f"p.{field}": [typed]}, {})
        assert list(faults) == [field] and words in faults[field]
    again = schema_form.with_posted(schema_form.fields(SCHEMA, {}), {f"p.{field}": [typed]}, faults)
    shown = next(each for each in again if each.name == field)
    assert shown.fault and (shown.value == typed or shown.value == typed.splitlines())


def test_what_only_the_schema_knows_is_a_fault_too() -> None:
    set_language("en")
    assert schema_form.read(SCHEMA, {"p.url": [""]}, {})[1] == {"url": "a value is needed"}
    assert "too short" in schema_form.read(SCHEMA, {"p.url": ["x"]}, {})[1]["url"]
    assert list(schema_form.read(SCHEMA, {**URL, "p.share": ["0"]}, {})[1]) == ["share"]


def test_json_is_read_whole_and_names_what_is_wrong() -> None:
    set_language("en")
    assert schema_form.read_json(SCHEMA, '{"url": "https://a.kr", "days": 2}') == ({"url": "https://a.kr", "days": 2}, {})
    assert "cannot be read" in schema_form.read_json(SCHEMA, "{")[1][""]
    assert "object" in schema_form.read_json(SCHEMA, "[1]")[1][""]
    assert "dayz" in schema_form.read_json(SCHEMA, '{"url": "https://a.kr", "dayz": 2}')[1][""]
    assert schema_form.read_json(SCHEMA, "[" * 100_000)[1]


@pytest.mark.parametrize("values", [{"unknown": 1}, {"day": None}, {"days": "3"}, {"formats": "xlsx"}, {"codes": ["a"]}])
def test_values_that_fields_would_lose_are_left_to_json(values: dict[str, Any]) -> None:
    assert not schema_form.fits(SCHEMA, values)
