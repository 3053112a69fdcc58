"""People edit the tables with plain SQL while two nodes take the daemon's steps, in any order that can be thought of.

A statement may be refused, with a reason that can be read. No step of the daemon may fail, no promise may break, and once
everybody has come to rest nothing may be left lying.
"""

from __future__ import annotations

import sys
from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule

from tests.protocol.machine_checks import broken_promises, changed_ends, unrest
from tests.protocol.machine_hands import ByHand
from tests.protocol.machine_nodes import ENDINGS, Ending, Steps
from tests.protocol.machine_values import (
    CALENDAR,
    CALENDAR_NAMES,
    DAEMONS,
    EXECUTION,
    GOOD_SCHEDULES,
    LOCK,
    OVERLAY,
    PEOPLES,
    SCHEDULES,
    STATES,
    TRIGGERS,
    WITH_POISON,
    Columns,
    any_jobs,
    chosen,
    good_jobs,
    moments,
)
from tests.protocol.machine_world import World

NTH = st.integers(0, 5)
NODE = st.sampled_from((0, 1))
HELD = {
    "job_executions": "SELECT FROM job_executions ORDER BY id DESC LIMIT 2 FOR UPDATE",
    "job_dependencies": "SELECT FROM job_dependencies LIMIT 2 FOR UPDATE",
}
if WITH_POISON:
    HELD |= {
        "schedule_jobs": "SELECT FROM schedule_jobs ORDER BY id LIMIT 2 FOR UPDATE",
        "schedule_locks": "SELECT FROM schedule_locks ORDER BY job_id LIMIT 2 FOR UPDATE",
    }


