"""How many jobs each choice of each filter would show, all other filters staying as they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import psycopg

from scheduler.queries.rows import rows
from scheduler.queries.web_jobs import FILTERS, values_of

Counts = dict[str, dict[str, int]]

# One pass over the jobs says of each which filters let it through; a facet counts those that all the others let through.
FACETS = """
WITH busy AS (SELECT DISTINCT job_id FROM job_executions WHERE status = 'running'),
job AS MATERIALIZED (
    SELECT job.status, job.job_type, job.market_codes, job.tags, state.healths,
           %(status)s::text IS NULL OR job.status = %(status)s AS by_status,
           %(type)s::text IS NULL OR job.job_type = %(type)s AS by_type,
           %(market)s::text IS NULL OR %(market)s = ANY (job.market_codes) AS by_market,
           %(tag)s::text IS NULL OR %(tag)s = ANY (job.tags) AS by_tag,
           %(health)s::text IS NULL OR coalesce(%(health)s = ANY (state.healths), false) AS by_health
      FROM schedule_jobs AS job
     CROSS JOIN LATERAL (SELECT array_remove(ARRAY[
               CASE WHEN job.consecutive_failures > 0 OR job.status = 'invalid' THEN 'failing' END,
               CASE WHEN job.last_status = 'success' AND job.status <> 'invalid' THEN 'well' END,
               CASE WHEN job.id IN (SELECT job_id FROM busy) THEN 'running' END,
               CASE WHEN job.last_run_at IS NULL AND job.run_count = 0 THEN 'never' END,
               CASE WHEN job.status = 'active' AND job.next_run_at < now() - interval '2 minutes' THEN 'overdue' END
           ], NULL)) AS state (healths)
     WHERE NOT job.hidden
       AND (%(q)s::text IS NULL OR job.name ILIKE %(q)s OR job.job_type ILIKE %(q)s OR job.description ILIKE %(q)s)
)
SELECT 'status' AS facet, status AS value, count(*) AS number FROM job
 WHERE by_type AND by_market AND by_tag AND by_health GROUP BY status
UNION ALL
SELECT 'type', job_type, count(*) FROM job WHERE by_status AND by_market AND by_tag AND by_health GROUP BY job_type
UNION ALL
SELECT 'market', code, count(*) FROM job, unnest(market_codes) AS code
 WHERE by_status AND by_type AND by_tag AND by_health GROUP BY code
UNION ALL
SELECT 'tag', tag, count(*) FROM job, unnest(tags) AS tag
 WHERE by_status AND by_type AND by_market AND by_health GROUP BY tag
UNION ALL
SELECT 'health', health, count(*) FROM job, unnest(healths) AS health
 WHERE by_status AND by_type AND by_market AND by_tag GROUP BY health
"""


def facet_counts(connection: psycopg.Connection[Any], filters: Mapping[str, Any]) -> Counts:
    """Return by facet and value how many jobs there would be; what is left out would show none."""
    found: Counts = {name: {} for name in FILTERS if name != "q"}
    for each in rows(connection, FACETS, values_of(filters)):
        found[each["facet"]][each["value"]] = each["number"]
    return found
