"""The states of jobs and executions: an icon and a word, so that no colour is needed to tell them apart. Roles, doors, events."""

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


ROLES = {"viewer": ("보기", "viewer"), "operator": ("운영", "operator"), "admin": ("관리", "admin")}
DOORS = {
    "web": ("화면", "web"), "rest": ("REST", "REST"), "cli": ("명령줄", "command line"), "python": ("Python", "Python"),
    "sql": ("SQL", "SQL"), "daemon": ("데몬", "daemon"),
}
EVENTS = {
    "stock.sold_out": ("품절", "sold out"), "stock.low": ("재고 부족", "low stock"),
    "stock.refused": ("재고 거절됨", "stock refused"), "price.refused": ("가격 거절됨", "price refused"),
    "orders.gap": ("주문 빠짐", "orders missing"),
    "market.maintenance": ("마켓 점검", "market closed"),
}


def role_word(role: str | None) -> str:
    """Say what somebody may do; one that is unknown here stays as it is."""
    return say(*ROLES[role]) if role in ROLES else role or ""


def door_word(via: str | None) -> str:
    """Say through which door somebody came."""
    return say(*DOORS[via]) if via in DOORS else via or ""


def event_word(kind: str) -> str:
    """Name a kind of what one should know of the markets."""
    return say(*EVENTS[kind]) if kind in EVENTS else kind
