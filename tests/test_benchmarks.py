"""The benchmark program runs from start to table. Its figures are not looked at: a test must not depend on the clock."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.figures import Goal, figure, number, percentile
from tests.support.daemons import ROOT

MEASURES = ("throughput", "pick-up", "memory", "web")


def test_the_program_measures_prints_a_table_and_writes_every_sample(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"

    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", *MEASURES, "--tiny", "--json", str(file)],
        cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
    )

    assert done.returncode == 0, done.stderr
    assert "fsync on" in done.stdout
    figures = {each["name"]: each for each in json.loads(file.read_text())["figures"]}
    for name in ("bare SQL, our statements", "throughput, 2 slots, def", "pick-up p50", "memory, daemon + warden RSS",
                 "web, locks", "late by p50, 50 pages open"):
        assert name in done.stdout
        assert figures[name]["samples"] and figures[name]["median"] > 0


def test_an_unknown_measure_is_refused_with_the_names_there_are() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "speed"], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
    )

    assert done.returncode == 2
    assert "unknown: speed; there are throughput, pick-up" in done.stderr


def test_a_figure_is_judged_by_its_median_in_the_direction_of_its_goal() -> None:
    rate = figure("rate", "/s", [3000.0, 2000.0, 2600.0], Goal(2500, at_least=True))
    wait = figure("wait", "ms", [7.0], Goal(6))

    assert rate.median == 2600 and rate.cells()[5] == "yes" and rate.ratio == pytest.approx(1.04)
    assert wait.cells()[5] == "NO"


def test_percentiles_are_values_that_were_measured() -> None:
    values = [float(value) for value in range(1, 101)]

    assert percentile(values, 0.5) == 50
    assert percentile(values, 0.99) == 99
    assert percentile([4.0], 0.99) == 4


@pytest.mark.parametrize(("value", "text"), [(0.0, "0"), (0.0413, "0.0413"), (2.5, "2.50"), (12345.6, "12,346")])
def test_numbers_are_shown_with_three_digits(value: float, text: str) -> None:
    assert number(value) == text
