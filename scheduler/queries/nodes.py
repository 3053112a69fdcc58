"""The daemons as they report themselves."""

from __future__ import annotations

from typing import Any

import psycopg

from scheduler.queries.rows import Row, rows

# A node that has not reported for a whole lease is shown as gone; nothing is decided by it.
LIST = """
SELECT instance_id, name, host, pid, version, workers, running, job_types,
       CASE WHEN state <> 'stopped' AND seen_at < now() - make_interval(secs => lease_seconds) THEN 'gone'
            ELSE state END AS state,
       state <> 'stopped' AND seen_at >= now() - make_interval(secs => lease_seconds) AS living,
       lease_seconds, started_at, seen_at
  FROM scheduler_nodes
 WHERE %(all)s OR (state <> 'stopped' AND seen_at >= now() - interval '1 day')
 ORDER BY name, started_at DESC
"""


def list_nodes(connection: psycopg.Connection[Any], *, every: bool = False) -> list[Row]:
    """Return the nodes; without *every*, those that stopped or were gone for a day are left out."""
    return rows(connection, LIST, {"all": every})
