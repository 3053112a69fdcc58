"""A job's parameters against its handler's JSON Schema: every fault in words, nothing raised."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scheduler.handler import unknown_parameter
from scheduler.rules.quoting import quoted
from scheduler.words import say

FAULTS_SHOWN = 20


def check_parameters(schema: Mapping[str, Any], parameters: Any) -> list[str]:
    """Return every fault of *parameters*, an empty list when they fit.

    schema      as ``job_types.params_schema`` holds it; an empty one accepts everything
    Returns     texts such as ``batch_size: 0 is less than the minimum of 1``, the nearest name for an unknown one
    """
    if not isinstance(parameters, dict):
        return [say("parameters는 JSON 객체여야 합니다", "parameters must be a JSON object")]
    if not schema:
        return []
    from jsonschema import Draft202012Validator

    known = list(schema.get("properties", {}))
    faults = [_unknown(name, known) for name in parameters if name not in known] if _closed(schema) else []
    try:
        found = sorted(Draft202012Validator(dict(schema)).iter_errors(parameters), key=_place)
        faults += [_in_words(fault) for fault in found if not _says_unknown(fault)]
    # A schema comes from somebody's handler: whatever is wrong with it may cost this check, never the daemon.
    except Exception as error:
        reason = f"{type(error).__name__}: {quoted(str(error))}"
        return [say(f"처리기의 스키마로 확인할 수 없습니다: {reason}", f"the handler's schema cannot be applied: {reason}")]
    return faults[:FAULTS_SHOWN]


def _place(fault: Any) -> list[str]:
    return [str(part) for part in fault.path]


def _closed(schema: Mapping[str, Any]) -> bool:
    return schema.get("additionalProperties") is False


def _says_unknown(fault: Any) -> bool:
    return fault.validator == "additionalProperties" and not fault.path


def _unknown(name: str, known: list[str]) -> str:
    return unknown_parameter(str(name)[:80], known)


def _in_words(fault: Any) -> str:
    place = ".".join(_place(fault))
    if fault.validator == "required":
        missing = [name for name in fault.validator_value if name not in fault.instance]
        names = ", ".join(missing)
        return say(f"필수 매개변수가 없습니다: {names}", f"missing parameter: {names}")
    message = fault.message if len(fault.message) <= 200 else f"{quoted(str(fault.instance))} ({fault.validator})"
    return f"{place}: {message}" if place else message
