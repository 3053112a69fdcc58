"""`erp-scheduler workflows`: several steps with one schedule, saved from a file, run, tried out and cancelled."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from scheduler.cli import exit_codes
from scheduler.cli.grammar import Stop, both, chosen, command, noun
from scheduler.cli.listing import print_list, read_with_now
from scheduler.cli.output import hint, moment, print_fields, print_json, print_table, relative, show
from scheduler.cli.session import change, database
from scheduler.words import say

app = noun("workflows", "여러 단계의 워크플로우를 저장하고 실행합니다", "Save and run workflows of several steps")
Name = Annotated[str, typer.Argument(help=both("번호, 이름 또는 이름의 앞부분", "Id, name or the beginning of a name"))]
EXAMPLE = ('{"name": "morning", "schedule": {"mode": "recurring", "every": "daily", "at": "09:00"}, '
           '"steps": [{"name": "orders", "job_type": "order_collection"}, {"name": "stock", "job_type": "inventory_sync"}]}')


def mode_words(workflow: Any) -> str:
    """Say when a workflow runs, as far as its own row tells."""
    schedule = workflow["schedule"]
    if schedule["mode"] == "immediate":
        return say("저장할 때 한 번", "once, when saved")
    if schedule["mode"] in ("delayed", "scheduled"):
        return say(f"{moment(workflow['run_at'])} 한 번", f"once at {moment(workflow['run_at'])}")
    parts = [_when(schedule), _listed(schedule["at"]).replace(",", ", ")]
    if schedule.get("until"):
        parts.append(say(f"({schedule['until']}까지)", f"until {schedule['until']}"))
    if schedule.get("max_runs"):
        parts.append(say(f"({schedule['max_runs']}번)", f"({schedule['max_runs']} times)"))
    zone = schedule.get("timezone", "Asia/Seoul")
    return " ".join(parts if zone == "Asia/Seoul" else [*parts, f"({zone})"])


def _when(schedule: Any) -> str:
    """Say on which days: the database has judged them, so that what cannot be read here is shown as it was typed."""
    from scheduler.errors import ScheduleError
    from scheduler.rules.days import days_in_words, parse_days

    if schedule["every"] == "monthly":
        day = str(schedule["day"])
        if day in ("31", "last"):
            return say("매월 말일", "on the last day of each month")
        return say(f"매월 {day}일", f"monthly on day {day}")
    days = _listed(schedule.get("days"))
    try:
        return say(*days_in_words(parse_days(days))) if days else say("매일", "daily")
    except ScheduleError:
        return days


def _listed(value: Any) -> str:
    return "" if value is None else ",".join(map(str, value)) if isinstance(value, list) else str(value)


@command(app, "list", "워크플로우 목록", "List the workflows")
def list_() -> None:
    """List the workflows."""
    from scheduler.queries import workflows as queries

    found, now = read_with_now(queries.list_workflows)
    print_list(found, [
        ("ID", lambda row: row["id"]),
        (say("상태", "STATUS"), lambda row: f"{'⏸' if row['status'] == 'paused' else '●'} {row['status']}"),
        (say("이름", "NAME"), lambda row: row["name"]),
        (say("일정", "SCHEDULE"), mode_words),
        (say("단계", "STEPS"), lambda row: len(row["steps"])),
        (say("대기", "QUEUED"), lambda row: row["queued"] or ""),
        (say("실행 중", "RUNNING"), lambda row: row["running"] or ""),
        (say("실패", "FAILING"), lambda row: row["failing"] or ""),
        (say("마지막", "LAST"), lambda row: relative(row["last_run_at"], now)),
        (say("다음", "NEXT"), lambda row: relative(row["next_run_at"], now)),
    ], empty=say("워크플로우가 없습니다. 저장하기: erp-scheduler workflows save FILE.yaml",
                 "no workflows; save one: erp-scheduler workflows save FILE.yaml"))


@command(app, "show", "워크플로우 하나를 자세히", "Show everything about one workflow")
def show_(name: Name) -> None:
    """Show a workflow with its steps."""
    from scheduler.queries import workflows as queries
    from scheduler.queries.jobs import database_now

    with database() as connection:
        found = queries.find_workflow(connection, name)
        steps = queries.steps_of(connection, found["name"])
        now = database_now(connection)
    if chosen().json:
        print_json({**found, "steps": steps})
        return
    print_fields([
        (say("번호", "id"), found["id"]), (say("이름", "name"), found["name"]), (say("상태", "status"), found["status"]),
        (say("일정", "schedule"), mode_words(found)),
        (say("다음", "next"), found["next_run_at"]), (say("설명", "description"), found["description"]),
    ])
    show()
    print_table(steps, [
        (say("단계", "STEP"), lambda row: row["name"]),
        (say("작업", "JOB"), lambda row: row["job_id"]),
        (say("유형", "TYPE"), lambda row: row["job_type"]),
        (say("뒤", "AFTER"), _after),
        (say("상태", "STATUS"), lambda row: row["status"]),
        (say("지금", "NOW"), _live),
        (say("최근", "LAST"), lambda row: _last(row, now)),
    ], empty="")


def _after(step: Any) -> str:
    ending = say(" 실패", " failed") if step["outcome"] == "failure" and step["follows"] else ""
    return ", ".join(step["follows"]) + ending


def _live(step: Any) -> str:
    return "running" if step["running"] else "queued" if step["queued"] else ""


def _last(step: Any, now: Any) -> str:
    if step["last_status"] is None:
        return "-"
    return f"{'✓' if step['last_status'] == 'success' else '✕'} {relative(step['last_run_at'], now)}"


@command(app, "save", "저장합니다 (같은 이름이면 고칩니다)", "Save workflows (one of that name is changed)")
def save(
    source: Annotated[str, typer.Argument(metavar="FILE|JSON|-", help=both(
        "YAML·JSON 파일, JSON 글, 또는 - (표준 입력)", "A YAML or JSON file, JSON text, or - for stdin"))],
) -> None:
    """Save workflows; each has one job for every step, however often it is saved."""
    from scheduler.queries import workflows as queries
    from scheduler.rules.workflows import workflows_in

    documents = workflows_in(_read(source))
    with database() as connection:
        with change(connection):
            saved = [queries.save(connection, each) for each in documents]
        found = [{**queries.find_workflow(connection, str(each["id"])), "is_new": each["is_new"]} for each in saved]
    if chosen().json:
        print_json(found)
        return
    for each in found:
        word = say("만들었습니다", "made") if each["is_new"] else say("저장했습니다", "saved")
        steps = say(f"{len(each['steps'])}단계", f"{len(each['steps'])} step{'s' * (len(each['steps']) != 1)}")
        show(f"{say('워크플로우', 'workflow')} {each['id']} {each['name']}: {word} ({mode_words(each)}, {steps})")


def _read(source: str) -> Any:
    from scheduler.rules.config_reading import read_text

    if source == "-":
        text = sys.stdin.read()
    elif source.lstrip().startswith(("{", "[")):
        text = source
    else:
        try:
            text = Path(source).read_text(encoding="utf-8")
        except (OSError, ValueError) as error:
            raise Stop(exit_codes.USAGE, say(f"{source}을(를) 읽을 수 없습니다: {error}", f"{source} cannot be read: {error}")
                       + f"\nerp-scheduler workflows save '{EXAMPLE}'") from None
    written = read_text(text)
    if written.faults:
        raise Stop(exit_codes.USAGE, "\n".join(map(str, written.faults)))
    return written.value


@command(app, "run", "지금 실행합니다", "Run a workflow now")
def run(
    name: Name,
    test: Annotated[bool, typer.Option("--test", help=both(
        "끝날 때까지 기다려 단계마다 결과를 보여줍니다", "Wait for the end and show what each step gave"))] = False,
    timeout: Annotated[str, typer.Option(help=both("기다리는 시간 (--test)", "How long to wait (--test)"))] = "1h",
) -> int:
    """Queue the first steps; the others follow as they end."""
    from scheduler.cli.schedule_flags import seconds
    from scheduler.cli.workflow_test import watch
    from scheduler.queries import workflows as queries
    from scheduler.queries.nodes import list_nodes

    limit = seconds(timeout)
    with database() as connection:
        found = queries.find_workflow(connection, name)
        is_alive = any(node["living"] for node in list_nodes(connection))
        if test and not is_alive:
            raise Stop(exit_codes.NOT_RUNNING,
                       say("실행 중인 데몬이 없습니다", "no daemon is running") + "\nerp-scheduler start -d")
        above, queued = queries.run(connection, found["name"])
        if test:
            return watch(connection, found["name"], above, limit)
    if chosen().json:
        print_json(queued)
        return exit_codes.OK
    for each in queued:
        show(say(f"실행 {each['execution_id']}: 단계 {each['step']} 대기열에 넣음",
                 f"execution {each['execution_id']}: step {each['step']} queued"))
    if not is_alive:
        hint(say("실행 중인 데몬이 없어 대기합니다", "no daemon is running, so it waits") + ": erp-scheduler start -d")
    else:
        hint(f"→ erp-scheduler workflows show {found['id']}")
    return exit_codes.OK


@command(app, "cancel", "기다리거나 실행 중인 것을 끝냅니다", "End what waits and what runs of a workflow")
def cancel(name: Name) -> None:
    """End what waits and what runs; a recurring schedule goes on."""
    from scheduler.queries import workflows as queries

    with database() as connection, change(connection):
        found = queries.find_workflow(connection, name)
        ended = queries.cancel(connection, found["name"])
    if chosen().json:
        print_json({"workflow": found["name"], **ended})
        return
    show(say(f"워크플로우 {found['name']}: 대기 {len(ended['cancelled'])}건 취소, 실행 중 {len(ended['asked'])}건 종료 요청"
             + (f", 예약 {len(ended['dropped'])}건 취소" if ended["dropped"] else ""),
             f"workflow {found['name']}: {len(ended['cancelled'])} waiting cancelled, {len(ended['asked'])} running asked to end"
             + (f", {len(ended['dropped'])} planned called off" if ended["dropped"] else "")))
    if found["schedule"]["mode"] == "recurring" and found["status"] == "active":
        hint(say("일정은 계속됩니다. 멈추기", "the schedule goes on; to pause it")
             + f": erp-scheduler workflows pause {found['id']}")


@command(app, "pause", "멈춥니다", "Pause workflows with all their jobs")
def pause(name: Annotated[list[str], typer.Argument(help=both("번호 또는 이름", "Ids or names"))]) -> None:
    """Pause workflows: nothing new starts."""
    _set_status(name, "paused", say("멈췄습니다", "paused"))


@command(app, "resume", "다시 시작합니다", "Let workflows go on")
def resume(name: Annotated[list[str], typer.Argument(help=both("번호 또는 이름", "Ids or names"))]) -> None:
    """Let workflows go on, strictly after now."""
    _set_status(name, "active", say("다시 시작했습니다", "resumed"))


def _set_status(names: list[str], status: str, word: str) -> None:
    from scheduler.queries import workflows as queries

    with database() as connection:
        with change(connection):
            found = [queries.find_workflow(connection, name) for name in names]
            for each in found:
                queries.set_status(connection, each["name"], status)
        found = [queries.find_workflow(connection, str(each["id"])) for each in found]
    if chosen().json:
        print_json(found)
        return
    for each in found:
        show(f"{say('워크플로우', 'workflow')} {each['id']} {each['name']}: {word}")


@command(app, "remove", "지웁니다 (작업도 함께, 기록은 남음)", "Delete a workflow with its jobs (their history stays)")
def remove(
    name: Name, yes: Annotated[bool, typer.Option("--yes", "-y", help=both("묻지 않음", "Do not ask"))] = False
) -> None:
    """Delete a workflow and its jobs."""
    from scheduler.cli.job_edits import confirm
    from scheduler.queries import workflows as queries

    with database() as connection:
        found = queries.find_workflow(connection, name)
        if found["running"]:
            hint(say(f"! 실행 {found['running']}건이 실행 중이며 중단됩니다",
                     f"! {found['running']} executions are running and will be ended"))
        confirm(say(f"워크플로우 {found['name']}과(와) 작업 {len(found['steps'])}개를 지울까요?",
                    f"Delete workflow {found['name']} and its {len(found['steps'])} jobs?"), yes)
        with change(connection):
            queries.remove(connection, found["name"])
    if chosen().json:
        print_json({"id": found["id"], "name": found["name"], "jobs": len(found["steps"])})
        return
    show(say(f"워크플로우 {found['id']} {found['name']}: 지웠습니다", f"workflow {found['id']} {found['name']}: deleted"))
