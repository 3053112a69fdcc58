"""``python -m benchmarks [names] [--quick] [--json FILE]``: measure, and print a table.

Nothing is enforced: figures are for people to read, and machines are noisy. Compare by ratio, within one run.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks import collection, punctuality, standing, throughput, web
from benchmarks.figures import HEAD, Figure, table
from benchmarks.profile import profile
from benchmarks.server import Server
from benchmarks.sizes import FULL, QUICK, TINY, Sizes

Measure = Callable[[Server, Sizes], list[Figure]]

MEASURES: dict[str, Measure] = {
    "throughput": throughput.measure,
    "pick-up": punctuality.measure_pick_up,
    "spread": punctuality.measure_spread,
    "burst": punctuality.measure_burst,
    "idle": standing.measure_idle,
    "memory": standing.measure_memory,
    "collection": collection.measure,
    "web": web.measure,
    "growth": standing.measure_growth,
}
SLOW = {"web", "growth"}


def main() -> None:
    """Measure what was asked for."""
    options = read_options()
    forget_environment()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that a time limit from outside leaves nothing behind
    sizes = TINY if options.tiny else QUICK if options.quick else FULL
    server = Server(statements=options.profile is not None)
    try:
        server.open()
        machine = {**about_machine(), **server.facts(), "size": sizes.name}
        print(", ".join(f"{name} {value}" for name, value in machine.items()), flush=True)
        if options.profile is not None:
            print(profile(server, sizes, options.profile))
            return
        figures = measure(server, sizes, options.names or default_names(options.quick or options.tiny))
        print(table([HEAD, *(each.cells() for each in figures)]))
        if options.json:
            found = {"machine": machine, "figures": [each.plain() for each in figures]}
            options.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    finally:
        server.remove()


def measure(server: Server, sizes: Sizes, names: list[str]) -> list[Figure]:
    """Take the named measures one after the other, saying how long each took."""
    figures: list[Figure] = []
    for name in names:
        began = time.monotonic()
        figures += MEASURES[name](server, sizes)
        print(f"{name}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    return figures


def default_names(quick: bool) -> list[str]:
    return [name for name in MEASURES if not (quick and name in SLOW)]


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks", description="Measure the service against bare SQL.")
    parser.add_argument("names", nargs="*", metavar="name", help=f"of {', '.join(MEASURES)}; default: all")
    parser.add_argument("--quick", action="store_true", help="one round, smaller, without growth unless it is named")
    parser.add_argument("--tiny", action="store_true", help="only prove that the program works; its figures mean nothing")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every sample there too")
    parser.add_argument("--profile", type=int, metavar="SLOTS", help="instead: show where the time of executions goes")
    options = parser.parse_args()
    unknown = set(options.names) - MEASURES.keys()
    if unknown:
        parser.error(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(MEASURES)}")
    return options


def forget_environment() -> None:
    """Forget settings of this user: they must not steer what is measured."""
    for name in list(os.environ):
        if name.startswith(("ERP_SCHEDULER_", "PG")) or name in ("DATABASE_URL", "DATABASE_URL_FILE"):
            del os.environ[name]


def about_machine() -> dict[str, Any]:
    load = " ".join(f"{value:.1f}" for value in os.getloadavg())
    return {"cores": os.cpu_count(), "load": load, "python": platform.python_version(), "kernel": platform.release()}


if __name__ == "__main__":
    main()
