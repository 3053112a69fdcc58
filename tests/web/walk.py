"""All pages there are, the shop and the people to walk through them with, and a browser that is logged in."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
from playwright.sync_api import ConsoleMessage, Page, Response

from scheduler.protocol.forecast import foresee
from scheduler.web.people import COOKIE, digest
from tests.web.browser import chromium, faults, hangul, strays_sideways, window
from tests.web.people import add_user
from tests.web.shop import stock_shop

# Name → address; ids are those of the shop. Each is seen by an admin who is logged in.
PAGES = {
    "overview": "/scheduler", "card": "/scheduler/card", "more": "/scheduler/more", "problems": "/scheduler/problems",
    "jobs": "/scheduler/jobs", "jobs-none": "/scheduler/jobs?q=zzz", "jobs-failing": "/scheduler/jobs?q=수집",
    "jobs-bulk": "/scheduler/jobs-bulk?action=run&all=1", "jobs-bulk-pause": "/scheduler/jobs-bulk?action=pause&id=1&id=2",
    "job": "/scheduler/jobs/1", "job-history": "/scheduler/jobs/1?tab=history", "job-calendar": "/scheduler/jobs/1?tab=calendar",
    "job-revisions": "/scheduler/jobs/1?tab=revisions", "job-why": "/scheduler/jobs/1?tab=why",
    "job-failing": "/scheduler/jobs/3", "job-paused": "/scheduler/jobs/5", "job-invalid": "/scheduler/jobs/9",
    "job-never-run": "/scheduler/jobs/10",
    "job-new": "/scheduler/jobs/new", "job-edit": "/scheduler/jobs/1/edit", "job-edit-times": "/scheduler/jobs/2/edit",
    "job-edit-cron": "/scheduler/jobs/3/edit", "job-reschedule": "/scheduler/job/1/reschedule", "job-run": "/scheduler/job/1/run",
    "job-pause": "/scheduler/job/1/pause", "job-resume": "/scheduler/job/5/resume", "job-delete": "/scheduler/job/1/delete",
    "executions": "/scheduler/executions", "executions-failed": "/scheduler/executions?status=failed",
    "executions-retry": "/scheduler/executions/retry-all?status=failed", "executions-cancel": "/scheduler/executions/cancel-all",
    "execution": "/scheduler/executions/1", "execution-failed": "/scheduler/executions/FAILED",
    "execution-running": "/scheduler/executions/RUNNING", "execution-queued": "/scheduler/executions/QUEUED",
    "calendar": "/scheduler/calendar", "calendar-past": "/scheduler/calendar?week=2026-02-16",
    "calendar-day": "/scheduler/calendar/day/TODAY", "calendar-days": "/scheduler/calendar/days",
    "overlays": "/scheduler/calendar/overlays", "overlay": "/scheduler/calendar/overlays/1",
    "locks": "/scheduler/locks", "nodes": "/scheduler/nodes", "handlers": "/scheduler/handlers", "markets": "/scheduler/markets",
    "workflows": "/scheduler/workflows", "workflow": "/scheduler/workflows/1", "settings": "/scheduler/settings",
    "users": "/scheduler/users", "tokens": "/scheduler/tokens", "audit": "/scheduler/audit", "me": "/scheduler/me",
    "help": "/scheduler/help", "help-error": "/scheduler/help/errors/conflict", "api": "/scheduler/api",
    "nowhere": "/scheduler/job",
}
# Further addresses of a page that is among them already: other states of what it shows.
VARIANTS = {"jobs-none", "jobs-failing", "jobs-bulk-pause", "job-failing", "job-paused", "job-invalid", "job-never-run",
            "job-edit-times", "job-edit-cron", "executions-failed", "execution-failed", "execution-queued", "calendar-past"}
# Seen by strangers: while nobody has an account, and then.
FIRST_DOORS = {"setup": "/scheduler/setup/the-link", "login-first": "/login"}
DOORS = {"login": "/login"}

ADMIN, VIEWER = "kim", "lee"
MARKETS = (Path(__file__).parent / "markets.sql").read_bytes()
FILL = """
INSERT INTO schedule_workflows (name, steps, schedule)
VALUES ('아침 수집', '[{"name": "orders", "job_type": "order_collection"},
                       {"name": "report", "job_type": "report_generation", "after": ["orders"]}]',
        '{"mode": "recurring", "every": "daily", "at": "09:00"}');
