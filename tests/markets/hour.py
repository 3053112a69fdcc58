"""An hour of three shops in minutes: late orders, faults at every market, the daemon killed again and again.

    python -m tests.markets.hour --minutes 60 --speed 20

Afterwards erp.order_lines must equal what the shops say, line by line, and no time may be missing in the ledger.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import psycopg

from scheduler.database.migrate import migrate
from tests.markets.shops import PATHS, Shops, collected
from tests.support.cluster import Cluster
from tests.support.daemons import Daemon, Rows, wait_for

KINDS = ("429", "503", "reset", "truncate", "slow", "repeat_rows", "expired", "maintenance")
SETTLE_SECONDS = 120.0
STANDSTILL = 0.0001
LATE_SECONDS = 600
END_PAUSES = "UPDATE market_budgets SET paused_until = least(paused_until, now() + interval '2 seconds')"
END_MAINTENANCE = """
UPDATE market_windows SET ends_at = greatest(starts_at + interval '1 millisecond', least(ends_at, now() + interval '2 seconds'))
 WHERE source = 'detected'
"""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an hour came to; missing, surplus and different are order lines."""

    lines: int
    kills: int
    faults: int
    missing: list[Any]
    surplus: list[Any]
    different: list[Any]
    gaps: int

    @property
    def is_good(self) -> bool:
        return self.lines > 0 and not (self.missing or self.surplus or self.different or self.gaps)


class Hour:
    """Everything of one run."""

    def __init__(self, dsn: str, folder: Path, speed: float, per_minute: float, seed: int) -> None:
        self.chance = Random(seed)
        self.speed = speed
        self.shops = Shops(
            folder, speed=speed, orders_per_minute=per_minute, late_seconds=LATE_SECONDS, history_minutes=5, seed=seed
        )
        self.connection = psycopg.connect(dsn, autocommit=True)
        self.daemon = Daemon(dsn, folder, handlers="tests.markets.clocked_jobs", workers=4, lease_seconds=6, heartbeat_seconds=1)
        self.kills = self.faults = 0

    def begin(self) -> None:
        """Open the accounts, start the daemon, read the catalogues, add the job."""
        self.shops.open_accounts(self.connection)
        self.connection.execute(
            "INSERT INTO scheduler_settings (name, value) VALUES ('minimum_interval', '1 second') "
            "ON CONFLICT (name) DO UPDATE SET value = excluded.value"
        )
        self.daemon.start()
        rows = Rows(self.connection)
        ended = rows.ended(rows.run_now(rows.add_job("products", "product_collection", market_codes=list(PATHS))), 60)
        assert ended["status"] == "success", ended
        self.connection.execute(
            "INSERT INTO schedule_jobs (name, job_type, interval, market_codes, parameters) "
            "VALUES ('orders', 'clocked_orders', '1 second', %s, jsonb_build_object('clock_url', %s::text))",
            (list(PATHS), f"{self.shops.url('coupang')}/_sandbox/clock"),
        )

    def trouble(self, seconds: float, kill_every: float) -> None:
        """Make faults and kill the daemon for that long."""
        until, next_kill = time.monotonic() + seconds, time.monotonic() + kill_every
        while time.monotonic() < until:
            market, kind = self.chance.choice(list(PATHS)), self.chance.choice(KINDS)
            more = {"retry_after": 1} if kind == "429" else {"seconds": 1} if kind == "slow" else {}
            self.shops.fault(market, kind, count=self.chance.choice((1, 1, 2, 5)), **more)
            self.faults += 1
            self.relieve()
            time.sleep(0.5)
            if time.monotonic() > next_kill:
                self.daemon.kill()
                self.kills += 1
                self.daemon.start()
                next_kill = time.monotonic() + kill_every

    def relieve(self) -> None:
        """End pauses and maintenance soon: they are meant in real time, while the shops' time flies."""
        self.connection.execute(END_PAUSES)
        self.connection.execute(END_MAINTENANCE)

    def settle(self) -> Verdict:
        """Stop the shops' clock and the faults, let the daemon catch up, and compare."""
        self.shops.set_speed(STANDSTILL)
        self.shops.calm()
        self.relieve()
        truth = self.shops.truth()
        try:
            wait_for(lambda: collected(self.connection) == truth, SETTLE_SECONDS)
        except AssertionError:
            print(f"not settled within {SETTLE_SECONDS:g} s", file=sys.stderr)
        found = collected(self.connection)
        row = self.connection.execute("SELECT count(*) FROM erp.collection_gaps").fetchone()
        assert row is not None
        both = truth.keys() & found.keys()
        return Verdict(
            len(truth), self.kills, self.faults, sorted(truth.keys() - found.keys()), sorted(found.keys() - truth.keys()),
            [(key, truth[key], found[key]) for key in sorted(both) if truth[key] != found[key]], row[0],
        )

    def close(self) -> None:
        self.daemon.remove()
        self.connection.close()
        self.shops.close()


def live(
    dsn: str, folder: Path, minutes: float, speed: float, kill_every: float, per_minute: float = 12, seed: int = 1
) -> Verdict:
    """Live through that many minutes of the shops."""
    with ExitStack() as stack:
        hour = Hour(dsn, folder, speed, per_minute, seed)
        stack.callback(hour.close)
        hour.begin()
        hour.trouble(minutes * 60 / speed, kill_every)
        return hour.settle()


def main() -> int:
    """Run with a server and a folder of our own, and print what it came to."""
    parser = argparse.ArgumentParser(prog="python -m tests.markets.hour", description="An hour of three shops in minutes.")
    parser.add_argument("--minutes", type=float, default=60, help="minutes of the shops")
    parser.add_argument("--speed", type=float, default=20)
    parser.add_argument("--kill-every", type=float, default=10, help="seconds")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    server = Cluster()
    with tempfile.TemporaryDirectory() as folder:
        try:
            server.start()
            with server.admin() as connection:
                connection.execute("CREATE DATABASE hour")
            with psycopg.connect(server.dsn("hour"), autocommit=True) as connection:
                migrate(connection)
            dsn = server.dsn("hour")
            verdict = live(dsn, Path(folder), options.minutes, options.speed, options.kill_every, seed=options.seed)
        finally:
            server.remove()
    print(f"{verdict.lines} lines, {verdict.kills} kills, {verdict.faults} faults; missing {len(verdict.missing)}, "
          f"surplus {len(verdict.surplus)}, different {len(verdict.different)}, gaps {verdict.gaps}")
    for each in [*verdict.missing[:5], *verdict.surplus[:5], *verdict.different[:5]]:
        print(" ", each)
    return 0 if verdict.is_good else 1


if __name__ == "__main__":
    sys.exit(main())
