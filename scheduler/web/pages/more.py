"""`/scheduler/more`: what the menu has no room for, on a phone all but the four pages of its bar."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from scheduler.web.render import page
from scheduler.web.rights import Role, viewer
from scheduler.words import say

router = APIRouter(include_in_schema=False)


@router.get("/scheduler/more", dependencies=[viewer])
def more(request: Request) -> Response:
    """Show the way to all other pages, to each person those they may open."""
    return page(request, "more.html", places=places(request.state.person.role))


def places(role: str) -> list[tuple[str, str, str]]:
    """Return address, name and one line about each page that *role* may open, but for those of a phone's bar."""
    may = Role[role.upper()]
    found = [
        ("/scheduler/calendar", say("달력", "Calendar"),
         say("언제 무엇이 얼마나 실행되는지", "When what runs, and how much of it")),
        ("/scheduler/markets", say("마켓", "Markets"), say("호출 한도, 점검, 빠진 주문, 재고 차이",
                                                         "Budgets, maintenance, missing orders, stock that differs")),
        ("/scheduler/nodes", say("노드", "Nodes"), say("실행하는 컴퓨터, 쉬게 하기", "The machines that run jobs; rest one")),
        ("/scheduler/locks", say("잠금", "Locks"), say("지금 실행 중인 작업의 잠금을 보고 풉니다",
                                                     "See and free the locks of running jobs")),
        ("/scheduler/handlers", say("처리기", "Handlers"), say("작업 유형과 매개변수", "Job types and their parameters")),
        ("/scheduler/workflows", say("워크플로우", "Workflows"), say("순서대로 이어지는 작업들",
                                                                     "Jobs that follow one another")),
        ("/scheduler/calendar/overlays", say("기간 설정", "Overlays"),
         say("행사 기간에 더 자주 실행하거나 멈춥니다", "Run more often, or not at all, for a period")),
        ("/scheduler/calendar/days", say("쉬는 날", "Holidays"), say("공휴일과 직접 넣은 날",
                                                                  "Public holidays and days of one's own")),
        ("/scheduler/me", say("내 설정", "My settings"), say("언어, 색, 단축키, 비밀번호",
                                                          "Language, colours, shortcuts, password")),
        ("/scheduler/settings", say("설정", "Settings"), say("서비스의 설정 값", "The settings of the service")),
        ("/scheduler/api", "REST API", say("프로그램에서 쓰는 법", "How programs use it")),
        ("/scheduler/help", say("도움말", "Help"), say("단축키, 낱말, SQL 예제", "Keys, words, SQL to paste")),
    ]
    if may >= Role.OPERATOR:
        found.append(("/scheduler/audit", say("감사 기록", "Audit log"), say("누가 언제 무엇을 했는지, 되돌리기",
                                                                        "Who did what and when; undo")))
    if may >= Role.ADMIN:
        found += [
            ("/scheduler/users", say("사용자", "Users"), say("로그인하는 사람과 권한", "Who may log in, and as what")),
            ("/scheduler/tokens", say("토큰", "Tokens"), say("REST를 부르는 프로그램의 토큰",
                                                           "Tokens of programs that call REST")),
        ]
    return found
