"""The columns of the list of jobs: which there are, which are shown, and how each is sorted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from scheduler.words import say


@dataclass(frozen=True, slots=True)
class Column:
    """A column.

    name   as the address says it
    sort   the order that its heading stands for
    falls  whether a first click shows the greatest first
    """

    name: str
    korean: str
    english: str
    sort: str
    falls: bool = False
    is_number: bool = False

    @property
    def words(self) -> str:
        return say(self.korean, self.english)


ALL = (
    Column("name", "이름", "Name", "name"),
    Column("schedule", "일정", "Schedule", "schedule"),
    Column("type", "유형", "Type", "type"),
    Column("markets", "마켓", "Markets", "markets"),
    Column("tags", "태그", "Tags", "tags"),
    Column("owner", "담당", "Owner", "owner"),
    Column("status", "상태", "State", "status"),
    Column("runs", "최근 50회", "Last 50", "worst", falls=True),
    Column("failures", "연속 실패", "Failures in a row", "failures", falls=True, is_number=True),
    Column("last", "마지막", "Last", "last", falls=True),
    Column("next", "다음", "Next", "next"),
    Column("p50", "걸린 시간", "Duration", "p50", falls=True, is_number=True),
    Column("timeout", "제한 시간", "Time-out", "timeout", falls=True, is_number=True),
    Column("priority", "우선순위", "Priority", "priority", falls=True, is_number=True),
    Column("count", "실행 횟수", "Runs", "count", falls=True, is_number=True),
)
COLUMNS = {each.name: each for each in ALL}
USUAL = ("name", "status", "runs", "last", "next", "p50")
FIXED = "name"
PREFERENCE = "jobs_columns"


def read_columns(texts: Iterable[str]) -> tuple[str, ...]:
    """Read ``columns=name,last`` or ``columns=name&columns=last``; nothing when none is known. The name is always shown."""
    wanted = {each.strip() for text in texts for each in text.split(",")}
    found = [each for each in COLUMNS if each in wanted]
    return tuple(dict.fromkeys((FIXED, *found))) if found else ()


def shown_columns(asked: Sequence[str], liked: Any) -> list[Column]:
    """Return the columns of a page: those of its address, else those that the person likes, else the usual ones."""
    kept = read_columns([each for each in liked if isinstance(each, str)]) if isinstance(liked, list) else ()
    return [COLUMNS[name] for name in (read_columns(asked) or kept or USUAL)]
