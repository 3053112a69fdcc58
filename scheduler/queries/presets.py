"""Sets of ready jobs. Installing one adds what is not there and changes nothing that is."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import psycopg

from scheduler.errors import NotFound
from scheduler.queries.config import read_present
from scheduler.rules.config_check import Checked, check
from scheduler.rules.config_plan import Change, plan
from scheduler.rules.config_reading import read_text
from scheduler.words import say

PRESETS: dict[str, tuple[str, str]] = {
    "shop": ("가게의 여섯 작업: 상품, 주문, 재고, 가격, 백업, 보고서 (모두 정지된 예제)",
             "the six jobs of a shop: products, orders, stock, prices, backup, reports (examples, all paused)"),
    "maintenance": ("점검, 정리, 백업, 외부 동기화, 하루 요약", "health, cleanup, backup, an outside API, a digest of the day"),
    "service": ("웹 서비스: 세션 정리, 하루 요약, 외부 동기화, 주간 보고서, 점검",
                "a web service: sessions, digest, an outside API, weekly reports, health"),
}


def read_preset(name: str) -> Checked:
    """Read a set of jobs. Raises NotFound naming those there are."""
    if name not in PRESETS:
        listed = ", ".join(PRESETS)
        raise NotFound(say(f"묶음 '{name}'이(가) 없습니다: {listed}", f"there is no set '{name}'; known: {listed}")
                       + "\nerp-scheduler presets list")
    return check(read_text((files("scheduler") / "presets" / f"{name}.yaml").read_text(encoding="utf-8")))


def missing(connection: psycopg.Connection[Any], preset: Checked) -> tuple[Checked, list[Change]]:
    """Return the set, and what of it is not there yet."""
    present = read_present(connection)
    changes = plan(present.config, preset.config)
    return preset, [each for each in changes if each.action == "add" and each.name not in present.names]
