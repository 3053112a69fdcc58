"""Wrong logins: who tries too often waits longer each time. The database's clock counts, so all processes count alike.

Counted are the tries of one address, those of one address for one name, and, with a far higher limit, those for one name
from anywhere. The last one keeps a guess from being spread over many addresses. It does not count where that person has
logged in lately, so that strangers cannot keep anybody out by guessing badly on purpose.
"""

from __future__ import annotations

import hashlib
from typing import Any

import psycopg

from scheduler.queries.rows import row, rows

FREE_TRIES = 5
FREE_TRIES_OF_ALL = 100
MOST_A_MINUTE = 60

# A wait of 5 s after the last free try, doubled by each further one, 10 minutes at most; an hour of quiet forgets.
FREE = "CASE WHEN starts_with(had.subject, 'name:') THEN %(free_of_all)s ELSE %(free)s END"
WAIT = f"""
CASE WHEN had.failures < {FREE} OR had.last_at < clock_timestamp() - interval '1 hour' THEN interval '0'
     ELSE least(interval '5 seconds' * power(2, least(had.failures - {FREE}, 10)), interval '10 minutes') END
"""
# The try is counted before the password is looked at: a thousand at once are a thousand, not one.
COUNT = f"""
INSERT INTO web_attempts AS had (subject, failures, last_at)
SELECT each, 1, clock_timestamp() FROM unnest(%(subjects)s::text[]) AS each ORDER BY each
    ON CONFLICT (subject) DO UPDATE
   SET failures = CASE WHEN had.last_at < clock_timestamp() - interval '1 hour' THEN 1 ELSE had.failures + 1 END,
       last_at = clock_timestamp()
 WHERE had.last_at + {WAIT} <= clock_timestamp()
RETURNING subject
"""
LEFT = f"""
SELECT ceil(extract(epoch FROM max(had.last_at + {WAIT} - clock_timestamp())))::int AS seconds
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
KNOWN = """
SELECT EXISTS (SELECT FROM web_known_addresses AS known JOIN web_users AS person ON person.id = known.user_id
                WHERE person.name = %(name)s AND known.address = %(address)s
                  AND known.seen_at > now() - interval '30 days') AS found
"""
REMEMBER = """
WITH gone AS (
    DELETE FROM web_known_addresses WHERE seen_at < now() - interval '30 days' AND address <> %(address)s
)
INSERT INTO web_known_addresses (user_id, address)
SELECT id, %(address)s FROM web_users WHERE name = %(name)s
    ON CONFLICT (user_id, address) DO UPDATE SET seen_at = now()
"""
SWEEP = "DELETE FROM web_attempts WHERE last_at < clock_timestamp() - interval '1 day'"

Connection = psycopg.Connection[Any]


def knock(connection: Connection, name: str, address: str) -> int:
    """Count a try to log in as *name* from *address*. Returns how many seconds to wait, 0 when the try may go on."""
    if wait := _too_many(connection, address):
        return wait
    subjects = subjects_of(name, address)
    if _is_known(connection, name, address):
        subjects = [each for each in subjects if not each.startswith("name:")]
    values = {"subjects": subjects, "free": FREE_TRIES, "free_of_all": FREE_TRIES_OF_ALL}
    with connection.transaction() as tried:
        connection.execute(SWEEP)
        if len(rows(connection, COUNT, values)) == len(subjects):
            return 0
        raise psycopg.Rollback(tried)
    left = row(connection, LEFT, values)
    return max(1, int((left or {}).get("seconds") or 1))


def forgive(connection: Connection, name: str, address: str) -> None:
    """Forget the wrong tries of whoever has proved to be the right one, and remember where they are."""
    connection.execute(FORGIVE, {"subjects": subjects_of(name, address)})
    connection.execute(REMEMBER, {"name": name, "address": address})


def subjects_of(name: str, address: str) -> list[str]:
    """Return what is counted. Names only as hashes: now and then a password is typed where the name belongs."""
    hashed = hashlib.sha256(name.encode(errors="replace")).hexdigest()[:32]
    return [f"name:{hashed}", f"address:{address}", f"both:{hashed}:{address}"]


def _is_known(connection: Connection, name: str, address: str) -> bool:
    """Say whether the person of that name has logged in from that address lately. It takes as long for a name that is none."""
    found = row(connection, KNOWN, {"name": name, "address": address})
    return found is not None and bool(found["found"])


def _too_many(connection: Connection, address: str) -> int:
    found = row(connection, MINUTE, {"subject": f"minute:{address}"})
    assert found is not None
    return max(1, int(found["seconds"])) if found["failures"] > MOST_A_MINUTE else 0
