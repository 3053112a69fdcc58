"""Pages out of templates, in the person's language and zone; the last good one is kept for when PostgreSQL is away."""

from __future__ import annotations

import re
import time
from collections import OrderedDict
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from babel.dates import format_timedelta
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import HTMLResponse

from scheduler import __version__
from scheduler.web import sending
from scheduler.web.deed_lines import deed_lines
from scheduler.web.people import Person
from scheduler.web.status_words import status_badge, status_icon, status_word
from scheduler.words import language, say

FOLDER = Path(__file__).parent
SEOUL = ZoneInfo("Asia/Seoul")
KEPT_PAGES = 200
OUTAGE_MARK = "<!--outage-->"
DATE = re.compile(r"(?<!\d)\d{4}-\d{2}-\d{2}(?!\d)")
MENU = ("jobs", "executions", "calendar", "markets", "nodes")

_kept: OrderedDict[tuple[str, ...], tuple[float, str]] = OrderedDict()


@lru_cache(maxsize=1)
def environment() -> Environment:
    """Return the templates, each variable escaped, each unknown one an error."""
    made = Environment(
        loader=FileSystemLoader(FOLDER / "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True, auto_reload=False,
    )
    made.globals.update(say=say, language=language, version=__version__, with_query=with_query, static=static, badge=status_badge,
                        status_icon=status_icon, status_word=status_word, deed_lines=deed_lines, section=section)
    made.filters.update(ago=ago, moment=moment, clock=clock, duration=duration, number=number, whole_dates=whole_dates)
    for name in made.list_templates():
        made.get_template(name)  # all of them now: files that an upgrade puts in their place belong to the next process
    return made


def page(request: Request, template: str, status: int = 200, **values: Any) -> HTMLResponse:
    """Render *template* for whoever asks. Every template knows person, csrf, path, query, now."""
    html = environment().get_template(template).render(**_common(request), **values)
    if status == 200 and request.method == "GET":
        _keep(request, html)
    return HTMLResponse(html, status)


def _common(request: Request) -> dict[str, Any]:
    person: Person | None = getattr(request.state, "person", None)
    theme = person.theme if person is not None else "auto"
    return {
        "request": request, "person": person, "csrf": sending.token_for(request, person),
        "theme": theme, "path": request.url.path, "query": dict(request.query_params), "now": datetime.now(UTC),
        "may_operate": person is not None and person.role in ("operator", "admin"),
        "may_admin": person is not None and person.role == "admin",
    }


# -- while PostgreSQL is away -------------------------------------------------------------------------------------------


def _key(request: Request) -> tuple[str, ...]:
    person: Person | None = getattr(request.state, "person", None)
    return (person.actor if person else "", str(request.url.path), str(request.url.query), language())


def _keep(request: Request, html: str) -> None:
    key = _key(request)
    _kept.pop(key, None)
    _kept[key] = time.monotonic(), html
    if len(_kept) > KEPT_PAGES:
        _kept.popitem(last=False)


def last_page(request: Request) -> HTMLResponse | None:
    """Return what was shown last at this address, greyed and with its age; None when nothing was."""
    since, html = _kept.get(_key(request), (0.0, None))
    if html is None:
        return None
    banner = environment().get_template("parts/outage.html").render(age=timedelta(seconds=time.monotonic() - since))
    return HTMLResponse(html.replace(OUTAGE_MARK, banner).replace('data-state="live"', 'data-state="stale"'), 503,
                        {"Retry-After": "5"})


# -- words ----------------------------------------------------------------------------------------------------------------


def ago(moment_: datetime | None, now: datetime | None = None) -> str:
    """Say how far *moment_* is from now: ``12분 전``, ``in 3 minutes``; a dash for none."""
    if moment_ is None:
        return "–"
    apart = moment_ - (now or datetime.now(UTC))
    return format_timedelta(apart, add_direction=True, threshold=1.2, locale=language())


def moment(moment_: datetime | None, zone: str | ZoneInfo = SEOUL) -> Markup:
    """Show a moment in *zone* as a <time>: the whole of it on hover, relative words beside it are the caller's."""
    if moment_ is None:
        return Markup("–")
    local = moment_.astimezone(ZoneInfo(zone) if isinstance(zone, str) else zone)
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        moment_.isoformat(), f"{local:%Y-%m-%d %H:%M:%S %Z}", f"{local:%m-%d %H:%M}")


def whole_dates(words: str) -> Markup:
    """Keep the dates in *words* from being broken at their hyphens where lines are short."""
    return Markup(DATE.sub(r'<span class="nowrap">\g<0></span>', str(escape(words))))


def clock(moment_: datetime | None, zone: str | ZoneInfo = SEOUL) -> str:
    """Show the time of day of a moment."""
    if moment_ is None:
        return "–"
    return f"{moment_.astimezone(ZoneInfo(zone) if isinstance(zone, str) else zone):%H:%M:%S}"


def duration(milliseconds: float | None) -> str:
    """Say how long: ``0.4초``, ``3분 20초``."""
    if milliseconds is None:
        return "–"
    seconds = milliseconds / 1000
    if seconds < 10:
        return say(f"{seconds:.1f}초", f"{seconds:.1f} s")
    minutes, rest = divmod(round(seconds), 60)
    if not minutes:
        return say(f"{rest}초", f"{rest} s")
    hours, minutes = divmod(minutes, 60)
    if not hours:
        return say(f"{minutes}분", f"{minutes} min") + (say(f" {rest}초", f" {rest} s") if rest else "")
    return say(f"{hours}시간", f"{hours} h") + (say(f" {minutes}분", f" {minutes} min") if minutes else "")


def number(value: float | None) -> str:
    """Group the digits of a number; a dash for none."""
    return "–" if value is None else f"{value:,}"


def with_query(query: Mapping[str, Any], **changes: Any) -> str:
    """Return the query string of *query* with *changes*; None takes a name away. Every filter is an address."""
    merged = {name: value for name, value in {**query, **changes}.items() if value not in (None, "")}
    return "?" + urlencode(merged, doseq=True) if merged else "?"


def section(path: str) -> str:
    """Return the address of the entry of the main menu that the page at *path* belongs to."""
    part = path.removeprefix("/scheduler").strip("/").partition("/")[0]
    if part in ("", "problems"):
        return "/scheduler"
    return "/scheduler/" + {"job": "jobs"}.get(part, part if part in MENU else "more")


@lru_cache(maxsize=64)
def static(name: str) -> str:
    """Return the address of a file of ours; it changes with the file, so that browsers may keep it for ever."""
    import hashlib

    stamp = hashlib.sha256((FOLDER / "static" / name).read_bytes()).hexdigest()[:12]
    return f"/scheduler/static/{name}?v={stamp}"
