"""What is wrong with a field of a request, in both languages; pydantic itself speaks English only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

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
