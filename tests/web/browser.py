"""A real browser, without a network of its own, and what is looked for on every page."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

CHROMIUM = next((Path(path) for path in ("/usr/bin/chromium", "/usr/bin/chromium-browser") if Path(path).exists()), None)
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
             "--disable-component-update", "--disable-sync",
             "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1"]
AXE = (Path(__file__).parent / "axe-4.14.1.min.js").read_text(encoding="utf-8")
RULES = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]},
         "resultTypes": ["violations"], "preload": False}
HANGUL = re.compile("[\uac00-\ud7a3\u3131-\u318e]")

needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine: apt install chromium fonts-nanum")


@contextmanager
def chromium() -> Iterator[Browser]:
    """Open Debian's chromium."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def window(
    browser: Browser, url: str, *, token: str | None = None, language: str = "ko", theme: str = "light", width: int = 1280,
    reaches: list[str] | None = None, **given: Any,
) -> Iterator[Page]:
    """Open a window.

    token    sent with every request in place of a login
    reaches  gathers every address that is asked for; those of other machines are not answered
    """
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    context: BrowserContext = browser.new_context(
        base_url=url, locale="ko-KR" if language == "ko" else "en-US", color_scheme="dark" if theme == "dark" else "light",
        viewport={"width": width, "height": 900}, extra_http_headers={**headers, "Accept-Language": language}, **given,
    )
    # Listened to, not held up: what is held up goes by the browser's cache, and every page fetches all files again.
    if reaches is not None:
        context.on("request", lambda request: reaches.append(request.url))
    try:
        yield context.new_page()
    finally:
        context.close()


def faults(page: Page) -> list[str]:
    """Return what axe-core objects to on the page as it is now."""
    page.evaluate(AXE)
    found = page.evaluate(f"async () => (await axe.run(document, {json.dumps(RULES)})).violations")
    return [f"{each['id']}: {node['html'][:160]} {'; '.join(check['message'] for check in node['any'][:2])}"
            for each in found for node in each["nodes"][:3]]


def strays_sideways(page: Page) -> bool:
    """Say whether the page is wider than the window."""
    return bool(page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth + 1"))


def hangul(page: Page, allowed: str = "") -> list[str]:
    """Return the lines of the page with Hangul in them that is not data: data is what *allowed* matches."""
    words = page.evaluate("document.body.innerText + '\\n' + [...document.querySelectorAll('[aria-label],[title],[placeholder]')]"
                          ".map(e => [e.ariaLabel, e.title, e.placeholder].join(' ')).join('\\n')")
    rest = re.sub(allowed, "", words) if allowed else words
    return [line.strip() for line in rest.splitlines() if HANGUL.search(line)]
