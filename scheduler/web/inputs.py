"""What addresses and bodies are made of, with the limits that the database has too."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from fastapi import Path
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

from scheduler.errors import ScheduleError
from scheduler.handler import duration_seconds
from scheduler.rules.bounds import FIRST_MOMENT, LAST_MOMENT, LONGEST_SECONDS
from scheduler.web.problems import Problem, Refused
from scheduler.words import say

Responses = dict[int | str, dict[str, Any]]
LARGEST = 2**63 - 1
LARGEST_SECONDS = 36525 * 86400
NO_NUL = r"^[^\x00]*$"
MOST_NAMES = 100
DEEPEST = 100

Id = Annotated[int, Path(ge=1, le=LARGEST, description="번호 / Number")]
Short = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=NO_NUL)]
Long = Annotated[str, StringConstraints(max_length=2000, pattern=NO_NUL)]


def _within(moment: datetime) -> datetime:
    if not FIRST_MOMENT <= moment <= LAST_MOMENT:
        raise PydanticCustomError("moment", "a moment between the years 2000 and 2200")
    return moment


Moment = Annotated[AwareDatetime, AfterValidator(_within), Field(examples=["2026-12-01T09:00:00+09:00"])]


def _storable(value: Any) -> Any:
    """Refuse what PostgreSQL's jsonb cannot hold, NUL and halves of a character, and what is nested without end."""
    level, depth = [value], 0
    while level:
        for each in level:
            if isinstance(each, str) and ("\0" in each or any("\ud800" <= letter <= "\udfff" for letter in each)):
                raise PydanticCustomError("text", "a text without NUL and with whole characters")
        if depth > DEEPEST:
            raise PydanticCustomError("depth", "values nested at most 100 levels deep")
        level, depth = [inner for each in level for inner in _inner(each)], depth + 1
    return value


def _inner(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [*value, *value.values()]
    return value if isinstance(value, list) else []


Parameters = Annotated[dict[str, Any], AfterValidator(_storable)]


class Body(BaseModel):
    """A body that refuses what it does not know."""

    model_config = ConfigDict(extra="forbid")


def seconds_of(text: str, name: str) -> float:
    """Read a length of time such as ``24h`` or ``90s``. Raises Refused (422)."""
    try:
        seconds = duration_seconds(text)
    except ValueError:
        raise refused(name, say(f"{name}: 90s, 30m, 24h, 7d처럼 쓰세요", f"{name}: write 90s, 30m, 24h or 7d")) from None
    if not 0 <= seconds <= LONGEST_SECONDS:
        raise refused(name, say(f"{name}: 너무 깁니다", f"{name}: too long"))
    return seconds


def moment_of(text: str, name: str) -> datetime:
    """Read ``24h`` (so long ago) or a moment with its offset. Raises Refused (422)."""
    if text[:1].isdigit() and "T" not in text and "-" not in text:
        return max(datetime.now(UTC) - timedelta(seconds=seconds_of(text, name)), FIRST_MOMENT)
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            raise ValueError
        return _within(moment)
    except (ValueError, OverflowError, ScheduleError):
        raise refused(name, say(f"{name}: 24h 또는 2026-12-01T09:00:00+09:00처럼 쓰세요",
                                f"{name}: write 24h, or a moment such as 2026-12-01T09:00:00+09:00")) from None


def refused(name: str, words: str, place: str = "query") -> Refused:
    """Make the refusal of one value."""
    return Refused(Problem(422, "invalid", words, errors=({"pointer": f"/{name}", "in": place, "code": "value",
                                                            "message": words},)))
