"""The states of jobs and executions: an icon and a word, so that no colour is needed to tell them apart."""

from __future__ import annotations

from markupsafe import Markup

from scheduler.words import say

STATES: dict[str, tuple[str, str, str]] = {
    "success": ("✓", "성공", "Succeeded"),
    "failed": ("✕", "실패", "Failed"),
    "timed_out": ("◷", "시간 초과", "Timed out"),
    "lost": ("?", "유실", "Lost"),
    "running": ("▶", "실행 중", "Running"),
    "queued": ("…", "대기", "Queued"),
    "skipped": ("↷", "건너뜀", "Skipped"),
    "cancelled": ("⊘", "취소", "Cancelled"),
    "paused": ("❚❚", "일시정지", "Paused"),
    "active": ("●", "활성", "Active"),
    "invalid": ("!", "설정 오류", "Invalid"),
    "completed": ("■", "끝남", "Completed"),
}


def status_icon(status: str) -> str:
    """Return the icon of *status*."""
    return STATES[status][0] if status in STATES else "·"


def status_word(status: str) -> str:
    """Say *status* in the language of the request; one that is unknown here stays as it is."""
    if status not in STATES:
        return status
    _icon, korean, english = STATES[status]
    return say(korean, english)


def status_badge(status: str | None) -> Markup:
    """Return the badge of *status*: icon and word, coloured by its class; a dash for none."""
    if status is None:
        return Markup("–")
    return Markup('<span class="badge {}"><span aria-hidden="true">{}</span> {}</span>').format(
        status, status_icon(status), status_word(status))