class Edits(ByHand):
    """One sequence. What people did by hand to a job excuses the promise that it breaks, for that job alone."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.steps = Steps(world)
        self.ends: dict[int, str] = {}
        world.begin()

    @initialize(jobs=st.lists(good_jobs(), min_size=1, max_size=3))
    def begin(self, jobs: list[Columns]) -> None:
        for job in jobs:
            self.add_job(job)

    # people ----------------------------------------------------------------------------------------------------------

    @rule(columns=any_jobs())
    def add_job(self, columns: Columns) -> None:
        number = self.world.people.execute("SELECT count(*) + 1 FROM job_revisions").fetchone()
        self._insert("schedule_jobs", {"name": f"job {number and number[0]}", "job_type": "noop", **columns})

    @rule(nth=NTH, columns=chosen(PEOPLES, 1, 3))
    def edit_job(self, nth: int, columns: Columns) -> None:
        self._edit_job(nth, columns)

    @rule(nth=NTH, columns=GOOD_SCHEDULES)
    def reschedule(self, nth: int, columns: Columns) -> None:
        self._edit_job(nth, {**dict.fromkeys(SCHEDULES), **columns})

    @rule(nth=NTH, columns=chosen(STATES, 1, 2))
    def pause_or_resume(self, nth: int, columns: Columns) -> None:
        self._edit_job(nth, columns)

    @rule(nth=NTH, columns=chosen(DAEMONS, 1, 1))
    def edit_the_daemons_columns(self, nth: int, columns: Columns) -> None:
        self._edit_job(nth, columns)

    @rule(nth=NTH, moment=moments())
    def set_next_run(self, nth: int, moment: str | None) -> None:
        if moment is not None or WITH_POISON:
            self._edit_job(nth, {"next_run_at": moment})

    @rule(nth=NTH)
    def delete_job(self, nth: int) -> None:
        self._edit("DELETE FROM schedule_jobs WHERE id = %s", [self._job(nth)])

    @rule(nth=NTH, columns=chosen(EXECUTION, 0, 2), trigger=st.none() | TRIGGERS)
    def run_now(self, nth: int, columns: Columns, trigger: str | None) -> None:
        job = self._job(nth)
        named = {"trigger": trigger} if trigger else {}
        if self._insert("job_executions", {"job_id": job, **columns, **named}):
            self._excuse(job, {**columns, **named})

    @rule(nth=NTH, columns=chosen(EXECUTION, 1, 2))
    def edit_queued(self, nth: int, columns: Columns) -> None:
        execution, job = self._execution(nth, "queued")
        if self._update("job_executions", columns, {"id": execution}):
            self._excuse(job, {**columns, **({"attempt": None} if "scheduled_for" in columns else {})})

    @rule(nth=NTH)
    def cancel(self, nth: int) -> None:
        self._edit(
            "UPDATE job_executions SET status = 'cancelled', finished_at = now() WHERE id = %s AND status = 'queued'",
            [self._execution(nth, "queued")[0]],
        )
        self._edit("UPDATE job_executions SET cancel_requested = true WHERE id = %s", [self._execution(nth, "running")[0]])

    @rule(nth=NTH, status=st.sampled_from(("queued", "running", "success", "failed", "lost", "skipped")))
    def delete_execution(self, nth: int, status: str) -> None:
        execution, job = self._execution(nth, status)
        self.excuses.add(("I8", job))
        self._edit("DELETE FROM job_executions WHERE id = %s", [execution])

    @rule(nth=NTH, columns=chosen(LOCK, 0, 3))
    def lock_by_hand(self, nth: int, columns: Columns) -> None:
        self._insert("schedule_locks", {"job_id": self._job(nth), **columns})

    @rule(nth=NTH, columns=chosen(LOCK, 1, 2))
    def edit_lock(self, nth: int, columns: Columns) -> None:
        self._update("schedule_locks", columns, self._lock(nth))

    @rule(nth=NTH)
    def delete_lock(self, nth: int) -> None:
        lock = self._lock(nth)
        self._edit("DELETE FROM schedule_locks WHERE job_id = %s AND slot = %s", list(lock.values()))

    @rule(
        waits=NTH,
        former=NTH,
        condition=st.sampled_from(("since_last_run", "ever", "never")),
        outcome=st.sampled_from(("success", "failure")),
    )
    def add_edge(self, waits: int, former: int, condition: str, outcome: str) -> None:
        self._insert(
            "job_dependencies",
            {"job_id": self._job(waits), "depends_on": self._job(former), "condition": condition, "outcome": outcome},
        )

    @rule(nth=NTH, moment=moments(), former=NTH)
    def edit_edges(self, nth: int, moment: str | None, former: int) -> None:
        job = self._job(nth)
        if former % 2:
            self._edit("DELETE FROM job_dependencies WHERE job_id = %s", [job])
        else:
            self._edit(
                "UPDATE job_dependencies SET seen_at = %s, depends_on = %s WHERE job_id = %s", [moment, self._job(former), job]
            )

    @rule(name=CALENDAR_NAMES, columns=chosen(CALENDAR, 1, 3), what=st.sampled_from(("add", "edit", "edit", "delete", "rename")))
    def edit_calendars(self, name: str, columns: Columns, what: str) -> None:
        if what == "add":
            self._insert("calendars", {"name": name, **columns})
        elif what == "delete":
            self._edit("DELETE FROM calendars WHERE name = %s", [name])
        else:
            self._update("calendars", columns if what == "edit" else {"name": "three"}, {"name": name})

    @rule(name=CALENDAR_NAMES, ahead=st.integers(-3, 40), is_holiday=st.sampled_from((True, False, None)))
    def edit_calendar_days(self, name: str, ahead: int, is_holiday: bool | None) -> None:
        self._edit(
            "INSERT INTO calendar_days (calendar, day, is_holiday) VALUES (%s, current_date + %s, %s) "
            "ON CONFLICT (calendar, day) DO UPDATE SET is_holiday = excluded.is_holiday",
            [name, ahead, is_holiday],
        )

    @rule(columns=st.fixed_dictionaries(OVERLAY), delete=st.booleans())
    def edit_overlays(self, columns: Columns, delete: bool) -> None:
        if delete:
            self._edit("DELETE FROM schedule_overlays WHERE name = %s", [columns["name"]])
        self._insert("schedule_overlays", columns)

    # nodes -----------------------------------------------------------------------------------------------------------

    @rule(node=NODE)
    def turn(self, node: int) -> None:
        self.steps.turn(self.world.nodes[node])

    @rule(node=NODE, step=st.sampled_from(("plan", "claim", "renew", "reap", "others", "foresee", "die")))
    def step(self, node: int, step: str) -> None:
        getattr(self.steps, step)(self.world.nodes[node])

    @rule(node=NODE, endings=st.lists(st.sampled_from(ENDINGS), min_size=1, max_size=4))
    def record(self, node: int, endings: list[Ending]) -> None:
        member = self.world.nodes[node]
        self.steps.record(member, list(zip(member.held.values(), endings, strict=False)))

    @rule(endings=st.lists(st.sampled_from(ENDINGS), min_size=1, max_size=6), seconds=st.sampled_from((7, 301, 3601)))
    def both_work_on(self, endings: list[Ending], seconds: int) -> None:
        """Let time pass with both nodes at work and their leases renewed."""
        for node in self.world.nodes:
            self.steps.renew(node)
        self.world.pass_time(timedelta(seconds=min(seconds, 50), microseconds=seconds))
        for node in self.world.nodes:
            self.steps.turn(node)
            self.steps.record(node, list(zip(node.held.values(), endings, strict=False)))
        self.world.pass_time(timedelta(seconds=seconds, microseconds=len(endings)))
        for node in self.world.nodes:
            self.steps.turn(node)

    @rule(node=NODE)
    def another_turn(self, node: int) -> None:
        self.turn(node)

    @rule(node=NODE, ending=st.sampled_from(ENDINGS))
    def record_too_late(self, node: int, ending: Ending) -> None:
        self.steps.too_late(self.world.nodes[node], ending)

    @rule(node=NODE, table=st.sampled_from(sorted(HELD)), ending=st.sampled_from(ENDINGS))
    def a_transaction_is_left_open(self, node: int, table: str, ending: Ending) -> None:
        """A person holds rows meanwhile; the steps leave those alone and do not wait for them."""
        member = self.world.nodes[node]
        with self.world.other.transaction(force_rollback=True):
            self.world.other.execute(HELD[table])
            held = list(member.held.values())[:3]
            self.steps.record(member, [(each, ending) for each in held], may_be_busy=True)
            self.steps.renew(member, may_be_busy=True)
            self.steps.claim(member)
            if WITH_POISON:
                self.steps.reap(member)
                self.steps.others(member)
                self.steps.plan(member, may_be_busy=True)

    @rule(seconds=st.sampled_from((1, 70, 310, 3600, 86_400, 40 * 86_400)), odd=st.integers(1, 999_999))
    def time_passes(self, seconds: int, odd: int) -> None:
        self.world.pass_time(timedelta(seconds=seconds, microseconds=odd))

    # what must hold --------------------------------------------------------------------------------------------------

    @invariant()
    def promises_are_kept(self) -> None:
        self.world.steps += 1
        faults = broken_promises(self.world.people, self.excuses) + changed_ends(self.world.people, self.ends)
        assert not faults, "\n".join(faults)

    def teardown(self) -> None:
        """Move past every lease, let all come to rest, and see that nothing is left lying."""
        if sys.exc_info()[0] is not None:
            return
        self.world.pass_time(timedelta(seconds=200, microseconds=7))
        self.steps.come_to_rest()
        faults = unrest(self.world.people, self.excuses) + broken_promises(self.world.people, self.excuses)
        assert not faults, "\n".join(faults)
