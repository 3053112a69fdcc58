"""Wrong logins: who tries too often waits longer each time. The database's clock counts, so all processes count alike."""

from __future__ import annotations

import hashlib
from typing import Any

import psycopg

from scheduler.queries.rows import row, rows

FREE_TRIES = 5
MOST_A_MINUTE = 60

# A wait of 5 s after the fifth wrong try, doubled by each further one, 10 minutes at most; an hour of quiet forgets.
WAIT = """
CASE WHEN {had}.failures < %(free)s OR {had}.last_at < clock_timestamp() - interval '1 hour' THEN interval '0'
     ELSE least(interval '5 seconds' * power(2, least({had}.failures - %(free)s, 10)), interval '10 minutes') END
"""
# The try is counted before the password is looked at: a thousand at once are a thousand, not one.
COUNT = f"""
INSERT INTO web_attempts AS had (subject, failures, last_at)
SELECT each, 1, clock_timestamp() FROM unnest(%(subjects)s::text[]) AS each ORDER BY each
    ON CONFLICT (subject) DO UPDATE
   SET failures = CASE WHEN had.last_at < clock_timestamp() - interval '1 hour' THEN 1 ELSE had.failures + 1 END,
       last_at = clock_timestamp()
 WHERE had.last_at + {WAIT.format(had="had")} <= clock_timestamp()
RETURNING subject
"""
LEFT = f"""
SELECT ceil(extract(epoch FROM max(had.last_at + {WAIT.format(had="had")} - clock_timestamp())))::int AS seconds
  FROM web_attempts AS had
 WHERE had.subject = ANY (%(subjects)s)
"""
MINUTE = """
INSERT INTO web_attempts AS had (subject, failures, last_at) VALUES (%(subject)s, 1, clock_timestamp())
    ON CONFLICT (subject) DO UPDATE
   SET failures = CASE WHEN had.last_at < clock_timestamp() - interval '1 minute' THEN 1 ELSE had.failures + 1 END,
       last_at = CASE WHEN had.last_at < clock_timestamp() - interval '1 minute' THEN clock_timestamp() ELSE had.last_at END
RETURNING failures, ceil(extract(epoch FROM last_at + interval '1 minute' - clock_timestamp()))::int AS seconds
"""
FORGIVE = "DELETE FROM web_attempts WHERE subject = ANY (%(subjects)s)"
SWEEP = "DELETE FROM web_attempts WHERE last_at < clock_timestamp() - interval '1 day'"

Connection = psycopg.Connection[Any]


def knock(connection: Connection, name: str, address: str) -> int:
    """Count a try to log in as *name* from *address*. Returns how many seconds to wait, 0 when the try may go on."""
    if wait := _too_many(connection, address):
        return wait
    subjects = subjects_of(name, address)
    with connection.transaction() as tried:
        connection.execute(SWEEP)
        if len(rows(connection, COUNT, {"subjects": subjects, "free": FREE_TRIES})) == len(subjects):
            return 0
        raise psycopg.Rollback(tried)
    left = row(connection, LEFT, {"subjects": subjects, "free": FREE_TRIES})
    return max(1, int((left or {}).get("seconds") or 1))


def forgive(connection: Connection, name: str, address: str) -> None:
    """Forget the wrong tries of whoever has proved to be the right one."""
    connection.execute(FORGIVE, {"subjects": subjects_of(name, address)})


def subjects_of(name: str, address: str) -> list[str]:
    """Return what is counted. Names only as hashes: now and then a password is typed where the name belongs."""
    return [f"name:{hashlib.sha256(name.encode(errors='replace')).hexdigest()[:32]}", f"address:{address}"]


def _too_many(connection: Connection, address: str) -> int:
    found = row(connection, MINUTE, {"subject": f"minute:{address}"})
    assert found is not None
    return max(1, int(found["seconds"])) if found["failures"] > MOST_A_MINUTE else 0
