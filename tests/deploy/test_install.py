"""What the installation says when this machine lacks something; the installation itself is how the tests came here."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOOLS = ("bash", "dirname", "env")


@pytest.fixture
def bare_machine(tmp_path: Path) -> Path:
    """Give a PATH with a shell and without uv."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for tool in TOOLS:
        (folder / tool).symlink_to(Path("/usr/bin") / tool)
    return folder


def install(folder: Path, python: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/usr/bin/env", "bash", str(ROOT / "deploy" / "install.sh"), str(folder / "venv")],
        env={"PATH": str(folder), "PYTHON": python},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_a_missing_venv_module_is_said_in_one_sentence(bare_machine: Path) -> None:
    python = bare_machine / "python3"
    python.write_text('#!/bin/bash\n[[ "$2" != *ensurepip* ]]\n', encoding="utf-8")
    python.chmod(0o755)

    answer = install(bare_machine, "python3")

    assert answer.returncode == 1
    assert "먼저 'apt install python3-venv'를 실행" in answer.stderr
    assert "run 'apt install python3-venv' first, or install uv." in answer.stderr
    assert len(answer.stderr.splitlines()) == 2
    assert not (bare_machine / "venv").exists()


def test_a_missing_python_is_said_before_anything_is_made(bare_machine: Path) -> None:
    answer = install(bare_machine, "python3.11-that-is-not-there")
    assert answer.returncode == 1
    assert "Python 3.11 or later is needed (python3.11-that-is-not-there)" in answer.stderr
    assert not (bare_machine / "venv").exists()


def test_make_without_a_target_lists_the_targets() -> None:
    answer = subprocess.run(["make", "-C", str(ROOT), "-s"], capture_output=True, text=True, timeout=60)
    assert answer.returncode == 0
    for target in ("install", "demo", "test", "test-faults", "lint", "run", "bench"):
        assert f"make {target} " in answer.stdout
