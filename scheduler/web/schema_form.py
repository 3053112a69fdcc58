"""A form out of a handler's JSON Schema, and the values back with their types, with the faults of each field.

A parameter that a field leaves empty is not stored: the handler's own default holds. What no field can show (objects,
lists of objects, several types) is edited as JSON.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from scheduler.rules.parameters import check_parameters
from scheduler.words import say

PREFIX = "p."
WHOLE = "parameters_json"
Schema = Mapping[str, Any]
Posted = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Field:
    """One parameter as a form shows it.

    kind      text, number, checkbox, select, choices, date, moment, lines or json
    value     what stands in the field; for choices and lines a list
    default   what the handler takes when the field is empty, as text
    """

    name: str
    kind: str
    schema: Schema
    value: Any = ""
    help: str = ""
    required: bool = False
    default: str = ""
    options: tuple[str, ...] = ()
    fault: str = ""
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def input(self) -> str:
        """Return the name of the control."""
        return PREFIX + self.name


def fields(schema: Schema, values: Mapping[str, Any]) -> list[Field]:
    """Return a field for each property of *schema*, the required ones first, filled in with *values*."""
    required = schema.get("required") or ()
    made = [_field(name, _plain(each, schema), values, name in required) for name, each in _properties(schema).items()]
    return sorted(made, key=lambda each: not each.required)


def fits(schema: Schema, values: Mapping[str, Any]) -> bool:
    """Say whether fields can show *values* without losing any of them."""
    known = _properties(schema)
    if any(name not in known for name in values) or any(value is None for value in values.values()):
        return False
    shown = {each.name: each for each in fields(schema, values)}
    return all(_is_shown(shown[name], value) for name, value in values.items())


def read(schema: Schema, posted: Posted, former: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Read the values of the fields.

    former   what was stored: a value that equals its default stays unsaid unless it was said before
    Returns  the values, and the faults by parameter; those of no single one under ``""``
    """
    values: dict[str, Any] = {}
    faults: dict[str, str] = {}
    for each in fields(schema, {}):
        try:
            found = _value(each, posted.get(each.input, ()))
        except ValueError as error:
            faults[each.name] = str(error)
            continue
        if found is None or (each.name not in former and "default" in each.schema and found == each.schema["default"]):
            continue
        values[each.name] = found
    return values, faults or faults_of(schema, values)


def read_json(schema: Schema, text: str) -> tuple[dict[str, Any], dict[str, str]]:
    """Read the whole as one JSON text; the same answer as read()."""
    try:
        values = json.loads(text or "{}")
    except (ValueError, RecursionError) as error:
        return {}, {"": say(f"JSON을 읽을 수 없습니다: {error}", f"the JSON cannot be read: {error}")}
    if not isinstance(values, dict):
        return {}, {"": say("JSON 객체({ … })여야 합니다", "it has to be a JSON object, { … }")}
    return values, faults_of(schema, values)


def faults_of(schema: Schema, values: Mapping[str, Any]) -> dict[str, str]:
    """Return what the schema has against *values*, by parameter."""
    found: dict[str, str] = {}
    known = _properties(schema)
    missing = [name for name in schema.get("required") or () if name not in values]
    for name in missing:
        found[name] = say("값이 필요합니다", "a value is needed")
    for text in check_parameters(schema, dict(values)):
        name = re.split(r"[:.]", text, maxsplit=1)[0]
        if name in known:
            found.setdefault(name, text.partition(": ")[2] or text)
        elif not missing or not all(each in text for each in missing):
            found[""] = f"{found['']}; {text}" if "" in found else text
    return found


def with_posted(shown: Sequence[Field], posted: Posted, faults: Mapping[str, str]) -> list[Field]:
    """Put what was typed back into the fields, right or wrong, with its faults beside it."""
    return [replace(each, value=_typed(each, posted.get(each.input, ())), fault=faults.get(each.name, "")) for each in shown]


def as_json(values: Mapping[str, Any]) -> str:
    """Write parameters as the text that is edited."""
    return json.dumps(values, ensure_ascii=False, indent=2)


# -- from the schema ------------------------------------------------------------------------------------------------------


def _properties(schema: Schema) -> dict[str, Any]:
    found = schema.get("properties")
    return found if isinstance(found, dict) else {}


def _plain(each: Any, whole: Schema) -> Schema:
    """Resolve a reference and take the one type that stands beside null."""
    if not isinstance(each, dict):
        return {}
    reference = str(each.get("$ref", ""))
    if reference.startswith("#/$defs/"):
        named = (whole.get("$defs") or {}).get(reference[8:], {})
        return _plain({**named, **{key: value for key, value in each.items() if key != "$ref"}}, whole)
    kinds = [kind for kind in each.get("anyOf") or () if isinstance(kind, dict) and kind.get("type") != "null"]
    if len(kinds) == 1:
        rest = {key: value for key, value in each.items() if key != "anyOf"}
        return _plain({**kinds[0], **rest}, whole)
    return each


