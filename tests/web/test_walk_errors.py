"""Every refusal and every trouble as a page, in every theme and language, wide and narrow: axe objects to nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from scheduler.web.pages import locks
from tests.web.browser import needs_chromium
from tests.web.conftest import Web
from tests.web.walk import ADMIN, VIEWER, Walk, addresses, fill, invite, open_doors, walk_all

pytestmark = needs_chromium
NOT_FOUND = {
    "no-job": "/scheduler/jobs/99999", "no-execution": "/scheduler/executions/99999", "no-workflow": "/scheduler/workflows/99999",
    "no-overlay": "/scheduler/calendar/overlays/99999", "no-page": "/scheduler/jobz", "no-edit": "/scheduler/jobs/99999/edit",
    "no-run": "/scheduler/job/99999/run", "no-bulk": "/scheduler/bulk/nonsense",
}
NOT_ALLOWED = {
    "may-not-make": "/scheduler/jobs/new", "may-not-edit": "/scheduler/jobs/1/edit", "may-not-run": "/scheduler/job/1/run",
    "may-not-users": "/scheduler/users", "may-not-retry": "/scheduler/executions/retry-all?status=failed",
}
TROUBLED = ("overview", "card", "nodes", "jobs", "job", "job-why", "more")
SAVE = "button.main[value=save]"


@pytest.fixture
def site(database: str, connection: psycopg.Connection[Any], tmp_path: Path) -> Iterator[Web]:
    open_doors(connection)
    fill(connection)
    made = Web(database, tmp_path)
    yield made
    made.close()


def test_what_is_not_there_and_what_one_may_not(site: Web, connection: psycopg.Connection[Any]) -> None:
    invite(connection)
    connection.execute("UPDATE web_invitations SET expires_at = now() - interval '1 minute'")

    def steps(walk: Walk) -> None:
        walk.go("old-link", "/scheduler/setup/the-link", 404)
        walk.send("wrong-password", "/login", "main form", 401, name=f"nobody {walk.turn}", password="a wrong one")
        walk.enter(VIEWER)
        for name, path in NOT_ALLOWED.items():
            walk.go(name, path, 403)
        walk.enter(ADMIN)
        for name, path in NOT_FOUND.items():
            walk.go(name, path, 404)

    walk_all(site.url, steps)


def test_forms_with_faults(site: Web) -> None:
    def steps(walk: Walk) -> None:
        walk.enter(ADMIN)
        walk.send("empty-job", "/scheduler/jobs/new", "#job-form", 422, SAVE, name="")
        walk.send("job-with-faults", "/scheduler/jobs/new", "#job-form", 422, SAVE, name="x", job_type="order_collection",
                  kind="cron", cron="99 99 * *", timeout="soon", retries="-3")
        walk.send("edit-with-faults", "/scheduler/jobs/1/edit", "#job-form", 422, SAVE, kind="every", every="whenever")
        walk.send("no-moment", "/scheduler/job/1/reschedule", "#job-form", 422, SAVE, kind="every", every="whenever")
        walk.send("run-with-faults", "/scheduler/job/1/run", "form.act", 422, **{"p.days": "-1"})
        walk.send("pause-until-then", "/scheduler/job/1/pause", "form.act", 422, until="2001-01-01 00:00", **{"for": ""})
        walk.send("weak-password", "/scheduler/users", "form.card", 422, name="choi", password="1", again="2")
        walk.send("token-without-name", "/scheduler/tokens", "form.card", 422, name="")
        walk.send("overlay-with-faults", "/scheduler/calendar/overlays", "form[action='/scheduler/calendar/overlays']", 422,
                  name="", starts_at="later", ends_at="sooner")
        walk.send("wrong-present-password", "/scheduler/me", "form[action='/scheduler/me/password']", 422, present="wrong",
                  password="correct horse battery", again="correct horse battery")

    walk_all(site.url, steps)


def test_what_somebody_else_changed_meanwhile(site: Web, database: str) -> None:
    def steps(walk: Walk) -> None:
        walk.enter(ADMIN)
        with psycopg.connect(database, autocommit=True) as other:
            walk.load("number-changed", "/scheduler/jobs-bulk?action=run&all=1&q=수집")
            other.execute("INSERT INTO schedule_jobs (name, job_type) VALUES (%s, 'noop')",
                          (f"수집 {walk.language} {walk.turn}",))
            walk.answered("number-changed", "form[action^='/scheduler/jobs-bulk']", 409)
            walk.load("edited-meanwhile", "/scheduler/jobs/2/edit")
            other.execute("UPDATE schedule_jobs SET description = %s WHERE id = 2", (f"of {walk.language} {walk.turn}",))
            walk.answered("edited-meanwhile", "#job-form", 409, SAVE, description="mine")

    walk_all(site.url, steps)


def test_a_failure_of_ours_is_told_with_the_number_of_its_trace(site: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr(locks, "page", fail)

    def steps(walk: Walk) -> None:
        walk.enter(ADMIN)
        answer = walk.load("failure", "/scheduler/locks")
        assert re.search(r"\b[0-9a-f]{16}\b", walk.page.inner_text("main"))
        walk.look("failure", answer, 500)

    walk_all(site.url, steps)


@pytest.mark.parametrize("trouble", [
    "UPDATE scheduler_nodes SET state = 'stopped'",
    "UPDATE scheduler_nodes SET seen_at = now() - interval '1 hour'",
    "UPDATE schedule_jobs SET next_run_at = now() - interval '1 hour' WHERE status = 'active'",
], ids=["stopped", "lost", "overdue"])
def test_while_the_daemon_is_in_trouble(site: Web, connection: psycopg.Connection[Any], trouble: str) -> None:
    connection.execute(trouble)
    pages = addresses(connection)

    def steps(walk: Walk) -> None:
        walk.enter(ADMIN)
        for name in TROUBLED:
            walk.go(name, pages[name])

    walk_all(site.url, steps)
