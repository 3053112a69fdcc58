"""The short form of the fault run: about a minute and a half of harm to three real daemons; not one promise may break.

ERP_FAULT_SEED and ERP_FAULT_SECONDS choose another run.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.faults.checker import check
from tests.faults.history import save
from tests.faults.run import FaultRun, show
from tests.support.cluster import Cluster

SEED = 20261121
SECONDS = 60.0


@pytest.mark.faults
def test_no_promise_breaks_under_random_faults(cluster: Cluster, database: str, tmp_path: Path) -> None:
    seed = int(os.environ.get("ERP_FAULT_SEED", SEED))
    seconds = float(os.environ.get("ERP_FAULT_SECONDS", SECONDS))
    print(f"seed {seed}, {seconds:g} s, output in {tmp_path}")
    run = FaultRun(cluster, database, tmp_path, seed)
    try:
        history = run.go(seconds)
    finally:
        run.close()
    save(history, tmp_path / "history.json")
    report = check(history)
    show(report)

    assert report.findings == [], "\n".join(map(str, report.findings))
    assert report.figures["starts"] > seconds
    assert report.figures["planned times accounted for"] > seconds
    assert report.figures["immediate PostgreSQL restarts"] >= 1
    assert report.figures["SIGKILL of daemons"] + report.figures["SIGKILL of handler processes"] >= seconds / 6
