"""What the audit log calls things, in words: deeds, objects, and the list of deeds to choose from."""

from __future__ import annotations

import re
from collections.abc import Mapping

from scheduler.words import say

Words = tuple[str, str]

NOUNS: Mapping[str, Words] = {
    "job": ("작업", "Job"), "execution": ("실행", "Execution"), "lock": ("잠금", "Lock"), "workflow": ("워크플로우", "Workflow"),
    "overlay": ("기간 설정", "Overlay"), "calendar": ("달력", "Calendar"), "node": ("노드", "Node"),
    "session": ("로그인", "Log-in"), "user": ("사용자", "User"), "token": ("토큰", "Token"), "setting": ("설정", "Setting"),
    "search": ("저장한 검색", "Saved search"), "file": ("파일", "File"),
}
DEEDS: Mapping[str, Words] = {
    "job.run": ("작업 실행", "job run"),
    "job.add": ("작업 만듦 (REST)", "job made (REST)"), "job.make": ("작업 만듦", "job made"),
    "job.edit": ("작업 고침", "job edited"),
    "job.pause": ("작업 일시정지", "job paused"), "job.resume": ("작업 재개", "job resumed"),
    "job.reschedule": ("작업 일정 바꿈", "job rescheduled"), "job.duplicate": ("작업 복사", "job copied"),
    "job.backfill": ("지난 기간 실행", "job run for a past period"), "job.restore": ("작업 되돌림", "job set back"),
    "job.remove": ("작업 지움", "job deleted"), "job.purge": ("작업과 기록 지움", "job deleted with its history"),
    "job.snooze": ("알림 끔", "alerts snoozed"), "job.unsnooze": ("알림 다시 켬", "alerts on again"),
    "job.import": ("작업 가져옴", "job imported"),
    "execution.make": ("유형을 바로 실행", "type run at once"), "execution.cancel": ("실행 취소", "execution cancelled"),
    "execution.retry": ("실행 다시 시도", "execution retried"), "file.read": ("파일 받음", "file downloaded"),
    "lock.release": ("잠금 풂", "lock released"),
    "workflow.save": ("워크플로우 저장", "workflow saved"), "workflow.run": ("워크플로우 실행", "workflow run"),
    "workflow.pause": ("워크플로우 일시정지", "workflow paused"), "workflow.resume": ("워크플로우 재개", "workflow resumed"),
    "workflow.cancel": ("워크플로우 취소", "workflow cancelled"), "workflow.remove": ("워크플로우 지움", "workflow deleted"),
    "workflow.import": ("워크플로우 가져옴", "workflow imported"),
    "overlay.add": ("기간 설정 만듦", "overlay made"), "overlay.set": ("기간 설정 저장 (REST)", "overlay saved (REST)"),
    "overlay.end": ("기간 설정 끝냄", "overlay ended"), "overlay.remove": ("기간 설정 지움", "overlay deleted"),
    "overlay.delete": ("기간 설정 지움 (REST)", "overlay deleted (REST)"),
    "overlay.import": ("기간 설정 가져옴", "overlay imported"),
    "calendar.make": ("달력 만듦", "calendar made"), "calendar.set": ("달력 저장 (REST)", "calendar saved (REST)"),
    "calendar.delete": ("달력 지움", "calendar deleted"), "calendar.day_add": ("쉬는 날·영업일 넣음", "day added"),
    "calendar.day": ("쉬는 날·영업일 넣음 (REST)", "day added (REST)"),
    "calendar.day_remove": ("넣은 날 지움", "day removed"), "calendar.day_removed": ("넣은 날 지움 (REST)", "day removed (REST)"),
    "calendar.import": ("달력 가져옴", "calendar imported"),
    "node.drain": ("노드 비움", "node drained"), "node.undrain": ("노드가 다시 작업 받음", "node takes work again"),
    "session.begin": ("로그인", "logged in"), "session.end": ("로그아웃", "logged out"),
    "user.create": ("사용자 만듦", "user made"), "user.role": ("권한 바꿈", "role changed"),
    "user.disable": ("사용자 막음", "user disabled"), "user.enable": ("사용자 다시 허용", "user enabled"),
    "user.password": ("비밀번호 바꿈", "password changed"), "user.sessions": ("로그인 끝냄", "sessions ended"),
    "token.create": ("토큰 만듦", "token made"), "token.revoke": ("토큰 폐기", "token revoked"),
    "setting.change": ("설정 바꿈", "setting changed"),
    "search.share": ("검색 공유", "search shared"), "search.remove": ("공유한 검색 지움", "shared search removed"),
}
EDITS: Mapping[str, Words] = {
    "insert": ("만듦", "made"), "update": ("고침", "edited"), "delete": ("지움", "deleted"), "restore": ("되돌림", "set back"),
}


def deed_word(action: str) -> str:
    """Say what was done; a deed that is unknown here keeps its name."""
    return say(*DEEDS[action]) if action in DEEDS else action


def edit_word(action: str) -> str:
    """Say what became of a job's row."""
    return say(*EDITS[action]) if action in EDITS else action


def object_word(object_: str) -> str:
    """Name what it was done to: ``작업 17`` for ``job:17``."""
    noun, colon, rest = object_.partition(":")
    return f"{say(*NOUNS[noun])} {rest}" if colon and noun in NOUNS else object_


def object_asked(text: str) -> str:
    """Read what people type for an object: ``작업 17``, ``Job 17`` and ``17`` are job:17; all else stays as it is."""
    found = re.fullmatch(r"(.*?)\s*#?(\d{1,18})", text.strip())
    if found is None or ":" in text:
        return text
    named = {word.casefold(): noun for noun, both in NOUNS.items() for word in (noun, *both)} | {"": "job"}
    noun = named.get(found[1].casefold())
    return text if noun is None else f"{noun}:{found[2]}"


def deeds_to_choose(chosen: str) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return the known deeds by what they are done to: a heading, then value and words, its first one for all of them.

    chosen  what the address asks for: it is offered, too, when it is none of them
    """
    groups = []
    for noun, words in NOUNS.items():
        own = [(action, say(*both)) for action, both in DEEDS.items() if action.partition(".")[0] == noun]
        name = say(*words)
        groups.append((name, [(noun, say(f"{name}: 모두", f"{name}: all")), *own]))
    if chosen and chosen not in DEEDS and chosen not in NOUNS:
        groups.insert(0, (say("고른 것", "Chosen"), [(chosen, chosen)]))
    return groups


def edits_to_choose(chosen: str) -> list[tuple[str, str]]:
    """Return the kinds of edits: value and words."""
    known = [(action, say(*both)) for action, both in EDITS.items()]
    return known if not chosen or chosen in EDITS else [(chosen, chosen), *known]
