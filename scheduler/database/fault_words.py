"""What the database says of rows, in Korean: its MESSAGE is English that programs may rely on, and people read these words.

A fault keeps the name of its column in front, so that a form finds the field it belongs to. One that is not known here stays
as it is.
"""

from __future__ import annotations

import re

from scheduler.words import language, say

# A fault may hold such a clause itself.
BETWEEN_FAULTS = re.compile(r"; (?!\d+ are set|at most \d|write |midnight |known: |known are |with an interval |set a later )")
LABEL = r"(?P<label>(?:step (?:'[^']*'|\d+)|schedule): )?"

# By pattern of a whole fault; the first that fits speaks.
KOREAN: tuple[tuple[re.Pattern[str], str], ...] = tuple((re.compile(LABEL + pattern, re.DOTALL), korean) for pattern, korean in (
    (r"(\w+) is empty", "{0} 항목이 비었습니다"),
    (r"name has (\d+) characters; at most (\d+)", "name 이름이 {0}자입니다. {1}자까지 쓸 수 있습니다"),
    (r"name contains a control character or a line break", "name 이름에 제어 문자나 줄바꿈이 있습니다"),
    (r"name (.+) is a number and would be taken for an id", "name 이름 {0}은(는) 숫자라서 번호로 읽힙니다"),
    (r"name is not a text of 1 to 90 characters(?: without commas)?", "name 이름은 1자에서 90자까지, 쉼표 없이 쓰세요"),
    (r"the name is there twice", "name 이름이 두 번 있습니다"),
    (r"job_type (.+): use letters, digits and _ \. : - \(at most 100\)",
     "job_type {0}: 영문자, 숫자, _ . : - 만 100자까지 쓸 수 있습니다"),
    (r"at most one of interval, specific_times, cron_expression, run_at; (\d+) are set",
     "interval, specific_times, cron_expression, run_at 중 하나만 쓸 수 있는데 {0}개가 있습니다"),
    (r"(\w+) (.+) is not between the years (\d+) and (\d+)", "{0} {1}: {2}년에서 {3}년 사이여야 합니다"),
    (r"(\w+) is not between the years (\d+) and (\d+)", "{0} 값은 {1}년에서 {2}년 사이여야 합니다"),
    (r"run_at is not a moment between the years (\d+) and (\d+)", "run_at 시각은 {0}년에서 {1}년 사이여야 합니다"),
    (r"start_at and end_at lie between the years (\d+) and (\d+)", "start_at과 end_at은 {0}년에서 {1}년 사이여야 합니다"),
    (r"timeout_minutes (.+) is not between 0 and 10080 \(a week\)",
     "timeout_minutes {0}: 0보다 크고 10080분(1주) 이하여야 합니다"),
    (r"timeout_minutes is not a number between 0 and 10080 \(a week\)",
     "timeout_minutes 값은 0보다 크고 10080분(1주) 이하인 수입니다"),
    (r"(\w+) is not a whole number between (\S+) and (\S+)", "{0} 값은 {1}에서 {2} 사이의 정수입니다"),
    (r"(\w+) (.+) is not between (.+) and (.+)", "{0} {1}: {2}에서 {3} 사이여야 합니다"),
    (r"specific_times is a table, not a list; write (.+)", "specific_times 값은 표가 아니라 목록입니다. {0}처럼 쓰세요"),
    (r"specific_times is empty or contains NULL", "specific_times 시각이 비었거나 NULL이 있습니다"),
    (r"specific_times has more than (\d+) times of day", "specific_times 시각은 {0}개까지 쓸 수 있습니다"),
    (r"specific_times contains 24:00; midnight is 00:00", "specific_times 시각에 24:00이 있습니다. 자정은 00:00입니다"),
    (r"cron_expression is empty or longer than (\d+) characters", "cron_expression 크론식이 비었거나 {0}자보다 깁니다"),
    (r"cron_expression cannot be read", "cron_expression 크론식을 읽을 수 없습니다"),
    (r"timezone (.+) is not known; write a name such as Asia/Seoul or UTC",
     "timezone {0}: 모르는 시간대입니다. Asia/Seoul이나 UTC처럼 쓰세요"),
    (r"calendar (.+) is not known; known: (.+)", "calendar {0}: 모르는 달력입니다. 있는 것: {1}"),
    (r"calendar (.+) is not known", "calendar {0}: 모르는 달력입니다"),
    (r"market_codes and tags are lists, not tables; write (.+)", "market_codes와 tags는 표가 아니라 목록입니다. {0}처럼 쓰세요"),
    (r"market_codes holds something that is not a market code such as .+",
     "market_codes 마켓 코드가 아닌 것이 있습니다. coupang, naver, 11st처럼 쓰세요"),
    (r"market_codes names a market twice", "market_codes 같은 마켓이 두 번 있습니다"),
    (r"parameters is a JSON (\w+), not an object", "parameters 매개변수가 JSON 객체가 아니라 {0}입니다"),
    (r"parameters takes? (\d+) bytes; at most (\d+)", "parameters 매개변수가 {0}바이트입니다. {1}바이트까지 쓸 수 있습니다"),
    (r"parameters take more than (\d+) bytes", "parameters 매개변수는 {0}바이트까지 쓸 수 있습니다"),
    (r"parameters cannot be read: (.+)", "parameters 매개변수를 읽을 수 없습니다: {0}"),
    (r"parameters: (.+)", "parameters 매개변수: {0}"),
    (r"days_of_week is empty or longer than (\d+) characters; write .+",
     "days_of_week 요일이 비었거나 {0}자보다 깁니다. mon-fri나 sat,sun처럼 쓰세요"),
    (r"days_of_week, start_at, end_at and max_runs need interval, specific_times or cron_expression",
     "days_of_week, start_at, end_at, max_runs는 interval, specific_times, cron_expression 중 하나와 함께 씁니다"),
    (r"end_at (.+) is before start_at (.+)", "end_at {0}: start_at {1}보다 앞섭니다"),
    (r"on_holiday (\w+) moves fixed times; with an interval write run or skip",
     "on_holiday {0}: 정해진 시각만 옮길 수 있습니다. 주기에는 run이나 skip을 쓰세요"),
    (r"on_holiday previous and next do not go with day 29 or 30; write last",
     "on_holiday previous, next는 29일·30일과 함께 쓸 수 없습니다. last를 쓰세요"),
    (r"paused_until needs status paused, not (.+)", "paused_until 값은 상태가 paused일 때만 씁니다. 지금은 {0}"),
    (r"pause_reason has more than (\d+) characters", "pause_reason 이유는 {0}자까지 쓸 수 있습니다"),
    (r"(\w+) (\S+|'.*') is not ([\w, ]+ or \w+)", "{0} {1}: {2} 중 하나여야 합니다"),
    (r"no live node knows job type (.+)", "작업 유형 {0}을(를) 아는 살아 있는 노드가 없습니다"),
    (r"no planned time is left before end_at", "end_at 전에 남은 예정 시각이 없습니다"),
    (r"no planned time is left: see .+",
     "남은 예정 시각이 없습니다. days_of_week, start_at, end_at, calendar와 기간 설정을 보세요"),
    (r"run_at (.+) had passed when the job was last edited; set a later one, or run it by hand",
     "run_at {0}: 작업을 마지막으로 고쳤을 때 이미 지난 시각입니다. 더 늦은 시각을 쓰거나 손으로 실행하세요"),
    (r"the row cannot be planned: (.+)", "이 행으로 예정 시각을 정할 수 없습니다: {0}"),
    (r"cannot be planned: (.+)", "예정 시각을 정할 수 없습니다: {0}"),
))
SENTENCES: tuple[tuple[re.Pattern[str], str], ...] = tuple((re.compile(pattern, re.DOTALL), korean) for pattern, korean in (
    (r"job (.+?) cannot be saved: (.+)", "작업 {0}을(를) 저장할 수 없습니다: {1}"),
    (r"workflow (.+?) cannot be saved: (.+)", "워크플로우 {0}을(를) 저장할 수 없습니다: {1}"),
    (r"a job would wait for itself: (.+)", "작업이 자기 자신을 기다리게 됩니다: {0}"),
    (r"calendar (.+) would be its own base", "달력 {0}이(가) 자기 자신을 바탕으로 하게 됩니다"),
    (r"only an admin writes the statement of a job of type (.+)", "{0} 유형 작업의 SQL 문은 관리자만 쓸 수 있습니다"),
    (r"audit_log is written once and not changed", "감사 기록(audit_log)은 한 번 적히고 바뀌지 않습니다"),
))
# PostgreSQL's own, by SQLSTATE: said first, its English after it.
OF_STATE: dict[str, tuple[str, str]] = {
    "57014": ("너무 오래 걸려 그만두었습니다", "it took too long and was given up"),
    "55P03": ("다른 일이 끝나기를 기다리다 그만두었습니다", "something else holds it, and waiting for that was given up"),
    "40P01": ("동시에 바꾸는 일이 서로 막았습니다", "changes at the same time blocked each other"),
    "40001": ("그사이 다른 일이 같은 것을 바꾸었습니다", "something else has changed the same meanwhile"),
    "42501": ("데이터베이스 사용자에게 그럴 권한이 없습니다", "the user of the database may not do that"),
    "22001": ("글이 너무 깁니다", "a text is too long"),
    "22003": ("수가 너무 큽니다", "a number is too large"),
    "22007": ("날짜나 시각으로 읽을 수 없습니다", "it cannot be read as a day or a moment"),
    "22008": ("날짜나 시각이 범위를 벗어났습니다", "a day or a moment is out of range"),
    "22P02": ("값을 읽을 수 없습니다", "a value cannot be read"),
    "22021": ("쓸 수 없는 글자가 있습니다", "it holds a character that is not taken"),
    "23502": ("꼭 있어야 하는 값이 없습니다", "a value is missing"),
    "23505": ("이미 있습니다", "it exists already"),
    "53300": ("데이터베이스의 연결이 모두 쓰이고 있습니다", "all connections of the database are taken"),
}
HANGUL = re.compile("[가-힣]")
QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")


def split_faults(detail: str) -> list[str]:
    """Return the faults that a trigger lists in its DETAIL, one by one."""
    return BETWEEN_FAULTS.split(detail) if detail else []


def in_words(text: str) -> str:
    """Return a fault, or the sentence around it, in the reader's language; the same for the ``last_error`` of a job."""
    if language() != "ko":
        return text
    for pattern, korean in SENTENCES:
        found = pattern.fullmatch(text)
        if found is not None:
            return say(korean.format(*map(_fault, found.groups())), text)
    return "; ".join(map(_fault, split_faults(text)))


def of_state(state: str, text: str) -> tuple[str, ...]:
    """Return what PostgreSQL itself said, *text*, as lines: in the reader's language first where that is not English."""
    words = in_words(text)
    if language() != "ko" or words != text or HANGUL.search(QUOTED.sub("", text)) or state not in OF_STATE:
        return (words,)
    return say(*OF_STATE[state]), f"PostgreSQL: {text}"


def _fault(text: str) -> str:
    for pattern, korean in KOREAN:
        found = pattern.fullmatch(text)
        if found is not None:
            label, *parts = found.groups()
            return say((label or "").replace("step ", "단계 ", 1).replace("schedule: ", "일정: ") + korean.format(*parts), text)
    return text
