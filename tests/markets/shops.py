"""The three sandboxes as one process of their own, with what a test asks and tells them."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg

from scheduler.cli.demo_processes import CREDENTIALS, PATHS
from tests.support.daemons import ROOT, wait_for

START_SECONDS = 30.0


class Shops:
    """Sandboxes of all markets on free ports; `close` ends them.

    more  further options of ``python -m handlers.sandbox``: orders_per_minute, late_seconds, speed, history_minutes, seed …
    """

    def __init__(self, folder: Path, **more: Any) -> None:
        self.folder = folder
        options = [word for name, value in more.items() for word in (f"--{name.replace('_', '-')}", str(value))]
        command = [
            sys.executable, "-P", "-m", "handlers.sandbox", "--port-file", str(folder / "port"), "--state", str(folder / "shop"),
            "--keys-dir", str(folder / "keys"), "--until-stdin-closes", *options,
            *(word for market in PATHS for word in ("--market", market)),
        ]
        self.output = folder / "sandbox.txt"
        with self.output.open("ab") as output:
            self.process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=output, stderr=output)
        wait_for(self._is_open, START_SECONDS, "sandboxes open")

    def _is_open(self) -> bool:
        if self.process.poll() is not None:
            raise AssertionError(f"the sandboxes ended:\n{self.output.read_text()}")
        return all((self.folder / f"port.{market}").exists() for market in PATHS)

    def close(self) -> None:
        """End them and see them gone."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(20)

    def url(self, market: str) -> str:
        return f"http://127.0.0.1:{(self.folder / f'port.{market}').read_text().strip()}"

    def open_accounts(self, connection: psycopg.Connection[Any], calls_per_second: float = 200) -> None:
        """Make the rows that lead the clients here."""
        for market, path in PATHS.items():
            credentials = {name: f"secret://file{self.folder / 'keys' / market / name}" for name in CREDENTIALS[market]}
            connection.execute(
                "INSERT INTO market_accounts (market_code, base_url, credentials, calls_per_second) VALUES (%s, %s, %s, %s)",
                (market, self.url(market) + path, json.dumps(credentials), calls_per_second),
            )

    def secrets(self) -> dict[str, str]:
        """Return every credential, by market and name."""
        return {
            f"{market}/{name}": (self.folder / "keys" / market / name).read_text().strip()
            for market, names in CREDENTIALS.items() for name in names
        }

    def ask(self, market: str, path: str, content: Any = None, method: str | None = None) -> Any:
        """Speak to a control door; *content* is sent as JSON."""
        request = urllib.request.Request(
            f"{self.url(market)}/_sandbox/{path}", None if content is None else json.dumps(content).encode(), method=method
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def fault(self, market: str, kind: str, **more: Any) -> None:
        self.ask(market, "faults", {"kind": kind, **more})

    def calm(self) -> None:
        """Take back every fault that waits."""
        for market in PATHS:
            self.ask(market, "faults", method="DELETE")

    def set_speed(self, speed: float) -> None:
        for market in PATHS:
            self.ask(market, "clock", {"speed": speed})

    def now(self, market: str) -> datetime:
        return datetime.fromisoformat(self.ask(market, "clock")["now"])

    def truth(self) -> dict[tuple[str, str, str], tuple[Any, ...]]:
        """Return what erp.order_lines must hold: by market, order and line; sku, quantity, cancelled quantity, state."""
        return {
            (market, line["order_id"], line["line_id"]): (
                line["sku"], line["quantity"], line["cancelled_quantity"], line["state"])
            for market in PATHS for line in self.ask(market, "orders")["lines"]
        }


def collected(connection: psycopg.Connection[Any]) -> dict[tuple[str, str, str], tuple[Any, ...]]:
    """Return what erp.order_lines holds, in the form of `Shops.truth`; fails when a line is there twice."""
    rows = connection.execute(
        "SELECT market_code, order_id, line_id, sku, quantity, cancelled_quantity, state FROM erp.order_lines"
    ).fetchall()
    found = {row[:3]: tuple(row[3:]) for row in rows}
    assert len(found) == len(rows)
    return found
