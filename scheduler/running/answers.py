"""JSON that PostgreSQL can hold, and the answer that a handler's end is turned into."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from scheduler.errors import ParameterError
from scheduler.handler import Context, GiveUp, Retry, Skip
from scheduler.settings import RESULT_BYTES

MESSAGE_CHARACTERS = 4000
UNSTORABLE = re.compile(r"\\u0000|\\ud[89a-f]", re.IGNORECASE)


def dump(body: Any) -> str:
    """Return JSON that PostgreSQL can hold: no NaN, no NUL, no half characters; unknown objects as their text."""
    text = json.dumps(body, default=str, allow_nan=False, separators=(",", ":"))
    return json.dumps(_cleaned(json.loads(text)), separators=(",", ":")) if UNSTORABLE.search(text) else text


def harmless(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return *body* such that it can be sent: a line of log must never end a handler."""
    try:
        dump(dict(body))
    except (TypeError, ValueError, RecursionError):
        return {str(key): str(value) for key, value in body.items()}
    return dict(body)


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, dict):
        return {_cleaned(key): _cleaned(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_cleaned(item) for item in value]
    return value


def success(result: Any, context: Context) -> dict[str, Any]:
    """Turn what the handler returned into a result object, with the figures it counted."""
    figures = {} if result is None else result if isinstance(result, dict) else {"value": result}
    if context.counts:
        figures = {**figures, "counts": figures.get("counts", dict(context.counts))}
    try:
        text = dump(figures)
    except (TypeError, ValueError, RecursionError) as error:
        return {"status": "failed", "class": "result", "message": f"the result is not JSON: {error}", "retry": False}
    if len(text) > RESULT_BYTES:
        figures = {"truncated": True, "bytes": len(text), "counts": dict(context.counts)}
    return {"status": "success", "result": figures}


def describe(error: BaseException) -> dict[str, Any]:
    """Say how the handler ended, in words fit for a row: class, message, whether another attempt makes sense."""
    try:
        message = str(error) or type(error).__name__
    except BaseException:
        message = f"{type(error).__name__} (its text cannot be made)"
    message = message[:MESSAGE_CHARACTERS]
    match error:
        case Skip():
            return {"status": "skipped", "reason": message}
        case Retry():
            return {"status": "failed", "class": "Retry", "message": message, "retry": True, "after": error.after}
        case GiveUp():
            return {"status": "failed", "class": "GiveUp", "message": message, "retry": False}
        case ParameterError():
            return {"status": "failed", "class": "parameters", "message": message, "retry": False}
        case MemoryError():
            return {"status": "failed", "class": "memory", "message": "out of memory", "retry": True, "leave": True}
    kind = type(error).__name__
    leave = not isinstance(error, Exception)
    return {"status": "failed", "class": kind, "message": f"{kind}: {message}"[:MESSAGE_CHARACTERS], "retry": True,
            "leave": leave, "after": getattr(error, "after", None)}
