"""`erp-scheduler calendar`: public holidays, days of one's own, and calendars beside the Korean one."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scheduler.cli import exit_codes
from scheduler.cli.grammar import Stop, both, chosen, command, noun
from scheduler.cli.output import hint, print_json, print_table, show
from scheduler.cli.session import change, database
from scheduler.words import language, say

if TYPE_CHECKING:
    from psycopg import Connection

app = noun("calendar", "공휴일과 쉬는 날을 보고 고칩니다", "See and change holidays and closed days")
Day = Annotated[str, typer.Argument(metavar="YYYY-MM-DD", help=both("날짜", "Day"))]
Calendar = Annotated[str, typer.Option("--calendar", "-c", metavar="kr", help=both("달력", "Calendar"))]
ABBREVIATIONS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
NONE = "none"


@command(app, "holidays", "한 해의 공휴일과 특별한 날", "The holidays and special days of a year")
def holidays(
    year: Annotated[int | None, typer.Argument(
        min=2000, max=2199, help=both("연도 (없으면 올해)", "Year (none: this one)"))] = None,
    calendar: Calendar = "kr",
) -> None:
    """List the special days of a calendar, those of the library and one's own."""
    from scheduler.queries.calendars import find_calendar, special_days

    with database() as connection:
        wanted = year or _today(connection).year
        found = special_days(find_calendar(connection, calendar), wanted)
    if chosen().json:
        print_json(found)
        return
    print_table(found, [
        (say("날짜", "DAY"), lambda row: row["day"].isoformat()),
        (say("요일", "WEEKDAY"), lambda row: weekday(row["day"])),
        (say("이름", "NAME"), lambda row: row["ko"] if language() == "ko" else row["en"]),
        ("", lambda row: "" if row["is_holiday"] else say("영업일", "open")),
        (say("출처", "FROM"), lambda row: say("직접 넣음", "own") if row["own"] else say("공휴일", "public")),
    ], empty=say(f"{wanted}년에 특별한 날이 없습니다", f"there are no special days in {wanted}"))
    hint(say("정부가 새로 정한 임시공휴일은 직접 넣으세요", "add what the government decides later")
         + f": erp-scheduler calendar add {wanted}-05-06 {say('임시공휴일', 'temporary')}")


def weekday(day: date) -> str:
    """Return the short name of a day of the week."""
    return say("월화수목금토일"[day.weekday()], ABBREVIATIONS[day.weekday()].capitalize())


def _today(connection: Connection[Any]) -> date:
    from zoneinfo import ZoneInfo

    from scheduler.queries.jobs import database_now

    today: date = database_now(connection).astimezone(ZoneInfo("Asia/Seoul")).date()
    return today


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise Stop(exit_codes.USAGE, say(
            f"'{text}'은(는) 날짜가 아닙니다. 2026-12-24처럼 쓰세요", f"'{text}' is not a day; write 2026-12-24")) from None


@command(app, "add", "쉬는 날(또는 영업일)을 넣습니다", "Close a day, or open one")
def add(
    day: Day, name: Annotated[str, typer.Argument(help=both("이름", "Name of the day"))], calendar: Calendar = "kr",
    open_: Annotated[bool, typer.Option("--open", help=both(
        "쉬지 않고 영업일로 (주말·공휴일이라도)", "An open day, even on a weekend or holiday"))] = False,
) -> None:
    """Close or open a day; jobs that go by the calendar are planned anew at once."""
    from scheduler.queries.calendars import add_day, jobs_concerned

    with database() as connection:
        with change(connection):
            made = add_day(connection, calendar, _day(day), name, not open_)
        concerned = jobs_concerned(connection, calendar)
    if chosen().json:
        print_json({**made, "jobs": concerned})
        return
    word = say("쉬는 날", "closed") if made["is_holiday"] else say("영업일", "open")
    show(f"{made['calendar']} {made['day']} ({weekday(made['day'])}) {made['name']}: {word}")
    _say_concerned(concerned)


