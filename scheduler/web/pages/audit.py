"""`/scheduler/audit`: who did what through the doors, and every edit of a job, with the way back."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from scheduler.errors import ParameterError
from scheduler.queries import web_audit
from scheduler.queries.rows import Row
from scheduler.secrets import Redactor
from scheduler.web import deeds
from scheduler.web.audit import as_seen_by
from scheduler.web.audit_words import deed_word, deeds_to_choose, edit_word, edits_to_choose, object_asked, object_word
from scheduler.web.job_words import column_words, value_words
from scheduler.web.people import Person
from scheduler.web.place import place_of
from scheduler.web.render import SEOUL, page
from scheduler.web.rights import admin, operator
from scheduler.web.status_words import door_word, role_word
from scheduler.words import say

router = APIRouter(include_in_schema=False)
AUDIT = "/scheduler/audit"
SPANS = {"1h": timedelta(hours=1), "24h": timedelta(days=1), "7d": timedelta(days=7), "30d": timedelta(days=30)}
PAGES = {"job": "/scheduler/jobs/", "execution": "/scheduler/executions/", "user": "/scheduler/users/"}
OBJECT = re.compile(r"([a-z_]+):(\d{1,18})")
LARGEST = 2**63 - 1


@router.get(AUDIT, dependencies=[operator])
def audit(
    request: Request, tab: str = "log", actor: str | None = None, action: str | None = None, object: str | None = None,
    since: str | None = None, before: str | None = None,
) -> Response:
    """Show the log, or the edits of jobs."""
    chosen: dict[str, Any] = {
        "actor": _text(actor), "action": _text(action), "object_": object_asked(_text(object) or "") or None,
        "since": _since(since), "before": _before(before),
    }
    read = web_audit.job_edits if tab == "edits" else web_audit.audit_log
    with place_of(request).reading() as connection:
        found = read(connection, **chosen)
    lines, more = found[: web_audit.PAGE], len(found) > web_audit.PAGE
    person: Person = request.state.person
    show = _edit if tab == "edits" else _line
    return page(
        request, "audit.html", tab="edits" if tab == "edits" else "log", spans=list(SPANS),
        next=lines[-1]["id"] if more else None, lines=[show(each, person) for each in lines],
        deeds=deeds_to_choose(chosen["action"] or ""), edits=edits_to_choose(chosen["action"] or ""), deed_word=deed_word,
        edit_word=edit_word, object_word=object_word, door_word=door_word, role_word=role_word, column_words=column_words,
        filtered=any(chosen[name] is not None for name in ("actor", "action", "object_", "since")),
    )


@router.post(AUDIT + "/restore", dependencies=[admin])
def restore(request: Request, job_id: Annotated[int, Form()], revision: Annotated[int | None, Form()] = None) -> Response:
    """Set a job back to what it was after an edit; without one its latest edit is undone."""
    with place_of(request).changing(request) as connection:
        deeds.restore(connection, request, job_id, revision)
    return RedirectResponse(f"/scheduler/jobs/{job_id}", 303)


def _line(row: Row, person: Person) -> Row:
    """Return a line as this person may see it: names and deeds for operators, values for administrators."""
    everything = person.role == "admin"
    found = OBJECT.fullmatch(row["object"])
    link = PAGES[found[1]] + found[2] if found and found[1] in PAGES else None
    link = link or {"token": "/scheduler/tokens", "setting": "/scheduler/settings"}.get(row["object"].partition(":")[0])
    if link is not None and link.startswith(("/scheduler/users", "/scheduler/tokens")) and not everything:
        link = None
    seen = as_seen_by(person, row)
    return {**seen, "link": link, "values": _values(seen["before"], seen["after"])}


def _edit(row: Row, person: Person) -> Row:
    """Return an edit as this person may see it, its changed fields side by side in words and secrets masked."""
    everything = person.role == "admin"
    mask = Redactor()
    old, new = mask.value(row.pop("old")) or {}, mask.value(row.pop("new")) or {}
    names = row["changed"] or []
    values = [(column_words(name), *(None if side.get(name) is None else value_words(side[name], name) for side in (old, new)))
              for name in names]
    return {**row, "link": f"/scheduler/jobs/{row['job_id']}" if row["there"] else None,
            "values": values if everything else [],
            "undo": everything and row["latest"], "back": everything and row["action"] != "delete" and not row["latest"]}


def _values(before: Any, after: Any) -> list[tuple[str, Any, Any]]:
    old, new = (value if isinstance(value, dict) else {"": value} if value is not None else {} for value in (before, after))
    return [(name, old.get(name), new.get(name)) for name in dict.fromkeys([*old, *new])]


def _text(given: str | None) -> str | None:
    return given.strip()[:200].replace("\0", "") or None if given else None


def _since(given: str | None) -> datetime | None:
    """Read ``24h`` or a day. Raises ParameterError."""
    if not given:
        return None
    if given in SPANS:
        return datetime.now(UTC) - SPANS[given]
    try:
        moment = datetime.fromisoformat(given)
    except ValueError:
        raise ParameterError(say("since는 1h, 24h, 7d, 30d 또는 2026-01-31", "since is 1h, 24h, 7d, 30d or 2026-01-31")) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=SEOUL)


def _before(given: str | None) -> int | None:
    if not given:
        return None
    if not (given.isascii() and given.isdigit()) or int(given[:20]) > LARGEST:
        raise ParameterError(say("before는 줄 번호입니다", "before is the number of a line"))
    return int(given)