UPDATE schedule_jobs SET timeout_minutes = 45, owner = 'min' WHERE id = 1;
INSERT INTO audit_log (actor, role, via, address, action, object, object_name, before, after, trace_id)
SELECT 'kim', 'admin', via, '127.0.0.1', action, object, name, before::jsonb, after::jsonb, 'cafe'
  FROM (VALUES ('web', 'session.begin', 'user:1', NULL, NULL, NULL), ('cli', 'node.drain', 'node:a', NULL, NULL, NULL),
               ('rest', 'job.run', 'job:1', 'A', NULL, '{"execution_id": 1}'),
               ('web', 'job.edit', 'job:1', 'A', '{"owner": null}', '{"owner": "min"}'))
    AS done (via, action, object, name, before, after);
"""
MARKS = """
SELECT (SELECT max(id) FROM job_executions WHERE status = 'failed') AS failed,
       (SELECT max(id) FROM job_executions WHERE status = 'running') AS running,
       (SELECT max(id) FROM job_executions WHERE status = 'queued') AS queued,
       (now() AT TIME ZONE 'Asia/Seoul')::date AS today
"""


def invite(connection: psycopg.Connection[Any]) -> None:
    """Add a set-up link, which is good while nobody has an account."""
    connection.execute("INSERT INTO web_invitations (hash) VALUES (%s)", (digest("the-link"),))


def open_doors(connection: psycopg.Connection[Any]) -> None:
    """Add an admin and a viewer, both logged in."""
    for name, role in ((ADMIN, "admin"), (VIEWER, "viewer")):
        number = add_user(connection, name, role)
        connection.execute("INSERT INTO web_sessions (hash, user_id, csrf) VALUES (%s, %s, %s)",
                           (digest(cookie_of(name)), number, f"guard-of-{name}"))


def fill(connection: psycopg.Connection[Any]) -> None:
    """Fill an empty database with the shop, its markets and a workflow, and foresee what is coming, as a daemon does."""
    stock_shop(connection)
    connection.execute(MARKETS)
    connection.execute(FILL)
    with ThreadPoolExecutor(1) as apart:  # a browser's loop may be running in this thread
        apart.submit(lambda: asyncio.run(_foresee(connection))).result()


async def _foresee(connection: psycopg.Connection[Any]) -> None:
    secret = connection.info.password or None
    async with await psycopg.AsyncConnection.connect(connection.info.dsn, password=secret, autocommit=True) as own:
        while await foresee(own):
            pass


def addresses(connection: psycopg.Connection[Any]) -> dict[str, str]:
    """Return all pages of an admin, with the ids and the day of this database in their addresses."""
    found = connection.execute(MARKS).fetchone()
    assert found is not None
    marks = dict(zip(("FAILED", "RUNNING", "QUEUED", "TODAY"), (str(each or 999) for each in found), strict=True))

    def filled(path: str) -> str:
        for mark, value in marks.items():
            path = path.replace(mark, value)
        return path

    return {name: filled(path) for name, path in PAGES.items()}


def cookie_of(name: str) -> str:
    """Return the secret of the session that `open_doors` has made."""
    return f"the session of {name}"


def log_in(page: Page, url: str, name: str) -> None:
    """Go on as *name*."""
    page.context.add_cookies([{"name": COOKIE, "value": cookie_of(name), "url": url}])


# Language, theme, and which of the two widths comes first: over the four pairs a page is wide and narrow in each language
# and in each theme.
PAIRS = [("ko", "light", 0), ("ko", "dark", 1), ("en", "light", 1), ("en", "dark", 0)]
WIDE = 1280
NARROW = {"ko": 360, "en": 320}
# Names that a shop typed, and words in its rows, stay as they were typed.
DATA = (
    "[^\n]*(?:민지|도윤|수집|동기화|백업|보고서|손으로만|실행 안 됨|가격 변경|따옴표|새 주문|인증 만료|블랙프라이데이|임시공휴일"
    "|점검|주문 |한국)"
    "[^\n]*"
)
BUTTON = "button:not([type=button])"
FILL_IN = """([selector, values]) => {
  const form = document.querySelector(selector);
  form.noValidate = true;
  for (const [name, value] of Object.entries(values)) for (const field of form.querySelectorAll(`[name="${name}"]`)) {
    if (field.type === "radio") field.checked = field.value === value;
    else field.value = value;
  }
}"""
PRESS = """([selector, button]) => {
  const form = document.querySelector(selector);
  form.requestSubmit(form.querySelector(button));
}"""


class Walk:
    """One way through the pages in one language and theme; each is looked at as it is loaded, wide and narrow by turns.

    found  what is amiss, by the name of the page
    """

    def __init__(self, page: Page, url: str, language: str, turn: int) -> None:
        self.page, self.url, self.language, self.turn = page, url, language, turn
        self.found: dict[str, list[str]] = {}
        self._wrong: list[str] = []
        self._seen: set[str] = set()
        page.on("pageerror", lambda error: self._wrong.append(str(error)))
        page.on("console", self._said)

    def go(self, name: str, path: str, status: int = 200) -> None:
        """Load a page and look at it."""
        answer = self.load(name, path)
        self.look(name, answer, status)

    def load(self, name: str, path: str) -> Response | None:
        """Load a page in the width whose turn it is."""
        assert name not in self._seen
        width = WIDE if (len(self._seen) + self.turn) % 2 == 0 else NARROW[self.language]
        self._seen.add(name)
        self._wrong.clear()
        self.page.set_viewport_size({"width": width, "height": 900})
        return self.page.goto(path, wait_until="load")

    def enter(self, name: str) -> None:
        """Go on as somebody who is logged in."""
        log_in(self.page, self.url, name)

    def send(self, name: str, path: str, form: str, status: int, button: str = BUTTON, /, **fields: str) -> None:
        """Load a page, fill in one of its forms past the browser's own checks, send it, and look at the answer."""
        self.load(name, path)
        self.page.evaluate(FILL_IN, [form, fields])
        self.answered(name, form, status, button)

    def answered(self, name: str, form: str, status: int, button: str = BUTTON, **fields: str) -> None:
        """Send a form as it stands, but for *fields*, and look at the answer."""
        self.page.evaluate(FILL_IN, [form, fields])
        with self.page.expect_navigation(wait_until="load") as navigation:
            self.page.evaluate(PRESS, [form, button])
        self.look(name, navigation.value, status)

    def look(self, name: str, answer: Response | None, status: int) -> None:
        """Write down all that is amiss on the page as it is now."""
        here = faults(self.page)
        if answer is None or answer.status != status:
            here.append(f"status {answer.status if answer else 'none'}, not {status}")
        if strays_sideways(self.page):
            here.append(f"wider than the window of {self.page.viewport_size}")
        if self.language == "en":
            here += [f"Hangul: {line[:120]}" for line in hangul(self.page, DATA)]
        here += self._wrong
        if here:
            self.found[name] = here

    def _said(self, message: ConsoleMessage) -> None:
        """Note an error of the console; that the page itself was refused is no error of the page."""
        own = message.text.startswith("Failed to load resource") and message.location["url"] in (self.page.url, *self.forgiven)
        if message.type == "error" and not own:
            self._wrong.append(f"{message.text} {message.location['url']}")

    @property
    def forgiven(self) -> tuple[str, ...]:
        """Addresses that may fail without a word: both are asked again, until the database is there."""
        return f"{self.url}/scheduler/events", f"{self.url}/readyz"


def walk_all(url: str, steps: Callable[[Walk], None]) -> None:
    """Take the same steps in every language and theme, two at a time; nothing may be amiss on any page."""
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda pair: _walk(url, steps, *pair), PAIRS))
    lines = [f"{name}: {line}" for each in found for name, here in each.items() for line in here]
    assert not lines, "\n".join(lines)


def _walk(url: str, steps: Callable[[Walk], None], language: str, theme: str, turn: int) -> dict[str, list[str]]:
    reaches: list[str] = []
    with chromium() as browser, window(browser, url, language=language, theme=theme, reaches=reaches) as page:
        walk = Walk(page, url, language, turn)
        steps(walk)
    strays = [each for each in reaches if not each.startswith((f"{url}/", "data:", "blob:"))]
    found = {**walk.found, **({"elsewhere": strays} if strays else {})}
    return {f"{language} {theme} {name}": each for name, each in found.items()}
