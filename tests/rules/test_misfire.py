"""What becomes of planned times that nobody could take in time."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.errors import ScheduleError
from scheduler.rules.misfire import Planned, decide
from scheduler.rules.schedule import Due
from tests.rules.makers import at, minutes

NINE = at("2026-11-21T09:00", "Asia/Seoul")
GRACE = minutes(1)
PROMPT = minutes(0)


def due(count: int, cap: int = 1000) -> Due:
    """Return *count* planned times, ten minutes apart, the latest at nine."""
    times = tuple(NINE - minutes(10 * back) for back in range(count - 1, -1, -1))
    return Due(times[:cap], NINE, count, NINE - minutes(10) if count > 1 else None)


def plan(policy: str, count: int, late: timedelta = PROMPT, in_the_way: bool = False, cap: int = 3) -> list[Planned]:
    return list(decide(policy, due(count), NINE + late, GRACE, in_the_way, cap).queue)


@pytest.mark.parametrize("policy", ["run_once", "skip", "run_all"])
def test_one_planned_time_on_time_is_queued_under_every_policy(policy: str) -> None:
    assert plan(policy, 1) == [Planned(NINE, "queued", "schedule")]


@pytest.mark.parametrize("policy", ["run_once", "skip", "run_all"])
def test_a_former_occurrence_in_the_way_leaves_one_skipped_row(policy: str) -> None:
    assert plan(policy, 4, in_the_way=True) == [Planned(NINE, "skipped", "schedule", 3, "overlap")]


def test_run_once_catches_up_with_one_execution_however_many_were_missed() -> None:
    assert plan("run_once", 40) == [Planned(NINE, "queued", "catchup", 39)]
    assert plan("run_once", 1, late=minutes(5)) == [Planned(NINE, "queued", "catchup", 0)]


def test_skip_takes_the_latest_while_it_is_on_time_and_notes_the_others() -> None:
    assert plan("skip", 3) == [
        Planned(NINE - minutes(10), "skipped", "schedule", 1, "misfire"), Planned(NINE, "queued", "schedule"),
    ]
    assert plan("skip", 3, late=minutes(5)) == [Planned(NINE, "skipped", "schedule", 2, "misfire")]


def test_run_all_queues_the_oldest_and_folds_the_rest() -> None:
    assert plan("run_all", 2) == [Planned(NINE - minutes(10), "queued", "catchup"), Planned(NINE, "queued", "schedule")]
    assert plan("run_all", 2, late=minutes(5))[-1] == Planned(NINE, "queued", "catchup")
    assert plan("run_all", 10) == [
        *(Planned(NINE - minutes(back), "queued", "catchup") for back in (90, 80, 70)),
        Planned(NINE, "skipped", "schedule", 6, "misfire"),
    ]


def test_the_end_of_the_grace_time_is_still_on_time() -> None:
    assert plan("skip", 1, late=GRACE)[0].status == "queued"
    assert plan("skip", 1, late=GRACE + timedelta(microseconds=1))[0].status == "skipped"


def test_an_unknown_policy_is_refused_by_name() -> None:
    with pytest.raises(ScheduleError, match="misfire_policy 'all' is not run_once, skip or run_all"):
        plan("all", 1)


@given(
    st.sampled_from(["run_once", "skip", "run_all"]), st.integers(1, 300), st.integers(0, 200), st.booleans(),
    st.integers(1, 150), st.integers(1, 300),
)
def test_every_planned_time_is_accounted_for_once(
    policy: str, count: int, late: int, in_the_way: bool, cap: int, listed: int
) -> None:
    rows = decide(policy, due(count, listed), NINE + timedelta(seconds=late), GRACE, in_the_way, cap).queue

    assert sum(1 + row.missed_count for row in rows) == count
    assert len({row.scheduled_for for row in rows}) == len(rows), "one row per planned time"
    assert [row.scheduled_for for row in rows] == sorted(row.scheduled_for for row in rows)
    assert all(row.missed_count >= 0 for row in rows)
    assert all((row.skip_reason is None) == (row.status == "queued") for row in rows)
    assert sum(row.status == "queued" for row in rows) <= max(1, cap)
    assert not in_the_way or [row.status for row in rows] == ["skipped"]
