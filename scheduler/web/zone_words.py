"""The mark of a time that is not Korean: a clock of New York looks like one of Seoul, twelve hours away."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from markupsafe import Markup

from scheduler.words import say

SEOUL = ZoneInfo("Asia/Seoul")


def zone_mark(moment: datetime | None, zone: str) -> Markup:
    """Return the short name of *zone* at *moment* with the Korean time on hover; nothing for Seoul's, and for no moment."""
    if moment is None or zone == SEOUL.key:
        return Markup("")
    local = moment.astimezone(ZoneInfo(zone))
    korean = f"{moment.astimezone(SEOUL):%m-%d %H:%M}"
    return Markup(' <abbr class="zone" title="{}">{}</abbr>').format(
        f"{zone} · {say(f'한국 {korean}', f'{korean} in Seoul')}", short_name(local))


def short_name(local: datetime) -> str:
    """Return what people there call the zone: ``EST``; zones without letters by their distance from UTC."""
    name, apart = local.tzname() or "", f"{local:%z}"
    return name if name.isalpha() else f"UTC{apart[:3]}" + ("" if apart.endswith("00") else f":{apart[3:5]}")
