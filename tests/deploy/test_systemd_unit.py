"""The unit file as systemd itself judges it."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from scheduler.settings import Settings

DEPLOY = Path(__file__).parents[2] / "deploy"
UNIT = DEPLOY / "erp-scheduler.service"
EXPOSURE_AT_MOST = "15"

needs_systemd = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed")


def setting(name: str) -> list[str]:
    return re.findall(rf"^{name}=(.*)$", UNIT.read_text(encoding="utf-8"), re.MULTILINE)


@pytest.fixture
def rendered(tmp_path: Path) -> Path:
    """Give the unit with a program that exists on this machine, since systemd looks for it."""
    unit = tmp_path / UNIT.name
    text = re.sub(r"^(ExecStart=)\S+", r"\1/bin/true", UNIT.read_text(encoding="utf-8"), flags=re.MULTILINE)
    unit.write_text(text, encoding="utf-8")
    return unit


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["systemd-analyze", *arguments], capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL
    )


@needs_systemd
def test_systemd_finds_no_fault(rendered: Path) -> None:
    verdict = analyze("verify", str(rendered))
    assert (verdict.returncode, verdict.stdout, verdict.stderr) == (0, "", "")


@needs_systemd
def test_systemd_would_name_a_fault(rendered: Path) -> None:
    rendered.write_text(rendered.read_text(encoding="utf-8").replace("Restart=always", "Restart=sometimes"))
    assert "sometimes" in analyze("verify", str(rendered)).stderr


@needs_systemd
def test_the_unit_is_hardened(rendered: Path) -> None:
    verdict = analyze("security", "--offline=true", f"--threshold={EXPOSURE_AT_MOST}", "--no-pager", str(rendered))
    assert verdict.returncode == 0, verdict.stdout


@needs_systemd
def test_handlers_can_be_forked_watched_and_limited() -> None:
    allowed = system_calls("@system-service") - system_calls("@privileged") - system_calls("@resources")
    assert setting("SystemCallFilter") == ["@system-service", "~@privileged @resources", "setrlimit"]
    assert {"clone", "clone3", "pidfd_open", "pidfd_send_signal", "prctl", "prlimit64", "setsid"} <= allowed


def system_calls(group: str) -> set[str]:
    """Return the calls of a group, with those of the groups inside it."""
    words = re.findall(r"^\s+([@\w]+)$", analyze("syscall-filter", group).stdout, re.MULTILINE)
    return {call for word in words for call in (system_calls(word) if word.startswith("@") else {word})}


def test_a_stop_leaves_time_to_drain() -> None:
    drain_seconds = Settings.model_fields["drain_seconds"].default
    assert setting("TimeoutStopSec") == [f"{drain_seconds + 30:g}"]
    assert setting("KillMode") == ["mixed"]


def test_the_unit_is_what_its_users_know() -> None:
    assert setting("Type") == ["notify"]
    assert setting("Restart") == ["always"]
    assert setting("RestartSec") == ["10"]
    assert setting("ExecStart") == ["/opt/erp-scheduler/.venv/bin/erp-scheduler start"]
    assert setting("EnvironmentFile") == ["-/etc/erp-scheduler/env"]
