"""CPU and memory of a daemon's processes and of PostgreSQL, from /proc."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

TICK = 1 / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Cpu:
    """CPU seconds since each process began.

    handlers  the children of the warden, those that are gone included
    machine   all processes of the machine, ours included
    """

    daemon: float
    warden: float
    handlers: float
    postgres: float
    machine: float

    def __sub__(self, other: Cpu) -> Cpu:
        return Cpu(*(getattr(self, name) - getattr(other, name) for name in self.__slots__))

    @property
    def others(self) -> float:
        """Everything else on the machine, this program included."""
        return max(0.0, self.machine - self.daemon - self.warden - self.handlers - self.postgres)


def children_of(pid: int) -> list[int]:
    try:
        found = Path(f"/proc/{pid}/task").glob("*/children")
        return [int(child) for each in found for child in each.read_text().split()]
    except OSError:
        return []


def own_seconds(pid: int) -> float:
    """Return the CPU time of a process in nanosecond resolution, its living threads added up."""
    total = 0
    for thread in Path(f"/proc/{pid}/task").glob("*/schedstat"):
        try:
            total += int(thread.read_text().split()[0])
        except OSError:
            continue
    return total / 1e9


def reaped_seconds(pid: int) -> float:
    """Return the CPU time of its children that are gone."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[13]) + int(fields[14])) * TICK


def family_seconds(pid: int) -> float:
    """Return the CPU time of all children of a process, gone or alive."""
    return reaped_seconds(pid) + sum(own_seconds(child) for child in children_of(pid))


def machine_seconds() -> float:
    user, nice, system, _, _, irq, softirq, *_ = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
    return sum(map(int, (user, nice, system, irq, softirq))) * TICK


def warden_of(daemon: int) -> int:
    """Return the process id of a daemon's warden."""
    for child in children_of(daemon):
        if b"scheduler.running.warden" in Path(f"/proc/{child}/cmdline").read_bytes():
            return child
    raise RuntimeError(f"process {daemon} has no warden")


def read_cpu(daemon: int, postgres: int) -> Cpu:
    warden = warden_of(daemon)
    return Cpu(
        own_seconds(daemon), own_seconds(warden), family_seconds(warden),
        own_seconds(postgres) + family_seconds(postgres), machine_seconds(),
    )


def memory(pid: int) -> tuple[float, float]:
    """Return (RSS, PSS) of a process in MiB."""
    kib = {}
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]:
        name, _, value = line.partition(":")
        kib[name] = int(value.split()[0])
    return kib["Rss"] / 1024, kib["Pss"] / 1024