def _field(name: str, each: Schema, values: Mapping[str, Any], required: bool) -> Field:
    kind = _kind(each)
    options = each.get("enum") or (each.get("items") or {}).get("enum") or () if kind in ("select", "choices") else ()
    default = each.get("default")
    made = Field(
        name, kind, each, help=str(each.get("description") or ""), required=required and kind != "checkbox",
        default="" if default is None else _text(kind, default), options=tuple(map(str, options)), extra=_bounds(each, kind),
    )
    return replace(made, value=_shown(made, values.get(name, default if kind in ("checkbox", "select", "choices") else None)))


def _kind(each: Schema) -> str:
    kind, items = each.get("type"), each.get("items") or {}
    if each.get("enum") and all(isinstance(one, str) for one in each["enum"]):
        return "select"
    if kind == "array" and items.get("enum"):
        return "choices"
    if kind == "array" and items.get("type") in ("string", "integer", "number"):
        return "lines"
    if kind == "string":
        return {"date": "date", "date-time": "moment"}.get(str(each.get("format")), "text")
    return {"integer": "number", "number": "number", "boolean": "checkbox"}.get(str(kind), "json")


def _bounds(each: Schema, kind: str) -> dict[str, Any]:
    if kind == "number":
        low, high = each.get("minimum"), each.get("maximum")
        step = 1 if each.get("type") == "integer" else "any"
        return {key: value for key, value in (("min", low), ("max", high), ("step", step)) if value is not None}
    return {"rows": 6} if kind == "text" and (each.get("maxLength") or 0) > 4000 else {}


def _text(kind: str, value: Any) -> str:
    if kind == "checkbox":
        return say("예", "yes") if value else say("아니요", "no")
    if kind in ("lines", "choices") and isinstance(value, list):
        return ", ".join(map(str, value))
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _shown(each: Field, value: Any) -> Any:
    """Return what stands in the field for a stored value."""
    if each.kind in ("lines", "choices"):
        return [str(one) for one in value] if isinstance(value, list) else []
    if each.kind == "checkbox":
        return value is True
    if value is None:
        return ""
    if each.kind == "moment":
        return str(value).replace(" ", "T", 1)
    return value if isinstance(value, str) and each.kind != "json" else json.dumps(value, ensure_ascii=False, indent=2)


def _is_shown(each: Field, value: Any) -> bool:
    """Say whether the field gives *value* back as it was: text in a field of numbers would not survive."""
    posted = each.value if isinstance(each.value, list) else ["true"] if each.value is True else [str(each.value or "")]
    try:
        return bool(_value(each, posted) == value)
    except ValueError:
        return False


# -- and back -------------------------------------------------------------------------------------------------------------


def _typed(each: Field, posted: Sequence[str]) -> Any:
    if each.kind == "checkbox":
        return bool(posted)
    if each.kind == "choices":
        return list(posted)
    if each.kind == "lines":
        return _lines(posted)
    return posted[0] if posted else ""


def _lines(posted: Sequence[str]) -> list[str]:
    return [line.strip() for text in posted for line in text.splitlines() if line.strip()]


def _value(each: Field, posted: Sequence[str]) -> Any:
    """Return the value of a field, None when it is empty. Raises ValueError in words."""
    if each.kind == "checkbox":
        return bool(posted) and posted[0] not in ("", "false")
    if each.kind == "choices":
        return [text for text in posted if text] or None
    if each.kind == "lines":
        kind = (each.schema.get("items") or {}).get("type")
        return [_one(line, kind) for line in _lines(posted)] or None
    text = (posted[0] if posted else "").replace("\r\n", "\n")
    if not text.strip():
        return None
    if each.kind == "number":
        return _number(text.strip(), each.schema)
    return _READERS.get(each.kind, str)(text)


def _one(text: str, kind: Any) -> Any:
    return text if kind == "string" else _number(text, {"type": kind})


def _number(text: str, each: Schema) -> int | float:
    is_whole = each.get("type") == "integer"
    if not re.fullmatch(r"[+-]?[0-9]{1,18}" if is_whole else r"[+-]?[0-9]{1,18}(\.[0-9]{1,12})?", text):
        raise ValueError(say("정수를 쓰세요", "write a whole number") if is_whole else say("수를 쓰세요", "write a number"))
    found = int(text) if is_whole or "." not in text else float(text)
    low, high = each.get("minimum"), each.get("maximum")
    if low is not None and found < low:
        raise ValueError(say(f"{low} 이상이어야 합니다", f"it has to be {low} or more"))
    if high is not None and found > high:
        raise ValueError(say(f"{high} 이하여야 합니다", f"it has to be {high} or less"))
    return found


def _date(text: str) -> str:
    try:
        return date.fromisoformat(text.strip()).isoformat()
    except ValueError:
        raise ValueError(say("2026-12-31처럼 쓰세요", "write 2026-12-31")) from None


def _moment(text: str) -> str:
    try:
        datetime.fromisoformat(text.strip())
    except ValueError:
        raise ValueError(say("2026-12-31T09:00처럼 쓰세요", "write 2026-12-31T09:00")) from None
    return text.strip()


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(say(f"JSON을 읽을 수 없습니다: {error}", f"the JSON cannot be read: {error}")) from None


_READERS = {"date": _date, "moment": _moment, "json": _json}
