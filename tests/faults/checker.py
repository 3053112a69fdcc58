"""Judge a fault run by its history alone: every broken promise with its evidence, and a table of figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

from tests.faults import checks_order, checks_planning, checks_time
from tests.faults.findings import Finding, Report
from tests.faults.history import History

CHECKS: tuple[Callable[[History], Iterator[Finding]], ...] = (
    checks_order.one_at_a_time, checks_order.no_double_start, checks_order.fences_rise, checks_order.results_are_owned,
    checks_order.an_end_is_an_end, checks_order.pauses_hold, checks_planning.none_is_lost, checks_planning.queue_is_short,
    checks_time.never_two_alive, checks_time.leases_are_reaped, checks_time.retries_follow, checks_time.daemons_live,
    checks_time.nothing_remains,
)


def check(history: History) -> Report:
    """Run every check over the history."""
    findings = [finding for one in CHECKS for finding in one(history)]
    return Report(findings, figures(history, findings))


def figures(history: History, findings: list[Finding]) -> dict[str, float | int]:
    deeds = Counter(deed.kind for deed in history.deeds)
    broken = Counter(finding.invariant for finding in findings)
    overlaps = checks_time.overlaps(history)
    recoveries = checks_time.recoveries(history)
    ends = Counter(change.status[1] for change in history.changes if change.is_end)
    bare = [each for each in overlaps if not each.excuse]
    return {
        "SIGKILL of daemons": deeds["kill daemon"],
        "SIGKILL of wardens": deeds["kill warden"],
        "SIGKILL of handler processes": deeds["kill handler"],
        "SIGSTOP of daemons, wardens and handlers": sum(n for kind, n in deeds.items() if kind.startswith("freeze")),
        "lock rows deleted by hand": sum(c.op == "DELETE" and not c.by_daemon for c in history.of("schedule_locks")),
        "backends terminated": deeds["terminate backend"],
        "immediate PostgreSQL restarts": deeds["restart PostgreSQL"],
        "pauses and resumes": deeds["pause"] + deeds["resume"],
        "other edits by hand": sum(deeds[kind] for kind in ("priority", "interval", "edit execution", "run now", "cancel",
                                                            "delete job", "insert job", "poison")),
        "transactions left open": deeds["open transaction"],
        "planned times accounted for": occurrences(history),
        "starts": sum(effect.event == "start" for effect in history.effects),
        "executions ended": sum(ends.values()),
        "of them lost and tried again": ends["lost"],
        "lost occurrences": broken["I2"],
        "double starts": broken["I3"],
        "results written after fencing": broken["I5"],
        "fence inversions": broken["I4"],
        "starts while paused": broken["I9"],
        "overlaps": len(bare),
        "longest overlap, ms": round(max((each.seconds for each in bare), default=0.0) * 1000),
        "overlaps excused (frozen warden, lock and row taken by hand)": len(overlaps) - len(bare),
        "longest excused overlap, ms": round(max((each.seconds for each in overlaps if each.excuse), default=0.0) * 1000),
        "recovery p50, s": round(recoveries[len(recoveries) // 2], 1) if recoveries else 0.0,
        "slowest recovery, s": round(recoveries[-1], 1) if recoveries else 0.0,
        "findings": len(findings),
    }


def occurrences(history: History) -> int:
    return sum(change.row["missed_count"] + 1 for change in history.of("job_executions")
               if change.op == "INSERT" and change.row["trigger"] in checks_planning.PLANNED)
