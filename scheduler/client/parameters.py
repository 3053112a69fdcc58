"""What a program hands over, checked as every other door checks it, and said with the name of the field."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from scheduler.client.core import Core
from scheduler.errors import ParameterError
from scheduler.handler import duration_seconds
from scheduler.queries import handlers
from scheduler.rules.parameters import check_parameters
from scheduler.running.calls import checked, unfit
from scheduler.words import say

Duration = str | float | timedelta


def fitting(core: Core, job_type: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return *parameters* as JSON. A function of this program is asked itself, any other type by its announced schema.

    Raises  ParameterError with every fault
    """
    known = core.functions.known.get(job_type)
    if known is not None:
        return checked(known.function, parameters)
    faults = [fault for name, value in parameters.items() for fault in unfit(value, name)]
    if not faults:
        with core.open() as connection:
            announced = handlers.find_handler(connection, job_type)
        faults = check_parameters(announced["params_schema"], dict(parameters)) if announced else []
    if faults:
        raise ParameterError("\n- ".join([say("매개변수가 맞지 않습니다", "the parameters do not fit"), *faults]))
    return dict(parameters)


def seconds_of(field: str, duration: Duration) -> float:
    """Read a duration. Raises ParameterError that names *field*."""
    try:
        seconds = duration_seconds(duration)
    except (ValueError, TypeError, AttributeError, OverflowError):
        seconds = math.nan
    if not math.isfinite(seconds):
        raise ParameterError(say(
            f"{field}={duration!r}: 기간이 아닙니다. 90s, 30m, 1h, 1d 또는 초로 쓰세요",
            f"{field}={duration!r} is not a duration; write 90s, 30m, 1h, 1d or a number of seconds",
        ))
    return seconds


def listed(value: Any) -> list[Any]:
    """Return a list: what is given alone, a text above all, is a list of one."""
    if isinstance(value, (str, bytes)) or not isinstance(value, Iterable):
        return [value]
    return list(value)
