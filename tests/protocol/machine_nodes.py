"""The daemon's steps as the two nodes take them, each with what must hold right after it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from scheduler.model import Execution, ExecutionStatus, Outcome
from scheduler.protocol.claim import claim
from scheduler.protocol.close import Verdict, complete_jobs
from scheduler.protocol.follow import follow, results_of_others, wake
from scheduler.protocol.forecast import foresee
from scheduler.protocol.heartbeat import renew
from scheduler.protocol.look import look
from scheduler.protocol.plan import plan
from scheduler.protocol.reap import reap, reap_instance
from scheduler.protocol.record import record
from scheduler.protocol.replan import replan
from tests.protocol.machine_checks import due_now, unaccounted
from tests.protocol.machine_world import LEASE, SPECS, Member, World

GRACE = timedelta(seconds=5)
Ending = tuple[str, dict[str, Any]]

ENDINGS: tuple[Ending, ...] = (
    ("success", {"result": {"saved": 3}}),
    ("success", {"result": None}),
    ("success", {"result": {"text": "\x00\ud800"}}),
    ("success", {"result": {"n": float("nan")}}),
    ("failed", {"retry": True, "error_message": "why"}),
    ("failed", {"retry": True, "error_message": "\x00"}),
    ("failed", {"retry": False, "error_class": "X"}),
    ("failed", {"retry": True, "retry_after": 5.0}),
    ("failed", {"retry": True, "retry_after": 1e15}),
    ("timed_out", {"retry": True}),
    ("lost", {"retry": True, "exit_code": -9}),
    ("cancelled", {}),
    ("cancelled", {"retry": True, "counted": False}),
    ("skipped", {"skip_reason": "nothing to do"}),
)
SUCCESS = ENDINGS[0]
FIT_TO_CLAIM = "SELECT id, status FROM schedule_jobs WHERE id = ANY (%s) AND status NOT IN ('active', 'completed')"


class Steps:
    """What a node does, over the world's loop."""

    def __init__(self, world: World) -> None:
        self.world = world

    def plan(self, node: Member, may_be_busy: bool = False) -> int:
        """Plan; each planned time that had come ends as a row, or stays due while somebody holds its job."""
        due = due_now(self.world.people)
        done = self.world.run(plan(node.connection, SPECS))
        missing = unaccounted(self.world.people, due, may_be_busy)
        assert not missing, f"planned times without a row: {missing}"
        return done.planned

    def claim(self, node: Member, free_slots: int = 64) -> int:
        """Claim; nobody takes what is paused or set aside."""
        taken = self.world.run(claim(node.connection, node.name, node.instance_id, list(SPECS), free_slots, LEASE))
        assert len(taken) <= free_slots
        unfit = self.world.people.execute(FIT_TO_CLAIM, ([each.job_id for each in taken],)).fetchall() if taken else []
        assert not unfit, f"claimed of jobs that rest: {unfit}"
        node.held.update({each.token: each for each in taken})
        follows = [each.job_id for each in taken if each.follows]
        if follows:
            self.world.run(results_of_others(node.connection, follows))
        return len(taken)

    def renew(self, node: Member, may_be_busy: bool = False) -> None:
        """Renew; what is gone is ended and recorded as the daemon does."""
        held = [(token, execution.id) for token, execution in node.held.items()]
        if not held:
            return
        beats = self.world.run(renew(node.connection, held, LEASE))
        assert {beat.token for beat in beats} == node.held.keys()
        ended = [node.held[beat.token] for beat in beats if beat.is_gone or beat.is_cancelled]
        self.record(node, [(each, ("cancelled", {})) for each in ended], may_be_busy)

    def record(self, node: Member, ends: Sequence[tuple[Execution, Ending]], may_be_busy: bool = False) -> int:
        """Record; each outcome gets its verdict, and what has its verdict is no longer held."""
        if not ends:
            return 0
        verdicts = self.world.run(record(node.connection, [outcome(each, ending) for each, ending in ends]))
        by_id = {verdict.execution_id: verdict for verdict in verdicts}
        for execution, _ in ends:
            verdict = by_id[execution.id]
            if verdict.status == "busy":
                assert may_be_busy, "busy, though nobody holds a row"
                continue
            if node.held.pop(execution.token, None):
                node.past.append(execution)
        return len(verdicts)

    def too_late(self, node: Member, ending: Ending) -> None:
        """Let a hand write that has had its say; it must not be heard."""
        verdicts: list[Verdict] = self.world.run(record(node.connection, [outcome(each, ending) for each in node.past[-3:]]))
        heard = [verdict for verdict in verdicts if verdict.status != "refused"]
        assert not heard, f"a late hand was heard: {heard}"

    def reap(self, node: Member) -> int:
        """End what nobody renews."""
        return len(self.world.run(reap(node.connection, GRACE)))

    def die(self, node: Member) -> None:
        """Let the daemon die and its successor clear up."""
        self.world.run(reap_instance(node.connection, node.instance_id))
        node.begin()

    def others(self, node: Member) -> int:
        """Follow, wake, replan and complete."""
        done = self.world.run(follow(node.connection)) + len(self.world.run(wake(node.connection)))
        done += self.world.run(replan(node.connection))
        self.world.run(complete_jobs(node.connection))
        return int(done)

    def foresee(self, node: Member) -> None:
        self.world.run(foresee(node.connection))

    def turn(self, node: Member) -> int:
        """Look, and do all that there is to do."""
        sight = self.world.run(look(node.connection, list(SPECS), GRACE))
        done = self.reap(node)
        if sight.can_wake:
            done += len(self.world.run(wake(node.connection)))
        replanned = self.world.run(replan(node.connection)) if sight.can_replan else 0
        if sight.can_plan or sight.can_wake or replanned:
            done += self.plan(node)
        if sight.can_follow:
            done += int(self.world.run(follow(node.connection)))
        return done + self.claim(node)

    def come_to_rest(self) -> None:
        """Let the nodes take turns until there is nothing left to do."""
        for _ in range(1500):
            done = 0
            for node in self.world.nodes:
                done += self.turn(node)
                done += self.record(node, [(each, SUCCESS) for each in node.held.values()])
            if not done:
                return
        raise AssertionError("the nodes never come to rest")


def outcome(execution: Execution, ending: Ending) -> Outcome:
    status, fields = ending
    return Outcome(execution.id, execution.token, ExecutionStatus(status), execution.attempt, execution.failed_attempts, **fields)