def _say_concerned(jobs: int) -> None:
    hint(say(f"작업 {jobs}개를 다시 계획합니다", f"planned anew: {jobs} job{'s' * (jobs != 1)}") if jobs
         else say("이 달력을 쓰는 작업이 아직 없습니다", "no job goes by this calendar yet")
         + ": erp-scheduler jobs edit JOB --holidays skip")


@command(app, "remove", "직접 넣은 날을 지웁니다", "Forget a day of one's own")
def remove(day: Day, calendar: Calendar = "kr") -> None:
    """Forget a day that was added; the library's holidays stay."""
    from scheduler.queries.calendars import find_calendar, jobs_concerned, remove_day

    with database() as connection:
        find_calendar(connection, calendar)
        with change(connection):
            gone = remove_day(connection, calendar, _day(day))
        concerned = jobs_concerned(connection, calendar)
        closed = find_calendar(connection, calendar).closed(gone["day"])
    if chosen().json:
        print_json({**gone, "jobs": concerned})
        return
    now = say(f"쉬는 날 ({closed})", f"closed ({closed})") if closed else say("영업일", "open")
    show(say(f"{gone['calendar']} {gone['day']} {gone['name']}: 지웠습니다. 이제 {now}",
             f"{gone['calendar']} {gone['day']} {gone['name']}: forgotten, now {now}"))
    _say_concerned(concerned)


@command(app, "list", "달력 목록", "List the calendars")
def list_() -> None:
    """List the calendars."""
    from scheduler.queries.calendars import list_calendars

    with database() as connection:
        found = list_calendars(connection)
    if chosen().json:
        print_json(found)
        return
    print_table(found, [
        (say("이름", "NAME"), lambda row: row["name"]),
        (say("바탕", "BASE"), lambda row: row["base"] or ""),
        (say("나라", "COUNTRY"), lambda row: row["country"] or ""),
        (say("쉬는 요일", "CLOSED"), lambda row: row["closed_weekdays"] or "-"),
        (say("넣은 날", "DAYS"), lambda row: row["days"] or ""),
        (say("작업", "JOBS"), lambda row: row["jobs"] or ""),
        (say("설명", "DESCRIPTION"), lambda row: _spoken(row["description"])),
    ], empty=say("달력이 없습니다", "there are no calendars"))


def _spoken(text: str | None) -> str:
    """Take the wording of the language in force out of a description in both."""
    korean, slash, english = (text or "").partition(" / ")
    return korean if not slash else say(korean, english)


@command(app, "make", "달력을 만들거나, 말한 것만 고칩니다", "Make a calendar, or change of one what is given")
def make(
    name: Annotated[str, typer.Argument(help=both("이름", "Name"))],
    base: Annotated[str | None, typer.Option(metavar="kr", help=both(
        "바탕: 공휴일과 날짜를 물려받음 (none: 없음)", "Base, whose holidays and days it inherits, or none"))] = None,
    closed: Annotated[str | None, typer.Option(metavar="sat,sun", help=both(
        "쉬는 요일 (none: 없음, 새 달력의 기본값: sat,sun)", "Weekdays closed, or none (of a new calendar: sat,sun)"))] = None,
    description: Annotated[str | None, typer.Option(help=both("설명 (none: 없음)", "Description, or none"))] = None,
) -> None:
    """Make a calendar, or change the one of that name: only what is given."""
    from scheduler.queries.calendars import make_calendar

    said = {"base": base, "description": description}
    given = {column: None if text == NONE else text for column, text in said.items() if text is not None}
    if closed is not None:
        given["closed_weekdays"] = _weekdays(closed)
    with database() as connection, change(connection):
        made = make_calendar(connection, name, given)
    if chosen().json:
        print_json(made)
        return
    rest = made["closed_weekdays"] or say("없음", "none")
    show(say(f"달력 {made['name']}: 쉬는 요일 {rest}", f"calendar {made['name']}: closed on {rest}")
         + (f", {say('바탕', 'base')} {made['base']}" if made["base"] else ""))
    hint(f"→ erp-scheduler calendar holidays --calendar {made['name']}")


def _weekdays(text: str) -> str:
    from scheduler.rules.days import parse_days

    if text.strip().lower() in ("", NONE):
        return ""
    return ",".join(ABBREVIATIONS[number] for number in sorted(parse_days(text)))
