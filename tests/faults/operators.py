"""The operator from hell: kills, freezes, deletes, edits and restarts at random, from one printed seed."""

from __future__ import annotations

import heapq
import itertools
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from random import Random
from typing import Any

import psycopg

from tests.faults import operator_sql as sql
from tests.faults.history import Deed, Timing
from tests.faults.nodes import Node
from tests.faults.processes import handlers_of, send, warden_of
from tests.faults.world import World
from tests.support.cluster import Cluster

STEP_SECONDS = 0.02
OPTIONS = "-c lock_timeout=500ms -c statement_timeout=5s"


class Operator:
    """Does one thing after another until its time is over.

    restart_every  seconds between immediate restarts of PostgreSQL
    pace           the longest wait between two deeds
    """

    def __init__(
        self, cluster: Cluster, dsn: str, nodes: list[Node], random: Random, timing: Timing, restart_every: float = 18.0,
        pace: float = 0.5,
    ) -> None:
        self.cluster, self.dsn, self.nodes, self.random, self.timing = cluster, dsn, nodes, random, timing
        self.restart_every, self.pace = restart_every, pace
        self.deeds: list[Deed] = []
        self.down: list[tuple[float, float]] = []
        self.later: list[tuple[float, int, Callable[[], None]]] = []
        self.order = itertools.count()
        self.connection: psycopg.Connection[Any] | None = None
        self.open: psycopg.Connection[Any] | None = None
        self.choices: list[tuple[int, Callable[[], None]]] = [
            (16, self.kill_daemon), (8, self.kill_warden), (22, self.kill_handler), (6, self.freeze_daemon),
            (4, self.freeze_warden), (6, self.freeze_handler), (8, self.delete_lock), (6, lambda: self.edit("pause", sql.PAUSE)),
            (7, lambda: self.edit("resume", sql.RESUME)), (3, lambda: self.edit("priority", sql.PRIORITY)),
            (3, lambda: self.edit("interval", sql.INTERVAL)), (8, lambda: self.edit("run now", sql.RUN_NOW)),
            (4, lambda: self.edit("cancel", sql.CANCEL)), (5, lambda: self.edit("hurry", sql.HURRY)),
            (4, lambda: self.edit("edit execution", self.random.choice(sql.EDIT_EXECUTION))), (2, self.delete_job),
            (2, self.insert_one_off), (2, self.poison), (10, self.terminate_backend), (6, self.leave_open),
        ]

    # -- the loop ---------------------------------------------------------------------------------------------------

    def go(self, seconds: float) -> None:
        """Do harm for *seconds*, tending the nodes all the while."""
        until = time.monotonic() + seconds
        next_deed, next_restart = time.monotonic(), time.monotonic() + self.restart_every * self.random.uniform(0.4, 0.8)
        weights = [weight for weight, _ in self.choices]
        while (now := time.monotonic()) < until:
            self.tend()
            if now >= next_restart:
                self.restart_database()
                next_restart = time.monotonic() + self.restart_every * self.random.uniform(0.7, 1.3)
            if now >= next_deed:
                self.random.choices(self.choices, weights)[0][1]()
                next_deed = time.monotonic() + self.random.uniform(0.02, self.pace)
            time.sleep(STEP_SECONDS)

    def tend(self) -> None:
        """Do what is due, and what the supervisors of the nodes would do."""
        while self.later and self.later[0][0] <= time.monotonic():
            heapq.heappop(self.later)[2]()
        for node in self.nodes:
            self.deeds += node.tend()

    def after(self, seconds: float, deed: Callable[[], None]) -> None:
        heapq.heappush(self.later, (time.monotonic() + seconds, next(self.order), deed))

    def calm_down(self) -> None:
        """Undo what is still pending: thaw, close, bring back."""
        while self.later:
            heapq.heappop(self.later)[2]()
        for node in self.nodes:
            node.thaw()
            if node.start_at is not None:
                node.start_at = 0.0

    def close(self) -> None:
        for connection in (self.connection, self.open):
            if connection is not None:
                connection.close()

    def note(self, kind: str, target: str = "", lasts: float = 0.0, detail: str = "") -> None:
        now = time.time()
        self.deeds.append(Deed(kind, now, now + lasts, target, detail))

    # -- processes --------------------------------------------------------------------------------------------------

    def kill_daemon(self) -> None:
        node = self.random.choice(self.nodes)
        pause = self.random.choice((0.0, 0.0, self.random.uniform(0.5, 6.0)))
        if node.up_since is not None and node.kill(pause):
            self.note("kill daemon", node.name)

    def kill_warden(self) -> None:
        node = self.random.choice(self.nodes)
        warden = warden_of(node.pid) if node.pid and node.up_since else None
        if warden and send(warden, signal.SIGKILL):
            self.note("kill warden", node.name)

    def kill_handler(self) -> None:
        node, pid = self.some_handler()
        if pid and send(pid, signal.SIGKILL):
            self.note("kill handler", node.name)

    def some_handler(self) -> tuple[Node, int | None]:
        node = self.random.choice(self.nodes)
        handlers = sorted(handlers_of(node.pid)) if node.pid else []
        return node, self.random.choice(handlers) if handlers else None

    def freeze_daemon(self) -> None:
        node, lasts = self.random.choice(self.nodes), self.how_long()
        if node.up_since is not None and node.freeze():
            self.note("freeze daemon", node.name, lasts)
            self.after(lasts, node.thaw)
            if self.random.random() < 0.5:  # its handlers come to their end meanwhile, and it must not say so
                self.after(self.random.uniform(0.1, 0.6), lambda: self.revoke_all_of(node))

    def freeze_warden(self) -> None:
        node = self.random.choice(self.nodes)
        self.freeze("freeze warden", node, warden_of(node.pid) if node.pid and node.up_since else None)

    def freeze_handler(self) -> None:
        self.freeze("freeze handler", *self.some_handler())

    def freeze(self, kind: str, node: Node, pid: int | None) -> None:
        lasts = self.how_long()
        if pid and send(pid, signal.SIGSTOP):
            self.note(kind, node.name, lasts)
            self.after(lasts, lambda: void(send(pid, signal.SIGCONT)))

    def how_long(self) -> float:
        return self.random.uniform(0.5, 3.0) * self.timing.lease

    # -- the database -----------------------------------------------------------------------------------------------

    def restart_database(self) -> None:
        begun = time.time()
        self.cluster.restart("immediate")
        self.down.append((begun, time.time()))
        self.deeds.append(Deed("restart PostgreSQL", begun, time.time()))

    def say(self, statement: str) -> list[Any]:
        """Run one statement; [] when the database is away or somebody holds the row."""
        try:
            if self.connection is None or self.connection.closed:
                self.connection = psycopg.connect(self.dsn, autocommit=True, application_name="operator", options=OPTIONS)
            return self.connection.execute(statement).fetchall()
        except psycopg.Error:
            if self.connection is not None and self.connection.broken:
                self.connection.close()
            return []

    def edit(self, kind: str, statement: str) -> None:
        for _ in self.say(statement.replace("%%", "%")):
            self.note(kind)

    def delete_lock(self) -> None:
        self.edit("delete lock", sql.DELETE_LOCK)

    def revoke_all_of(self, node: Node) -> None:
        self.edit("delete lock", sql.DELETE_LOCKS_OF.format(node=node.name))

    def terminate_backend(self) -> None:
        self.edit("terminate backend", sql.TERMINATE)

    def delete_job(self) -> None:
        for kind, by_hand in self.say(sql.DELETE_JOB):
            self.note("delete job")
            with suppress(psycopg.Error):
                if kind == "poison":
                    continue
                world = self.world()
                void(world.add_by_hand() if by_hand else world.add_repeating(kind))

    def insert_one_off(self) -> None:
        with suppress(psycopg.Error):
            self.world().add_one_off()
            self.note("insert job")

    def poison(self) -> None:
        if self.say(sql.COUNT_POISON) and self.say(sql.COUNT_POISON)[0][0] < 15:
            with suppress(psycopg.Error):
                self.world().add_poison()
                self.note("poison")

    def world(self) -> World:
        """Return a world on the operator's connection whose names cannot meet earlier ones."""
        self.say("SELECT 1")
        if self.connection is None:
            raise psycopg.OperationalError("the database is away")
        made = World(self.connection, self.random)
        made.count = 1000 + next(self.order) * 10
        return made

    def leave_open(self) -> None:
        """Begin a transaction, do something, and go for a coffee."""
        if self.open is not None:
            return
        lasts = self.random.uniform(0.5, 4.0)
        try:
            self.open = psycopg.connect(self.dsn, application_name="operator with open transaction", options=OPTIONS)
            self.open.execute(self.random.choice(sql.LEFT_OPEN).replace("%%", "%"))
        except psycopg.Error:
            self.leave(commit=False)
            return
        self.note("open transaction", lasts=lasts)
        self.after(lasts, lambda: self.leave(commit=self.random.random() < 0.6))

    def leave(self, commit: bool) -> None:
        if self.open is not None:
            with suppress(psycopg.Error):
                self.open.commit() if commit else self.open.rollback()
            self.open.close()
            self.open = None


def void(_: object) -> None:
    return None
