"""Fields in words: what is wrong with one of a request (pydantic itself speaks English only), and what a stored one means."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from scheduler.errors import ScheduleError
from scheduler.rules.days import days_in_words, parse_days
from scheduler.web.status_words import status_word
from scheduler.words import say

# By the kind of fault; {name} is what pydantic says of it. A kind that is not here has words of ours already.
WORDS: dict[str, tuple[str, str]] = {
    "missing": ("꼭 있어야 합니다", "it is needed"),
    "extra_forbidden": ("모르는 항목입니다", "it is not known"),
    "string_type": ("글이어야 합니다", "it has to be a text"),
    "string_unicode": ("올바른 글자가 아닙니다", "it is not a text of whole characters"),
    "string_too_long": ("{max_length}자까지 쓸 수 있습니다", "it has at most {max_length} characters"),
    "string_too_short": ("{min_length}자 이상 쓰세요", "it has at least {min_length} characters"),
    "string_pattern_mismatch": ("쓸 수 없는 글자가 있습니다", "it holds a character that is not taken"),
    "int_type": ("정수여야 합니다", "it has to be a whole number"),
    "int_parsing": ("정수여야 합니다", "it has to be a whole number"),
    "int_parsing_size": ("너무 큰 수입니다", "the number is too large"),
    "int_from_float": ("정수여야 합니다", "it has to be a whole number"),
    "float_type": ("수여야 합니다", "it has to be a number"),
    "float_parsing": ("수여야 합니다", "it has to be a number"),
    "finite_number": ("유한한 수여야 합니다", "it has to be a finite number"),
    "bool_type": ("true 또는 false를 쓰세요", "write true or false"),
    "bool_parsing": ("true 또는 false를 쓰세요", "write true or false"),
    "literal_error": ("{expected} 중 하나를 쓰세요", "write one of {expected}"),
    "greater_than_equal": ("{ge} 이상이어야 합니다", "it is {ge} or more"),
    "greater_than": ("{gt}보다 커야 합니다", "it is more than {gt}"),
    "less_than_equal": ("{le} 이하여야 합니다", "it is {le} or less"),
    "less_than": ("{lt}보다 작아야 합니다", "it is less than {lt}"),
    "list_type": ("목록이어야 합니다", "it has to be a list"),
    "dict_type": ("이름: 값의 모음(객체)이어야 합니다", "it has to be an object"),
    "model_attributes_type": ("이름: 값의 모음(객체)이어야 합니다", "it has to be an object"),
    "model_type": ("이름: 값의 모음(객체)이어야 합니다", "it has to be an object"),
    "too_long": ("{max_length}개까지 쓸 수 있습니다", "at most {max_length} of them"),
    "too_short": ("{min_length}개 이상 쓰세요", "at least {min_length} of them"),
    "timezone_aware": ("시간대가 있어야 합니다: 2026-12-01T09:00:00+09:00", "it needs an offset: 2026-12-01T09:00:00+09:00"),
    "datetime_type": ("2026-12-01T09:00:00+09:00처럼 쓰세요", "write it as in 2026-12-01T09:00:00+09:00"),
    "datetime_parsing": ("2026-12-01T09:00:00+09:00처럼 쓰세요", "write it as in 2026-12-01T09:00:00+09:00"),
    "datetime_from_date_parsing": ("2026-12-01T09:00:00+09:00처럼 쓰세요", "write it as in 2026-12-01T09:00:00+09:00"),
    "date_from_datetime_parsing": ("2026-12-01처럼 쓰세요", "write it as in 2026-12-01"),
    "date_parsing": ("2026-12-01처럼 쓰세요", "write it as in 2026-12-01"),
    "moment": ("2000년에서 2200년 사이의 시각이어야 합니다", "it is a moment between the years 2000 and 2200"),
    "text": ("NUL이나 반쪽 글자는 쓸 수 없습니다", "it is a text without NUL and of whole characters"),
}


def field_words(fault: Mapping[str, Any]) -> str:
    """Return what is wrong, out of an entry of ``RequestValidationError.errors()``."""
    known = WORDS.get(fault["type"])
    if known is None:
        return str(fault["msg"]).removeprefix("Value error, ")
    told = fault.get("ctx", {})
    if "expected" in told:
        told = {**told, "expected": str(told["expected"]).replace(" or ", ", ").replace("'", "")}
    try:
        return say(*known).format(**told)
    except (KeyError, IndexError):
        return str(fault["msg"])


# -- what a stored value means ----------------------------------------------------------------------------------------------

OVERLAP = {
    "skip": ("건너뜀", "skipped"), "queue_one": ("하나만 기다림", "one waits"),
    "cancel_running": ("앞 실행을 취소하고 실행", "the former is ended"), "allow": ("모두 기다림", "all wait"),
}
MISFIRE = {
    "run_once": ("한 번만 실행", "run once for all"), "skip": ("건너뜀", "skipped"), "run_all": ("모두 실행", "all are run"),
}
ON_HOLIDAY = {
    "run": ("그대로 실행", "run anyway"), "skip": ("건너뜀", "skipped"),
    "previous": ("앞 영업일에 실행", "on the open day before"),
    "next": ("다음 영업일에 실행", "on the next open day"),
}
# As PostgreSQL writes an interval, in a row's JSON or in Python's words for it.
LENGTH = re.compile(
    r"(?:(\d+) years? ?)?(?:(\d+) mons? ?)?(?:(\d+) days?,? ?)?(?:(\d{1,9}):(\d\d):(\d\d(?:\.\d+)?))?")
PARTS = (("년", "year"), ("개월", "month"), ("일", "day"), ("시간", "hour"), ("분", "minute"), ("초", "second"))


def stored_words(column: str, value: Any) -> str | None:
    """Say what a value of a column of schedule_jobs means; None where it speaks for itself, or says nothing known."""
    known = STORED.get(column)
    return None if known is None or value is None or value == "" else known(value)


def length_words(value: Any) -> str | None:
    """Say how long an interval is: ``1일 2시간``, ``30 minutes``; None for a text that is none."""
    found = LENGTH.fullmatch(_as_text(value))
    if found is None or not found[0]:
        return None
    numbers = [float(each or 0) for each in found.groups()]
    told = [(f"{number:g}", *words) for number, words in zip(numbers, PARTS, strict=True) if number]
    if not told:
        return say("0초", "0 seconds")
    return say(" ".join(f"{number}{korean}" for number, korean, _ in told),
               " ".join(f"{number} {english}{'' if number == '1' else 's'}" for number, _, english in told))


def weekday_words(value: Any) -> str | None:
    """Say which days of the week a text names: ``주말(토·일)``."""
    try:
        return say(*days_in_words(parse_days(str(value))))
    except ScheduleError:
        return None


def _as_text(value: Any) -> str:
    if not isinstance(value, timedelta):
        return str(value)
    days, seconds = divmod(value.total_seconds(), 86400)
    hours, rest = divmod(seconds, 3600)
    return f"{days:.0f} days {hours:02.0f}:{rest // 60:02.0f}:{rest % 60:02.0f}"


def _one_of(words: Mapping[str, tuple[str, str]]) -> Callable[[Any], str | None]:
    return lambda value: say(*words[value]) if value in words else None


def _counted(korean: str, english: str) -> Callable[[Any], str | None]:
    def words(value: Any) -> str | None:
        try:
            number = f"{float(value):g}"
        except (TypeError, ValueError):
            return None
        return say(f"{number}{korean}", f"{number} {english}{'' if number == '1' else 's'}")

    return words


STORED: Mapping[str, Callable[[Any], str | None]] = {
    "status": lambda value: status_word(str(value)), "overlap_policy": _one_of(OVERLAP), "misfire_policy": _one_of(MISFIRE),
    "on_holiday": _one_of(ON_HOLIDAY), "misfire_grace": length_words, "interval": length_words,
    "timeout_minutes": _counted("분", "minute"), "jitter_seconds": _counted("초", "second"),
    "max_retries": _counted("번", "time"), "days_of_week": weekday_words, "closed_weekdays": weekday_words,
}
