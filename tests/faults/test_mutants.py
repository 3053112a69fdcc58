"""The checker itself is on trial: a good history passes, and each way of breaking it is found under its own number."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.faults.checker import check
from tests.faults.good_history import EVERY, T0, Story, good_story, moment
from tests.faults.history import DAEMON, Deed, History, Sighting, read, save
from tests.faults.report import write_report

FIRST, FAILED, RETRIED, LOST, BY_HAND = 1, 2, 3, 4, 7
END = T0 + 24


def told(tell: Callable[[Story], None]) -> History:
    story = good_story()
    tell(story)
    return story.finish(END)


def found(history: History) -> set[str]:
    return {finding.invariant for finding in check(history).findings}


def test_a_good_history_has_no_findings() -> None:
    history = good_story().finish(END)
    report = check(history)
    assert report.findings == []
    assert report.figures["starts"] == 7
    assert report.figures["planned times accounted for"] == 5
    assert report.figures["of them lost and tried again"] == 1
    assert report.figures["slowest recovery, s"] == pytest.approx(0.2, abs=0.06)


# -- things a broken daemon would do, told at the end of the good story ---------------------------------------------


def two_run_at_once(story: Story) -> None:
    one, two = story.queue(T0 + 23, 2, T0 + 23, 1, "manual"), story.queue(T0 + 23, 2, T0 + 23.1, 1, "manual")
    for number in (one, two):
        story.edit_execution(T0 + 23.2, number, f"{DAEMON} work", status="running", fence=10 + number, token=f"t{number}")
    for number in (one, two):
        story.edit_execution(T0 + 23.3, number, f"{DAEMON} record", status="cancelled")


def two_locks(story: Story) -> None:
    lock = {"job_id": 2, "slot": 0, "execution_id": 1, "token": "t", "fence": 3}
    for _ in range(2):
        story.note(T0 + 23, f"{DAEMON} work", "schedule_locks", "INSERT", None, lock)


def claimed_twice(story: Story) -> None:
    story.edit_execution(T0 + 23, BY_HAND, f"{DAEMON} work", status="queued")
    story.work(T0 + 23.1, BY_HAND)


def started_by_a_second_process(story: Story) -> None:
    effects = story.history.effects
    effects.append(replace(next(e for e in effects if e.execution_id == BY_HAND and e.event == "start"), pid=1, at=T0 + 22.66))


def a_fence_goes_back(story: Story) -> None:
    number = story.queue(T0 + 23, 1, T0 + 23, 1, "manual")
    story.jobs[1]["fence"] = 2
    story.work(T0 + 23.1, number)


def success_after_the_lock_was_deleted(story: Story) -> None:
    number = story.queue(T0 + 23, 2, T0 + 23, 1, "manual")
    story.claim(T0 + 23.1, number)
    story.effect(T0 + 23.2, number, "start")
    story.effect(T0 + 23.3, number, "end")
    story.note(T0 + 23.25, "operator", "schedule_locks", "DELETE", story.locks[2], None)
    story.edit_execution(T0 + 23.35, number, f"{DAEMON} record", status="success")


def success_without_a_lock(story: Story) -> None:
    number = story.queue(T0 + 23, 2, T0 + 23, 1, "manual")
    story.claim(T0 + 23.1, number)
    story.effect(T0 + 23.2, number, "start")
    story.effect(T0 + 23.3, number, "end")
    story.edit_execution(T0 + 23.35, number, f"{DAEMON} record", status="success")


def success_of_a_handler_that_never_ended(story: Story) -> None:
    number = story.queue(T0 + 23, 2, T0 + 23, 1, "manual")
    story.claim(T0 + 23.1, number)
    story.effect(T0 + 23.2, number, "start")
    story.close(T0 + 23.3, number, "success")


def success_under_an_older_fence(story: Story) -> None:
    number = story.queue(T0 + 23, 2, T0 + 23, 1, "manual")
    story.claim(T0 + 23.1, number)
    story.effect(T0 + 23.2, number, "start")
    story.history.effects.append(replace(story.history.effects[-1], event="end", fence=1, at=T0 + 23.25))
    story.close(T0 + 23.3, number, "success")


def lost_becomes_success(story: Story) -> None:
    story.edit_execution(T0 + 23, LOST, f"{DAEMON} record", status="success")


def a_row_is_deleted(story: Story) -> None:
    story.note(T0 + 23, f"{DAEMON} prune", "job_executions", "DELETE", story.executions.pop(FIRST), None)


def claimed_while_paused(story: Story) -> None:
    number = story.queue(T0 + 23, 2, T0 + 23, 1, "manual")
    story.edit_job(T0 + 23, 2, "operator", status="paused")
    story.work(T0 + 23.1, number)
    story.edit_job(T0 + 23.9, 2, "operator", status="active")


def two_wait_in_the_queue(story: Story) -> None:
    for late in (0, 1):
        story.queue(T0 + 23, 2, T0 + 23 + late, 1, "schedule")


def two_handlers_alive(story: Story) -> None:
    story.effect(T0 + 22.7, BY_HAND, "beat")
    beat = story.history.effects[-1]
    story.history.effects.append(replace(beat, execution_id=99, fence=beat.fence - 1, at=T0 + 22.69, event="beat"))
    story.history.effects.append(replace(beat, execution_id=99, fence=beat.fence - 1, at=T0 + 22.9, event="beat"))


def a_retry_starts_too_early(story: Story) -> None:
    effects = story.history.effects
    place = next(i for i, e in enumerate(effects) if e.execution_id == RETRIED and e.event == "start")
    effects[place] = replace(effects[place], at=T0 + 8.7)


def a_failure_without_a_retry(story: Story) -> None:
    number = story.queue(T0 + 23, 2, T0 + 23, 1, "manual")
    story.work(T0 + 23.1, number, "timed_out")


def an_attempt_is_left_out(story: Story) -> None:
    story.queue(T0 + 23, 2, T0 + 21, 3, "retry", failed_attempts=1)


def too_many_retries(story: Story) -> None:
    number = story.queue(T0 + 23, 2, T0 + 21, 2, "retry", failed_attempts=2)
    story.work(T0 + 23.1, number)


def reaped_far_too_late(story: Story) -> None:
    number = story.queue(T0 + 23, 2, T0 + 23, 1, "manual")
    story.claim(T0 + 23.1, number)
    story.close(T0 + 40, number, "cancelled")


def left_running(story: Story) -> None:
    story.claim(T0 + 23.1, story.queue(T0 + 23, 2, T0 + 23, 1, "manual"))


def never_claimed(story: Story) -> None:
    story.queue(T0 - 1, 2, T0 + 1, 1, "manual")
    story.history.changes = [c for c in story.history.changes if not (c.is_claim and c.row["job_id"] == 2)]


def a_planned_time_without_a_row(story: Story) -> None:
    story.edit_job(T0 + 24.1, 1, f"{DAEMON} work", next_run_at=moment(T0 + 28), planned_at=moment(T0 + 24.1))


def a_missed_time_not_counted(story: Story) -> None:
    story.plan(T0 + 24.1, 1)
    story.edit_job(T0 + 32.1, 1, f"{DAEMON} work", next_run_at=moment(T0 + 36), planned_at=moment(T0 + 32.1))
    story.history.changes[-1] = replace(story.history.changes[-1], xact="x-other")
    story.queue(T0 + 32.1, 1, T0 + 32, 1, "catchup")
    story.history.changes[-1] = replace(story.history.changes[-1], xact="x-other")


def off_the_grid(story: Story) -> None:
    story.jobs[1]["next_run_at"] = None
    story.edit_job(T0 + 24.1, 1, f"{DAEMON} work", next_run_at=moment(T0 + 25), planned_at=moment(T0 + 24.1))


def a_first_time_left_out(story: Story) -> None:
    story.jobs[1]["next_run_at"] = None
    story.edit_job(T0 + 24.1, 1, f"{DAEMON} work", next_run_at=moment(T0 + 24 + 2 * EVERY), planned_at=moment(T0 + 24.1))


def no_planned_time_left(story: Story) -> None:
    story.plan(T0 + 24.1, 1)
    story.edit_job(T0 + 24.2, 1, f"{DAEMON} work", next_run_at=None)


def a_good_job_set_aside(story: Story) -> None:
    story.edit_job(T0 + 23, 1, f"{DAEMON} work", status="invalid", next_run_at=None, last_error="?")


def planning_stands_still(story: Story) -> None:
    story.jobs[1]["next_run_at"] = moment(T0 + 12)


def a_one_off_without_a_row(story: Story) -> None:
    story.insert_job(T0 + 20, 3, interval=None, run_at=moment(T0 + 23), next_run_at=moment(T0 + 23))
    story.edit_job(T0 + 23.1, 3, f"{DAEMON} work", next_run_at=None, planned_at=moment(T0 + 23.1))


def a_one_off_set_in_time_is_set_aside(story: Story) -> None:
    story.insert_job(T0 + 20, 3, interval=None, run_at=moment(T0 + 23))
    story.edit_job(T0 + 23.1, 3, f"{DAEMON} work", status="invalid", last_error="already passed")


def a_bad_row_nobody_judged(story: Story) -> None:
    story.insert_job(T0 + 20, 4, name="poison-4")


MUTANTS: list[tuple[str, Callable[[Story], None]]] = [
    ("I1", two_run_at_once), ("I1", two_locks),
    ("I2", a_planned_time_without_a_row), ("I2", a_missed_time_not_counted), ("I2", off_the_grid),
    ("I2", a_first_time_left_out), ("I2", no_planned_time_left), ("I2", a_good_job_set_aside), ("I2", planning_stands_still),
    ("I2", a_one_off_without_a_row), ("I2", a_one_off_set_in_time_is_set_aside),
    ("I2", a_row_is_deleted), ("I2", never_claimed),
    ("I3", claimed_twice), ("I3", started_by_a_second_process), ("I4", a_fence_goes_back),
    ("I5", success_after_the_lock_was_deleted), ("I5", success_without_a_lock), ("I5", success_of_a_handler_that_never_ended),
    ("I5", success_under_an_older_fence), ("I5", lost_becomes_success),
    ("I6", two_handlers_alive), ("I7", reaped_far_too_late), ("I7", left_running),
    ("I8", a_retry_starts_too_early), ("I8", a_failure_without_a_retry), ("I8", an_attempt_is_left_out),
    ("I8", too_many_retries), ("I9", claimed_while_paused), ("I10", a_bad_row_nobody_judged), ("I12", two_wait_in_the_queue),
]


@pytest.mark.parametrize(("invariant", "tell"), MUTANTS, ids=[f"{name}-{tell.__name__}" for name, tell in MUTANTS])
def test_a_broken_history_is_found(invariant: str, tell: Callable[[Story], None]) -> None:
    assert invariant in found(told(tell))


def test_remains_and_deaths_are_found() -> None:
    history = good_story().finish(END)
    history.remains = ["process 1 sleep"]
    assert found(history) == {"I13"}
    history.remains = []
    history.sightings = [Sighting("late session", T0 + 5, FIRST, "pg_sleep")]
    assert found(history) == {"I13"}
    history.sightings = []
    history.deeds = [Deed("died", T0, T0, "a", "exit code 1")]
    assert found(history) == {"I10"}


def test_a_row_that_vanished_is_found() -> None:
    history = good_story().finish(END)
    history.executions = [row for row in history.executions if row["id"] != FAILED]
    assert found(history) == {"I2"}


def test_a_process_seen_from_outside_counts_as_alive() -> None:
    history = good_story().finish(END)
    history.sightings = [Sighting("seen", T0 + 9.7, FAILED, fence=2)]
    assert found(history) == {"I6"}


def test_a_one_off_that_was_paused_over_its_moment_may_be_set_aside() -> None:
    def tell(story: Story) -> None:
        story.insert_job(T0 + 20, 3, interval=None, run_at=moment(T0 + 22))
        story.edit_job(T0 + 21, 3, "operator", status="paused")
        story.edit_job(T0 + 23, 3, "operator", status="active")
        story.edit_job(T0 + 23.1, 3, f"{DAEMON} work", status="invalid", last_error="already passed")

    assert found(told(tell)) == set()


def test_what_the_promise_excuses_is_counted_but_no_finding() -> None:
    history = told(lambda story: None)
    history.sightings = [Sighting("seen", T0 + 9.7, FAILED, fence=2)]
    history.deeds = [Deed("freeze warden", T0 + 8.3, T0 + 9.8, "a")]
    report = check(history)
    assert report.findings == []
    assert report.figures["overlaps"] == 0
    assert report.figures["longest excused overlap, ms"] == pytest.approx(150, abs=1)


def test_a_history_can_be_kept_and_judged_again(tmp_path: Path) -> None:
    history = told(lost_becomes_success)
    save(history, tmp_path / "history.json")
    assert check(read(tmp_path / "history.json")) == check(history)


def test_the_report_replaces_only_the_figures(tmp_path: Path) -> None:
    page = tmp_path / "faults.md"
    page.write_text("before\n<!-- figures -->\nold\n<!-- /figures -->\nafter\n")
    write_report(page, check(good_story().finish(END)), seconds=60, seed=7, major=18)
    text = page.read_text()
    assert text.startswith("before\n") and text.endswith("after\n")
    assert "old" not in text
    assert "| double starts | 0 |" in text and "seed 7" in text
