"""The published matrix of routes and roles: `python -m tests.web.rights_page` writes docs/web-rights.md."""

from __future__ import annotations

from pathlib import Path

from scheduler.settings import Settings
from scheduler.web.app import make_app
from scheduler.web.rights import Role, matrix

PAGE = Path(__file__).resolve().parents[2] / "docs" / "web-rights.md"
HEAD = """# Who may do what on the web

Generated from the routes themselves by `python -m tests.web.rights_page`; a test fails when this page is out of date.

| role | may |
|---|---|
| none | see that the process lives, log in, use the set-up link, fetch the files of the pages (`/scheduler/static`) |
| viewer | see the pages and read the API, secrets masked; not the audit log, users, tokens and forms of changes |
| operator | and: run now, pause, resume, cancel, retry, free a lock; read who did what in the audit log |
| admin | and: create, edit, delete and restore jobs; users, tokens, settings; values and addresses in the audit log |

A path that is spelt otherwise (capitals, doubled slashes, encoded dots, a slash at its end) is another path: it answers 404,
or the answer of whichever route it does match. A person's change needs the token of their session beside the cookie; a
program's needs its bearer token, and a cookie beside that is not read.

| method | path | none | viewer | operator | admin |
|---|---|---|---|---|---|
"""


def text() -> str:
    """Return the page for the routes there are."""
    lines = []
    for method, path, role in sorted(routes(), key=lambda each: (each[1], each[0])):
        marks = ["✓" if role is None else "–", *("✓" if role is None or role <= asked else "–" for asked in Role)]
        lines.append(f"| {method} | `{path}` | {' | '.join(marks)} |")
    return HEAD + "\n".join(lines) + "\n"


def routes() -> list[tuple[str, str, Role | None]]:
    """Return every route with its role; nothing is connected to."""
    return matrix(make_app(Settings(database_url="postgresql://nowhere/none"), "postgresql://nowhere/none"))


if __name__ == "__main__":
    PAGE.write_text(text(), encoding="utf-8")
