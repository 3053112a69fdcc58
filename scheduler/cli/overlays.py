"""`erp-scheduler overlays`: a sale, a migration: for a while jobs come more often or not at all, and it ends by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from scheduler.cli import exit_codes
from scheduler.cli.grammar import Stop, both, chosen, command, noun
from scheduler.cli.output import hint, moment, print_json, print_table, show
from scheduler.cli.session import change, database
from scheduler.words import say

if TYPE_CHECKING:
    from psycopg import Connection

app = noun("overlays", "행사 기간에 자주 실행하거나 잠시 멈춥니다", "Run more often, or not at all, for a period")
Name = Annotated[str, typer.Argument(help=both("이름 또는 번호", "Name or number"))]
SHOWN = 20


@command(app, "add", "기간 설정을 넣습니다", "Add an overlay")
def add(
    name: Annotated[str, typer.Argument(help=both("이름", "Name"))],
    start: Annotated[str, typer.Option("--from", metavar="'2026-11-27 00:00'", help=both("시작", "From this moment"))],
    end: Annotated[str, typer.Option("--to", metavar="'2026-11-30 00:00'", help=both(
        "끝 (포함하지 않음)", "Until this moment, not included"))],
    times: Annotated[float | None, typer.Option(metavar="3", help=both(
        "주기 작업을 몇 배 자주 (0.5: 절반)", "Intervals come so many times as often (0.5: half)"))] = None,
    stop: Annotated[bool, typer.Option("--stop", help=both("실행하지 않음", "Nothing runs"))] = False,
    type_: Annotated[list[str] | None, typer.Option("--type", help=both("이 유형만", "Only these types"))] = None,
    market: Annotated[list[str] | None, typer.Option(help=both("이 마켓만", "Only these markets"))] = None,
    tag: Annotated[list[str] | None, typer.Option(help=both("이 태그만", "Only these tags"))] = None,
    reason: Annotated[str | None, typer.Option(help=both("이유", "Reason"))] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help=both("넣지 않고 미리 봄", "Only show what it would do"))] = False,
) -> None:
    """Add an overlay and say how many runs it makes of how many."""
    from scheduler.cli.schedule_flags import read_moment
    from scheduler.queries.overlays import add_overlay

    if (times is None) is not stop:
        raise Stop(exit_codes.USAGE, say("--times N 또는 --stop 하나를 쓰세요", "give --times N or --stop"))
    overlay: dict[str, Any] = {
        "name": name, "starts_at": read_moment(start, None), "ends_at": read_moment(end, None),
        "action": "stop" if stop else "multiply", "factor": times, "job_types": _words(type_), "market_codes": _words(market),
        "tags": _words(tag), "reason": reason,
    }
    with database() as connection, connection.transaction(force_rollback=dry_run), change(connection):
        made = add_overlay(connection, overlay)
        runs = _preview(connection, made)
    if chosen().json:
        print_json({**made, "id": None if dry_run else made["id"], "dry_run": dry_run, "jobs": runs})
        return
    word = say("미리 보기 (넣지 않음)", "preview, not added") if dry_run else say("넣었습니다", "added")
    show(f"{say('기간 설정', 'overlay')} {made['name']}: {word} ({_action(made)}, {_period(made)})")
    _show_runs(runs)


def _words(texts: list[str] | None) -> list[str]:
    return [word for text in texts or [] for word in (part.strip() for part in text.split(",")) if word]


def _preview(connection: Connection[Any], overlay: Any) -> list[Any]:
    from scheduler.queries.overlays import preview

    return preview(connection, overlay)


def _action(overlay: Any) -> str:
    if overlay["action"] == "stop":
        return say("멈춤", "stop")
    return say(f"{overlay['factor']:g}배 자주", f"{overlay['factor']:g} times as often")


def _period(overlay: Any) -> str:
    return f"{moment(overlay['starts_at'])[:16]} ~ {moment(overlay['ends_at'])[:16]}"


def _show_runs(runs: list[Any]) -> None:
    before, after = sum(each["before"] for each in runs), sum(each["after"] for each in runs)
    more = "+" if any(each["capped"] for each in runs) else ""
    show(say(f"작업 {len(runs)}개, 그 기간의 실행 {before}{more}번 → {after}{more}번",
             f"{len(runs)} job{'s' * (len(runs) != 1)}, {before}{more} runs in the period → {after}{more}"))
    changed = [each for each in runs if each["before"] != each["after"]]
    changed.sort(key=lambda each: -abs(each["after"] - each["before"]))
    if changed:
        print_table(changed[:SHOWN], [
            ("ID", lambda row: row["job_id"]),
            (say("이름", "NAME"), lambda row: row["name"]),
            (say("그대로면", "WITHOUT"), lambda row: f"{row['before']}{'+' if row['capped'] else ''}"),
            (say("이 설정이면", "WITH"), lambda row: f"{row['after']}{'+' if row['capped'] else ''}"),
        ], empty="")
    if len(changed) > SHOWN:
        show(say(f"… 외 {len(changed) - SHOWN}개", f"… and {len(changed) - SHOWN} more"))
    if runs and not changed:
        hint(say("바뀌는 실행이 없습니다. --times는 주기(interval) 작업에만 쓰입니다",
                 "no run changes; --times is for interval jobs only"))


@command(app, "preview", "기간 설정이 무엇을 바꾸는지", "Show what an overlay changes")
def preview(name: Name) -> None:
    """Count the runs in the period of an overlay, without and with it."""
    from scheduler.queries.overlays import find_overlay

    with database() as connection:
        found = find_overlay(connection, name)
        runs = _preview(connection, found)
    if chosen().json:
        print_json({**found, "jobs": runs})
        return
    show(f"{say('기간 설정', 'overlay')} {found['name']}: {_action(found)}, {_period(found)}")
    _show_runs(runs)


@command(app, "list", "기간 설정 목록", "List the overlays")
def list_() -> None:
    """List the overlays."""
    from scheduler.queries.overlays import list_overlays

    states = {"now": ("지금", "now"), "coming": ("예정", "coming"), "over": ("끝남", "over"), "off": ("꺼짐", "off")}
    with database() as connection:
        found = list_overlays(connection)
    if chosen().json:
        print_json(found)
        return
    print_table(found, [
        ("ID", lambda row: row["id"]),
        (say("상태", "STATE"), lambda row: say(*states[row["state"]])),
        (say("이름", "NAME"), lambda row: row["name"]),
        (say("동작", "WHAT"), _action),
        (say("기간", "PERIOD"), _period),
        (say("대상", "FOR"), _filters),
        (say("이유", "REASON"), lambda row: row["reason"] or ""),
    ], empty=say("기간 설정이 없습니다. 넣기", "no overlays; add one") + ": erp-scheduler overlays add --help")


def _filters(overlay: Any) -> str:
    parts = [*overlay["job_types"], *overlay["market_codes"], *(f"#{tag}" for tag in overlay["tags"])]
    return ", ".join(parts) or say("모두", "all")


@command(app, "remove", "기간 설정을 지웁니다", "Remove an overlay")
def remove(name: Name) -> None:
    """Remove an overlay; the jobs go on as their own rows say."""
    from scheduler.queries.overlays import find_overlay, remove_overlay

    with database() as connection:
        found = find_overlay(connection, name)
        with change(connection):
            remove_overlay(connection, found["id"])
    if chosen().json:
        print_json(found)
        return
    show(say(f"기간 설정 {found['name']}: 지웠습니다", f"overlay {found['name']}: removed"))
