"""How the demo tells of an execution that ended: one line, with the figures of each market."""

from __future__ import annotations

from typing import Any

from scheduler.cli.output import spell_duration
from scheduler.words import say

MARKS = {"success": "✓", "skipped": "–", "cancelled": "–"}


def end_line(row: dict[str, Any]) -> str:
    """Say how an execution ended, with its figures or its error."""
    words = row["error_message"] or row["skip_reason"] or " ".join(figures(row["result"] or {}))
    first = str(words).splitlines()[0] if words else ""
    clock = row["finished_at"].astimezone().strftime("%H:%M:%S")
    took = spell_duration(row["duration_ms"])
    return f"{MARKS.get(row['status'], '✕')} {clock}  {row['job_name']}  {row['id']}  {took}  {first}"


KOREAN = {
    "orders": "주문", "orders_inserted": "새 주문", "orders_updated": "바뀐 주문", "orders_unchanged": "그대로인 주문",
    "orders_stale": "낡은 행", "products": "상품", "products_inserted": "새 상품", "products_updated": "바뀐 상품",
    "products_unchanged": "그대로인 상품", "products_stale": "낡은 상품", "products_gone": "사라진 상품", "options": "옵션",
    "windows": "구간", "bytes": "바이트", "tables": "테이블", "read": "읽음", "pushed": "전송", "checked": "확인",
    "differing": "다름", "adopted": "새로 관리", "sold_first": "팔린 것 먼저", "without_rule": "규칙 없음",
    "without_master": "기준 없음", "changed_percent": "변경 %", "failed": "실패", "gap_failed": "못 채운 구간",
}


def figures(result: dict[str, Any]) -> list[str]:
    """Return the figures of a result that are not zero, those of each market behind its name."""
    markets = result.get("markets")
    if not isinstance(markets, dict):
        return _numbers(result) + [str(made["name"]) for made in result.get("artefacts") or []]
    found: list[str] = []
    for market, numbers in markets.items():
        told = _numbers(numbers if isinstance(numbers, dict) else {})
        held = [str(numbers[word]) for word in ("held", "refused") if isinstance(numbers, dict) and numbers.get(word)]
        found += [f"{market}:", *told, *held] if told or held else []
    return found or [say("할 일 없음", "nothing to do")]


def _numbers(result: dict[str, Any]) -> list[str]:
    return [
        f"{say(KOREAN.get(name, name), name.replace('_', ' '))} {value:,}" for name, value in result.items()
        if isinstance(value, (int, float)) and not isinstance(value, bool) and value
    ]
