"""Why a planned time moves or does not run, in Korean and in English."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from scheduler.rules.calendars import Calendar
from scheduler.rules.days import ENGLISH, KOREAN
from scheduler.rules.zones import local_time, open_zone
from scheduler.words import particles


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason.

    kind  holiday, day_off, moved, overlay, ended, max_runs or paused
    """

    kind: str
    ko: str
    en: str


def closed(calendar: Calendar, day: date) -> Reason:
    """Say for what *day* is closed."""
    korean, english = calendar.words(day) or ("", "")
    return Reason("holiday" if calendar.is_holiday(day) else "day_off", f"쉬는 날: {korean}", f"closed: {english}")


def moved(calendar: Calendar, day: date, target: datetime, is_merged: bool) -> Reason:
    """Say for what a time of *day* moves, and to which local time; merged when another runs then anyway."""
    korean, english = calendar.words(day) or ("", "")
    when_ko = f"{target:%m-%d}({KOREAN[target.weekday()]}) {target:%H:%M}"
    when_en = f"{ENGLISH[target.weekday()][:3]} {target:%m-%d %H:%M}"
    if is_merged:
        return Reason("moved", f"{korean}: {when_ko} 실행과 합침", f"{english}: one with the run of {when_en}")
    return Reason("moved", particles(f"{korean}: {when_ko}(으)로 옮김"), f"{english}: moved to {when_en}")


def overlaid(name: str) -> Reason:
    """Say that an overlay stops the job."""
    return Reason("overlay", f"기간 설정 '{name}' 동안 멈춤", f"stopped by the overlay '{name}'")


def ended(end: datetime, timezone: str) -> Reason:
    """Say that the schedule has come to its end."""
    return Reason("ended", f"{_clock(end, timezone)}에 끝남", f"ended at {_clock(end, timezone)}")


def used_up() -> Reason:
    """Say that max_runs allows no more."""
    return Reason("max_runs", "정한 횟수를 모두 실행함", "max_runs allows no more")


def paused(until: datetime | None, why: str | None, timezone: str) -> Reason:
    """Say that the job is paused, until when and why as far as that is known."""
    korean = "정지됨" if until is None else f"{_clock(until, timezone)}까지 정지됨"
    english = "paused" if until is None else f"paused until {_clock(until, timezone)}"
    return Reason("paused", f"{korean}: {why}" if why else korean, f"{english}: {why}" if why else english)


def _clock(moment: datetime, timezone: str) -> str:
    return f"{local_time(moment, open_zone(timezone)):%Y-%m-%d %H:%M}"
