"""How much is measured: the full size for figures to quote, a quick one for work, a tiny one that proves the program."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sizes:
    """Counts and lengths of all measures.

    rounds  repeats of what takes long: throughput, spread, burst, idle windows, growth
    """

    name: str
    rounds: int
    executions: int
    pick_ups: int
    spread_jobs: int
    spread_seconds: float
    burst_jobs: int
    future_jobs: int
    settle_seconds: float
    idle_seconds: float
    memory_executions: int
    grown_rows: int
    collected: int
    slots: tuple[int, int] = (8, 64)


FULL = Sizes("full", 3, 20_000, 200, 1000, 30, 1000, 10_000, 20, 60, 5000, 1_000_000, 100_000)
QUICK = Sizes("quick", 1, 10_000, 200, 1000, 30, 1000, 10_000, 12, 15, 5000, 200_000, 20_000)
TINY = Sizes("tiny", 1, 100, 5, 20, 0.5, 20, 50, 0.2, 0.5, 50, 200, 100, (2, 3))
