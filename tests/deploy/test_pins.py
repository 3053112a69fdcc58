"""The committed pins: complete, hashed, and without the address of any package index."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
FILES = ("all.txt", "base.txt", "first.txt")


def text(name: str) -> str:
    return (ROOT / "requirements" / name).read_text(encoding="utf-8")


def pins(name: str) -> dict[str, Version]:
    return {
        canonicalize_name(package): Version(version)
        for package, version in re.findall(r"^([\w.-]+)==(\S+)", text(name), re.MULTILINE)
    }


def unmet(name: str, wanted: list[str]) -> list[str]:
    pinned = pins(name)
    requirements = [Requirement(line) for line in wanted]
    return [
        str(requirement)
        for requirement in requirements
        if canonicalize_name(requirement.name) not in pinned
        or pinned[canonicalize_name(requirement.name)] not in requirement.specifier
    ]


def test_what_pyproject_asks_for_is_pinned() -> None:
    project = PROJECT["project"]
    extras = [line for lines in project["optional-dependencies"].values() for line in lines]
    needed = PROJECT["build-system"]["requires"] + project["dependencies"]
    assert unmet("base.txt", needed) == []
    assert unmet("first.txt", needed + project["optional-dependencies"]["embedded"]) == []
    assert unmet("all.txt", needed + extras) == []


@pytest.mark.parametrize("name", FILES)
def test_every_pin_has_a_hash(name: str) -> None:
    entries = re.split(r"^(?=\S+==)", text(name), flags=re.MULTILINE)[1:]
    assert len(entries) == len(pins(name)) > 10
    assert [entry.split("==")[0] for entry in entries if "--hash=sha256:" not in entry] == []


@pytest.mark.parametrize("name", FILES)
def test_no_address_is_recorded(name: str) -> None:
    assert re.findall(r"https?:|--(?:extra-)?index|--find-links| @ ", text(name)) == []


def test_all_files_agree() -> None:
    everything = pins("all.txt")
    for fewer in ("base.txt", "first.txt"):
        assert {name: everything.get(name) for name in pins(fewer)} == pins(fewer)
