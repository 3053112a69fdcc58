"""`/scheduler/help`: keys, words, SQL to paste; and what each problem of REST means."""

from __future__ import annotations

import re

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from scheduler.queries.rows import rows
from scheduler.web.place import place_of
from scheduler.web.problems import HELP, TITLES
from scheduler.web.render import page
from scheduler.web.rights import anyone, viewer
from scheduler.words import language, say

router = APIRouter(include_in_schema=False)
FUNCTIONS = "SELECT DISTINCT ON (name) name, ko, en, example FROM schedule_help() ORDER BY name, arguments"

KEYS: tuple[tuple[str, str, str], ...] = (
    ("?", "이 도움말", "This help"), ("/", "작업 찾기", "Find a job"), ("g o", "개요", "Overview"), ("g j", "작업", "Jobs"),
    ("g e", "실행", "Executions"), ("g c", "달력", "Calendar"), ("g l", "잠금", "Locks"), ("g n", "노드", "Nodes"),
    ("g h", "처리기", "Handlers"), ("g m", "마켓", "Markets"), ("j / k", "아래로 / 위로", "Down / up"), ("x", "고르기", "Select"),
    ("Enter", "열기", "Open"), ("r", "지금 실행", "Run now"), ("p", "일시정지·재개", "Pause or resume"), ("t", "다시 시도",
                                                                                              "Retry"),
    ("f", "로그 따라가기", "Follow the log"), (".", "메뉴 열기", "Open the menu"),
    ("Esc", "입력란이나 메뉴에서 나오기", "Leave a field or a menu"),
)
GLOSSARY: tuple[tuple[str, str, str, str], ...] = (
    ("작업", "job", "무엇을 언제 어느 마켓에 할지: schedule_jobs의 한 행",
     "what, when and for which markets: a row of schedule_jobs"),
    ("실행", "execution", "예정 시각 하나에 대한 시도 하나: job_executions의 한 행",
     "one attempt at one planned time: a row of job_executions"),
    ("작업 유형·처리기", "job type, handler", "일을 하는 함수와 그 이름", "the function that does the work, and its name"),
    ("예정 시각", "planned time", "일정이 정한 시각. 재시도해도 그대로",
     "the time that the schedule names; kept through retries"),
    ("계기", "trigger", "왜 실행되었는지: 일정, 손으로, 재시도, 놓친 것, 선행 작업, 소급",
     "why it exists: schedule, manual, retry, catchup, after a job, backfill"),
    ("건너뜀", "skipped", "실행하지 않고 넘긴 예정 시각과 그 이유", "a planned time that was not run, with the reason"),
    ("유실", "lost", "노드의 하트비트가 끊겨 결과를 모르는 실행", "its node's heartbeats stopped, so the result is unknown"),
    ("시간 초과", "timed out", "제한 시간을 넘겨 끝낸 실행", "ended because it went past its time limit"),
    ("잠금", "lock", "같은 작업이 두 번 실행되지 않게 하는 행", "the row that keeps a job from running twice at once"),
    ("노드", "node", "데몬 하나", "one daemon"),
    ("자리", "slot", "노드가 동시에 실행할 수 있는 수 하나", "one place in a node's pool"),
    ("기간 설정", "overlay", "정해진 기간에만 더 자주 실행하거나 멈춤", "more often, or not at all, for a period"),
)
SQL: tuple[tuple[str, str, str], ...] = (
    ("30분마다 실행하는 작업 만들기", "Make a job that runs every 30 minutes",
     "SELECT schedule_add_job('주문 수집', 'order_collection', every => '30m', markets => '{coupang,naver}');"),
    ("일시정지하고 두 시간 뒤 저절로 재개", "Pause, and go on by itself after two hours",
     "SELECT schedule_pause('주문 수집', until => now() + interval '2 hours', reason => '점검');"),
    ("지금 실행", "Run it now", "SELECT schedule_run_now('주문 수집');"),
    ("왜 실행되지 않았는지", "Why it did not run", "SELECT * FROM schedule_why('주문 수집');"),
    ("실행 시각 바꾸기", "Change when it runs",
     "SELECT schedule_reschedule('주문 수집', at => '{09:00,18:00}', on_holiday => 'skip');"),
    ("지금 손볼 것", "What needs somebody now", "SELECT ko, fix FROM schedule_problems;"),
    ("마지막 변경 되돌리기", "Undo the latest edit", "SELECT schedule_restore('주문 수집');"),
)
ENGLISH_NAMES = (("주문 수집", "orders"), ("점검", "maintenance"), ("잘못된 기간", "wrong period"), ("SELECT ko, fix",
                                                                                          "SELECT en, fix"))

