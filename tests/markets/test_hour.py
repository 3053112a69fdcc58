"""The short form of the hour; the long one is `python -m tests.markets.hour`."""

from __future__ import annotations

from pathlib import Path

from tests.markets.hour import live


def test_late_orders_faults_and_kills_lose_and_double_nothing(database: str, tmp_path: Path) -> None:
    verdict = live(database, tmp_path, minutes=20, speed=60, kill_every=6, per_minute=6)
    assert verdict.is_good, verdict
    assert verdict.kills >= 2
    assert verdict.faults >= 20
