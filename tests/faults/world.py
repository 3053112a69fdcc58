"""The jobs of a fault run: good ones of every kind, and rows that no daemon can be expected to run."""

from __future__ import annotations

from random import Random
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from tests.faults.effects import TABLES

POLICIES = ("run_once", "skip", "run_all")
SOON = "clock_timestamp() + make_interval(secs => %s)"

POISON = (
    "interval, job_type) VALUES (%s, '0 seconds', 'fault_beats'",
    "interval, job_type) VALUES (%s, '-1 day', 'fault_beats'",
    "interval, job_type) VALUES (%s, '178000000 years', 'fault_beats'",
    "interval, job_type, timezone) VALUES (%s, '1 hour', 'fault_beats', 'Mars/Phobos'",
    "interval, job_type, misfire_policy) VALUES (%s, '1 hour', 'fault_beats', 'perhaps'",
    "interval, job_type, parameters) VALUES (%s, '1 hour', 'fault_beats', '{\"no_such\": 1}'",
    "interval, job_type, parameters) VALUES (%s, '1 hour', 'fault_beats', '[1]'",
    "interval, job_type, anchor_at) VALUES (%s, '1 hour', 'fault_beats', '-infinity'",
    "interval, job_type, next_run_at, planned_version) VALUES (%s, '1 hour', 'fault_word', '-infinity', 1",
    "interval, job_type) VALUES (%s, '1 hour', 'no_such_type'",
    "cron_expression, job_type) VALUES (%s, 'banana', 'fault_beats'",
    "cron_expression, job_type) VALUES (%s, '0 0 31 2 *', 'fault_beats'",
    "specific_times, job_type) VALUES (%s, '{}', 'fault_beats'",
    "specific_times, job_type) VALUES (%s, ARRAY[NULL]::time[], 'fault_beats'",
    "specific_times, job_type) VALUES (%s, ARRAY['24:00'::time], 'fault_beats'",
    "run_at, job_type) VALUES (%s, 'infinity', 'fault_beats'",
    "run_at, job_type) VALUES (%s, '290000-01-01', 'fault_beats'",
    "market_codes, timeout_minutes, interval, job_type) VALUES (%s, ARRAY[NULL], 'NaN', '1 hour', 'fault_beats'",
)


class World:
    """Adds jobs; all choices come from the seed."""

    def __init__(self, connection: psycopg.Connection[Any], random: Random) -> None:
        self.connection = connection
        self.random = random
        self.count = 0

    def build(self) -> None:
        """Lay down the tables of the history, the settings and about sixty jobs."""
        self.connection.execute(TABLES)
        self.connection.execute("UPDATE scheduler_settings SET value = '1 second' WHERE name = 'minimum_interval'")
        for kind, number in (("beats", 18), ("async", 6), ("flaky", 7), ("word", 3), ("deaf", 4), ("c_loop", 1),
                             ("family", 4), ("sql", 4)):
            for _ in range(number):
                self.add_repeating(kind)
        for _ in range(7):
            self.add_by_hand()
        for _ in range(6):
            self.add_one_off()

    def insert(self, kind: str, columns: dict[str, Any]) -> int:
        self.count += 1
        given = {"name": f"{kind}-{self.count}", "job_type": f"fault_{kind}", **columns}
        names, marks = ", ".join(given), ", ".join(f"%({name})s" for name in given)
        row = self.connection.execute(f"INSERT INTO schedule_jobs ({names}) VALUES ({marks}) RETURNING id", given).fetchone()
        assert row is not None
        return int(row[0])

    def add_repeating(self, kind: str) -> int:
        random = self.random
        slow = kind in ("deaf", "c_loop")
        return self.insert(kind, {
            "interval": f"{random.randint(6, 9) if slow else random.randint(2, 6)} seconds",
            "misfire_policy": random.choice(POLICIES), "misfire_grace": random.choice(("1 second", "1 minute")),
            "priority": random.randint(-5, 5), "max_retries": 1 if slow else random.randint(0, 3),
            "timeout_minutes": random.uniform(0.02, 0.04) if slow else random.choice((0.03, 30, 30)),
            "parameters": Jsonb(self.parameters(kind)),
        })

    def parameters(self, kind: str) -> dict[str, Any]:
        if kind == "flaky":
            return {"good_from": self.random.randint(2, 4)}
        if kind == "word":
            return {"what": self.random.choice(("give_up", "skip"))}
        return {} if kind in ("deaf", "c_loop") else {"seconds": round(self.random.uniform(0.1, 2.0), 1)}

    def add_by_hand(self) -> int:
        return self.insert("beats", {"parameters": Jsonb({"seconds": self.random.choice((0.5, 3.0, 8.0))}), "max_retries": 2})

    def add_one_off(self) -> int:
        row = self.connection.execute(f"SELECT {SOON}", (self.random.uniform(2, 8),)).fetchone()
        assert row is not None
        return self.insert("beats", {"run_at": row[0], "parameters": Jsonb({"seconds": 0.3}), "max_retries": 2})

    def add_poison(self) -> None:
        """Insert a row that the triggers would refuse, as a restored dump or a careless superuser might."""
        self.count += 1
        with self.connection.transaction():
            self.connection.execute("SET LOCAL session_replication_role = replica")
            self.connection.execute(f"INSERT INTO schedule_jobs (name, {self.random.choice(POISON)})", (f"poison-{self.count}",))
