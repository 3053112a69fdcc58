"""Edits by plain SQL between the daemon's steps: 300 sequences in every run, 5,000 with `make test-edits`.

ERP_EDIT_SEQUENCES says how many, ERP_EDIT_SEED tries others than the usual ones.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.protocol.machine import Edits
from tests.protocol.machine_world import World

SEQUENCES = int(os.environ.get("ERP_EDIT_SEQUENCES", "300"))
SEED = os.environ.get("ERP_EDIT_SEED")
STEPS = 20


@pytest.fixture
def world(database: str) -> Iterator[World]:
    made = World(database, SEQUENCES)
    yield made
    made.close()


def test_no_edit_breaks_the_daemon(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    def sequence() -> Edits:
        return Edits(world)

    chosen: Callable[[], Edits] = sequence if SEED is None else seed(int(SEED))(sequence)
    with capsys.disabled():
        named = f"seed {SEED}" if SEED else "always the same (ERP_EDIT_SEED=1 for others)"
        print(f"\nedits between the daemon's steps: {SEQUENCES} sequences, {named}")
        run_state_machine_as_test(
            chosen,  # type: ignore[arg-type]
            settings=settings(
                max_examples=SEQUENCES,
                stateful_step_count=STEPS,
                deadline=None,
                database=None,
                derandomize=SEED is None,
                suppress_health_check=list(HealthCheck),
                phases=(Phase.generate, Phase.shrink),
            ),
        )
        print(f"{world.sequences} sequences, {world.steps} steps, {world.accepted} edits accepted, {world.refused} refused")
    assert world.accepted > SEQUENCES
