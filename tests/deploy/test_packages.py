"""A wheel carries the whole of the service: every package by name, nothing else at the top."""

from __future__ import annotations

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
LISTED = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]["packages"]


def test_every_package_is_listed() -> None:
    found = {
        ".".join(init.parent.relative_to(ROOT).parts)
        for top in ("scheduler", "handlers")
        for init in (ROOT / top).rglob("__init__.py")
    }
    assert found == set(LISTED) - {"scheduler.sql.migrations"}


def test_only_our_two_names_stand_at_the_top() -> None:
    assert {name.split(".")[0] for name in LISTED} == {"scheduler", "handlers"}
