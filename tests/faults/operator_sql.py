"""What an operator may type at the worst moment: each statement picks its own row at random."""

from __future__ import annotations

GOOD = "name NOT LIKE 'poison%%'"

DELETE_LOCK = """
DELETE FROM schedule_locks WHERE (job_id, slot) IN (SELECT job_id, slot FROM schedule_locks ORDER BY random() LIMIT 1)
RETURNING execution_id
"""
DELETE_LOCKS_OF = "DELETE FROM schedule_locks WHERE node = '{node}' RETURNING execution_id"
PAUSE = f"""
UPDATE schedule_jobs SET status = 'paused'
 WHERE id = (SELECT id FROM schedule_jobs WHERE status = 'active' AND {GOOD} ORDER BY random() LIMIT 1) AND status = 'active'
   AND (SELECT count(*) FROM schedule_jobs WHERE status = 'paused') < 8
RETURNING id
"""
RESUME = """
UPDATE schedule_jobs SET status = 'active'
 WHERE id = (SELECT id FROM schedule_jobs WHERE status = 'paused' ORDER BY random() LIMIT 1) AND status = 'paused'
RETURNING id
"""
PRIORITY = f"""
UPDATE schedule_jobs SET priority = (random() * 20 - 10)::int
 WHERE id = (SELECT id FROM schedule_jobs WHERE {GOOD} ORDER BY random() LIMIT 1)
RETURNING id
"""
INTERVAL = f"""
UPDATE schedule_jobs SET interval = make_interval(secs => (2 + random() * 5)::int)
 WHERE id = (SELECT id FROM schedule_jobs WHERE interval IS NOT NULL AND {GOOD} ORDER BY random() LIMIT 1)
RETURNING id
"""
RUN_NOW = f"""
INSERT INTO job_executions (job_id)
SELECT id FROM schedule_jobs WHERE status = 'active' AND {GOOD} ORDER BY interval IS NULL DESC, random() LIMIT 2
RETURNING id
"""
CANCEL = """
UPDATE job_executions SET cancel_requested = true
 WHERE id = (SELECT id FROM job_executions WHERE status = 'running' ORDER BY random() LIMIT 1)
RETURNING id
"""
HURRY = """
UPDATE job_executions SET available_at = now()
 WHERE id IN (SELECT id FROM job_executions WHERE status = 'queued' AND trigger = 'retry' ORDER BY random() LIMIT 5)
   AND status = 'queued'
RETURNING id
"""
EDIT_EXECUTION = (
    """UPDATE job_executions SET status = 'failed', finished_at = now(), error_message = 'by hand'
        WHERE id = (SELECT id FROM job_executions WHERE status = 'running' ORDER BY random() LIMIT 1) AND status = 'running'
       RETURNING id""",
    """UPDATE job_executions SET status = 'queued', started_at = NULL
        WHERE id = (SELECT id FROM job_executions WHERE status = 'running' ORDER BY random() LIMIT 1) AND status = 'running'
       RETURNING id""",
    """UPDATE job_executions SET status = 'queued', finished_at = NULL
        WHERE id = (SELECT id FROM job_executions WHERE status IN ('failed', 'success', 'lost') AND job_id IS NOT NULL
                     ORDER BY random() LIMIT 1)
       RETURNING id""",
    """UPDATE job_executions SET status = 'cancelled', finished_at = now()
        WHERE id = (SELECT id FROM job_executions WHERE status = 'queued' ORDER BY random() LIMIT 1) AND status = 'queued'
       RETURNING id""",
    """UPDATE job_executions SET token = gen_random_uuid()
        WHERE id = (SELECT id FROM job_executions WHERE status = 'running' ORDER BY random() LIMIT 1) AND status = 'running'
       RETURNING id""",
    """UPDATE job_executions SET lease_expires_at = now() + interval '6 seconds'
        WHERE id = (SELECT id FROM job_executions WHERE status = 'running' ORDER BY random() LIMIT 1) AND status = 'running'
       RETURNING id""",
)
DELETE_JOB = """
DELETE FROM schedule_jobs WHERE id = (SELECT id FROM schedule_jobs ORDER BY random() LIMIT 1)
RETURNING split_part(name, '-', 1), run_at IS NULL AND interval IS NULL
"""
TERMINATE = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
 WHERE datname = current_database() AND pid <> pg_backend_pid() ORDER BY random() LIMIT 1
"""
COUNT_POISON = "SELECT count(*) FROM schedule_jobs WHERE name LIKE 'poison%'"

# Begun, and left open for seconds while the world goes on; then committed or rolled back.
LEFT_OPEN = (
    "SELECT * FROM schedule_jobs ORDER BY random() LIMIT 3 FOR UPDATE",
    "SELECT * FROM schedule_locks ORDER BY random() LIMIT 3 FOR UPDATE",
    "SELECT * FROM job_executions WHERE status IN ('queued', 'running') ORDER BY random() LIMIT 3 FOR UPDATE",
    "SELECT count(*) FROM job_executions",
    DELETE_LOCK, DELETE_LOCK, DELETE_LOCK, DELETE_LOCK, PAUSE, RUN_NOW, CANCEL, *EDIT_EXECUTION,
)