# What a program meets: why, and what to do.
ERRORS: dict[str, tuple[str, str]] = {
    "not-logged-in": ("로그인하지 않았거나 토큰이 없거나 끝났습니다. Authorization: Bearer erps_… (erp-scheduler token create)",
                      "Nobody is logged in, or the token is missing or has ended. Send Authorization: Bearer erps_…; "
                      "to make one: erp-scheduler token create"),
    "forbidden": ("그 일에는 더 높은 권한이 필요하거나, 다른 사이트에서 온 요청입니다. 권한은 관리자가 정합니다.",
                  "The deed needs a higher role, or the request came from another site. An admin gives roles."),
    "database": ("PostgreSQL에 닿지 못했습니다. 잠시 뒤(Retry-After) 다시 하세요. 확인: erp-scheduler doctor",
                 "PostgreSQL could not be reached. Try again after Retry-After; to look into it: erp-scheduler doctor"),
    "not-found": ("그런 작업, 실행, 주소가 없습니다. 번호와 이름을 확인하세요.",
                  "There is no such job, execution or address. Check number and name."),
    "conflict": ("같은 이름이 이미 있거나, 보는 사이에 다른 사람이 바꾸었습니다. 다시 읽고 하세요.",
                 "The name exists already, or somebody changed it meanwhile. Read it again, then decide."),
    "not-now": ("지금 상태에서는 할 수 없습니다. hint에 먼저 할 일이 있습니다.",
                "The present state forbids it; the hint says what to do first."),
    "invalid": ("값이 맞지 않습니다. errors에 잘못된 곳과 이유가 있습니다.",
                "A value does not fit; errors names the places and the reasons."),
    "malformed": ("요청을 읽을 수 없습니다: JSON이나 커서가 깨졌습니다.",
                  "The request cannot be read: broken JSON, or a broken cursor."),
    "changed": ("If-Match의 판이 지금 것과 다릅니다. 다시 읽고 그 ETag로 보내세요.",
                "If-Match names another revision than the present one. Read it again and send its ETag."),
    "precondition": ("그사이 바뀐 것을 덮어쓰지 않도록 조건이 있어야 합니다. 먼저 읽고 그 ETag를 If-Match로 보내세요.",
                     "A condition is needed, so that nothing newer is overwritten: read it first and send its ETag as If-Match."),
    "too-large": ("요청이 1 MiB를 넘습니다. 나누어 보내세요.", "The request is larger than 1 MiB. Send it in parts."),
    "headers-too-large": ("주소와 헤더가 합쳐서 16 KiB를 넘습니다. 조건은 줄이고, 많은 값은 본문으로 보내세요.",
                          "Address and headers have more than 16 KiB together. Send fewer conditions, and much data as a body."),
    "unknown-host": ("다른 이름으로 온 요청은 받지 않습니다. "
                     "서버 설정 web_hosts(ERP_SCHEDULER_WEB_HOSTS)에 그 이름을 더하고 다시 시작하세요.",
                     "A request to another name is not taken. Add the name to the setting web_hosts (ERP_SCHEDULER_WEB_HOSTS) "
                     "and start the web process again."),
    "too-many": ("짧은 시간에 너무 많이 불렀습니다. Retry-After만큼 기다리세요.",
                 "Too many requests in a short time. Wait for Retry-After."),
    "method": ("그 주소는 이 HTTP 방법을 받지 않습니다. API 문서를 보세요.",
               "The address does not take this HTTP method; see the API reference."),
    "failed": ("예상하지 못한 오류입니다. trace_id로 웹 프로세스의 로그를 찾아보세요.",
               "An error nobody foresaw. Look for its trace_id in the log of the web process."),
}


@router.get("/scheduler/help", dependencies=[viewer])
def help_(request: Request) -> Response:
    """Show the help."""
    with place_of(request).reading() as connection:
        functions = rows(connection, FUNCTIONS)
    korean = language() == "ko"
    return page(
        request, "help.html", keys=[(key, say(ko, en)) for key, ko, en in KEYS],
        words=[(ko if korean else en, en if korean else None, say(say_ko, say_en)) for ko, en, say_ko, say_en in GLOSSARY],
        examples=[(say(ko, en), statement if korean else _english(statement)) for ko, en, statement in SQL],
        functions=[{"name": each["name"], "words": each["ko"] if korean else each["en"],
                    "example": each["example"] if korean else _english(each["example"] or "")} for each in functions],
        errors=sorted(TITLES), title_of=lambda code: TITLES[code](), address=HELP,
    )


@router.get(HELP + "{code}", dependencies=[anyone])
def error(request: Request, code: str) -> Response:
    """Say what a problem means: its ``type`` is this address."""
    if code not in TITLES:
        raise HTTPException(404)
    return page(request, "help_error.html", code=code, title=TITLES[code](), words=say(*ERRORS[code]) if code in ERRORS else "")


def _english(statement: str) -> str:
    """Put English names where an example has Korean ones."""
    for korean, english in ENGLISH_NAMES:
        statement = statement.replace(korean, english)
    return re.sub(r"'[^']*[가-힣][^']*'", "'…'", statement)
