"""Contact sheets of the pages: ``python -m tests.web.screens FOLDER [--pages jobs,job]``.

For each page NAME-360.png (its four looks side by side) and NAME-1280.png (two by two): Korean and English, light and dark,
over the rows of the shop.
"""

from __future__ import annotations

import argparse
import base64
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from playwright.sync_api import Browser, Page

from scheduler.database.migrate import migrate
from tests.support.cluster import Cluster
from tests.web.browser import chromium, window
from tests.web.conftest import Web
from tests.web.walk import ADMIN, DOORS, FIRST_DOORS, PAGES, addresses, fill, invite, log_in, open_doors

LOOKS = [(language, theme) for language in ("ko", "en") for theme in ("light", "dark")]


@dataclass(frozen=True)
class Sheet:
    """How the looks of a page at one width are laid out.

    most   the height at which a page is cut off
    shown  the width at which it is shown
    """

    width: int
    most: int
    shown: int
    columns: int


SHEETS = (Sheet(360, 1600, 360, 4), Sheet(1280, 1400, 900, 2))


def main() -> None:
    """Write the sheets that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pages", default="", help=f"comma-separated, of: {', '.join([*PAGES, *DOORS, *FIRST_DOORS])}")
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    wanted = [name for name in given.pages.split(",") if name] or [*PAGES, *DOORS, *FIRST_DOORS]

    def some(pages: dict[str, str]) -> dict[str, str]:
        return {name: path for name, path in pages.items() if name in wanted}

    with serving() as (url, connection), chromium() as browser:
        invite(connection)
        write(browser, url, some(FIRST_DOORS), given.folder, known=False)
        open_doors(connection)
        write(browser, url, some(DOORS), given.folder, known=False)
        fill(connection)
        write(browser, url, some(addresses(connection)), given.folder, known=True)


@contextmanager
def serving() -> Iterator[tuple[str, psycopg.Connection[Any]]]:
    """Serve a database of its own, empty. Yields where, and a connection to it."""
    server = Cluster()
    try:
        server.start()
        with psycopg.connect(server.dsn(), autocommit=True) as connection, tempfile.TemporaryDirectory() as folder:
            migrate(connection)
            site = Web(server.dsn(), Path(folder))
            try:
                yield site.url, connection
            finally:
                site.close()
    finally:
        server.remove()


def write(browser: Browser, url: str, pages: dict[str, str], folder: Path, *, known: bool) -> None:
    """Write the sheets of pages, as an admin sees them or as a stranger does."""
    for sheet in SHEETS if pages else ():
        with ExitStack() as opened:
            windows = [opened.enter_context(window(browser, url, language=language, theme=theme, width=sheet.width))
                       for language, theme in LOOKS]
            for each in windows if known else ():
                log_in(each, url, ADMIN)
            width = sheet.columns * (sheet.shown + 12) + 12
            composed = opened.enter_context(browser.new_context(viewport={"width": width, "height": 600})).new_page()
            for name, path in pages.items():
                for each in windows:
                    each.goto(path, wait_until="load")
                compose(composed, [picture(each, sheet) for each in windows], sheet)
                composed.screenshot(path=folder / f"{name}-{sheet.width}.png", full_page=True)


def picture(page: Page, sheet: Sheet) -> str:
    """Take the page from its top. Returns it as an address of its own."""
    height = min(sheet.most, int(page.evaluate("document.documentElement.scrollHeight")))
    width = max(sheet.width, int(page.evaluate("document.documentElement.scrollWidth")))
    taken = page.screenshot(full_page=True, clip={"x": 0, "y": 0, "width": width, "height": height})
    return "data:image/png;base64," + base64.b64encode(taken).decode()


def compose(page: Page, pictures: list[str], sheet: Sheet) -> None:
    """Lay pictures side by side."""
    images = "".join(f'<figure><figcaption>{language} · {theme}</figcaption><img src="{each}" width="{sheet.shown}"></figure>'
                     for each, (language, theme) in zip(pictures, LOOKS, strict=True))
    page.set_content(
        "<style>body{margin:12px;background:#888;font:14px sans-serif;display:grid;align-items:start;gap:12px;"
        f"grid-template-columns:repeat({sheet.columns},{sheet.shown}px)}}figure{{margin:0}}img{{display:block}}</style>{images}",
        wait_until="load")


if __name__ == "__main__":
    main()
