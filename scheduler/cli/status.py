"""`erp-scheduler status`: one look at daemon, database, jobs and what needs a hand. Exit codes as LSB has them."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scheduler import __version__, instance
from scheduler.cli import exit_codes
from scheduler.cli.grammar import both, chosen, command
from scheduler.cli.output import print_json, print_line, relative, show, show_exact
from scheduler.cli.session import database, read_settings
from scheduler.errors import SchedulerError
from scheduler.words import say

if TYPE_CHECKING:
    from scheduler.settings import Settings

Watch = Annotated[bool, typer.Option("--watch", help=both("계속 보여줍니다", "Go on showing it"))]
Interval = Annotated[float, typer.Option(
    "--interval", min=0.2, metavar="SECONDS", help=both("간격 (--watch)", "Pause (--watch)"))]


def register(app: typer.Typer) -> None:
    """Put the command on the root."""
    command(app, "status", "상태를 보여줍니다 (0 실행 중, 1 비정상 종료, 3 꺼짐, 4 알 수 없음)",
            "Show the state (0 running, 1 died, 3 stopped, 4 unknown)")(status)


def status(watch: Watch = False, interval: Interval = 2.0) -> int:
    """Show daemon, database and jobs."""
    settings = read_settings()
    while True:
        facts = gather(settings)
        if watch:
            _show_again(facts)
            time.sleep(interval)
            continue
        print_json(facts) if chosen().json else _show(facts)
        return code_of(facts)


def code_of(facts: dict[str, Any]) -> int:
    """Return the LSB code: what is known of the daemon, unknown while the database cannot be asked."""
    if facts["running"]:
        return exit_codes.RUNNING if facts["database"]["ok"] else exit_codes.UNKNOWN
    if facts["readable"] is False:
        return exit_codes.UNKNOWN
    return exit_codes.DEAD_WITH_RECORD if facts["pid"] is not None else exit_codes.STOPPED


def gather(settings: Settings) -> dict[str, Any]:
    """Look at the state folder and the database; what cannot be had is null, never an error."""
    record = instance.read_record(settings.state_dir) or {}
    lock = settings.state_dir / instance.LOCK_NAME
    facts: dict[str, Any] = {
        "running": instance.is_held(settings.state_dir), "node": record.get("node"), "pid": record.get("pid"),
        "started_at": record.get("started_at"), "version": __version__,
        "readable": not lock.exists() or os.access(lock, os.R_OK | os.W_OK),
        "database": {"ok": False, "ms": None, "server": None, "error": None},
        "jobs": None, "executions": None, "workers": None, "next": None, "problems": [], "snoozed": 0,
        "web": _web(settings, record.get("web")),
    }
    import psycopg

    try:
        with database() as connection:
            facts |= _ask(connection)
    except SchedulerError as error:
        facts["database"]["error"] = str(error).splitlines()[0]
    except psycopg.Error as error:
        from scheduler.database.refusals import in_our_words

        facts["database"]["error"] = str(in_our_words(error)).splitlines()[0]
    return facts


def _web(settings: Settings, meant: str | None) -> dict[str, Any]:
    """Say whether the dashboard answers, and where: the daemon's own, else one that runs alone at the address of the settings."""
    from scheduler.address import address
    from scheduler.cli.web_probe import answers

    url = meant or address(settings)
    running = answers(settings, url)
    return {"running": running, "url": url if running or meant else None}


def _ask(connection: Any) -> dict[str, Any]:
    from scheduler.queries import health
    from scheduler.queries.server import round_trip
    from scheduler.queries.snoozes import count_snoozed

    began = time.perf_counter()
    round_trip(connection)
    took = time.perf_counter() - began
    server = health.server(connection)
    return {
        "jobs": health.job_counts(connection), "executions": health.execution_counts(connection),
        "workers": health.workers(connection), "next": health.next_job(connection), "problems": health.problems(connection),
        "snoozed": count_snoozed(connection),
        "database": {"ok": True, "ms": round(took * 1000, 1), "server": server["version"], "error": None},
    }


def _show_again(facts: dict[str, Any]) -> None:
    if chosen().json:
        print_line(facts)
        return
    if os.isatty(1):
        show_exact("\x1b[2J\x1b[H")
    _show(facts)


def _show(facts: dict[str, Any]) -> None:
    show(_headline(facts))
    if facts["jobs"] is None:
        show(f"{say('데이터베이스', 'database')}  ✕ {facts['database']['error']}")
        show(f"{say('조치', 'to do')}  erp-scheduler doctor")
        return
    jobs, executions, day = facts["jobs"], facts["executions"], facts["executions"]["last_24h"]
    failed = day["failed"] + day["timed_out"] + day["lost"]
    busy, total = facts["workers"]["busy"], facts["workers"]["total"]
    show(say(
        f"작업 {jobs['total']} (활성 {jobs['active']})   대기 {executions['queued']}   실행 {busy}/{total}   "
        f"24시간: 성공 {day['success']}, 실패 {failed}, 건너뜀 {day['skipped']}",
        f"jobs {jobs['total']} ({jobs['active']} active)   queued {executions['queued']}   running {busy}/{total}   "
        f"24 h: {day['success']} succeeded, {failed} failed, {day['skipped']} skipped",
    ))
    _show_next(facts["next"])
    if facts["snoozed"]:
        show(say(f"알림을 끈 작업 {facts['snoozed']}개", f"snoozed jobs: {facts['snoozed']}"))
    for problem in facts["problems"]:
        what = " ".join(str(each) for each in (problem["job_id"], problem["name"]) if each not in (None, ""))
        show(f"{say('조치', 'to do')}  {what}  {PROBLEMS[problem['kind']]()}: "
             f"{(problem['message'] or '').splitlines()[0] if problem['message'] else ''}  →  {problem['command']}")


PROBLEMS = {
    "invalid": lambda: say("설정 오류", "cannot be run"),
    "failing": lambda: say("계속 실패", "keeps failing"),
    "no_handler": lambda: say("작업 유형을 아는 노드 없음", "no live node knows the type"),
    "lock": lambda: say("잠금", "lock"),
    "drained": lambda: say("비운 노드, 새 작업을 받지 않음", "a drained node, it takes no new work"),
    "dead_node": lambda: say("응답 없는 노드", "a silent node"), "full_pool": lambda: say("자리 없음", "no free slot"),
    "overdue": lambda: say("예정 시각이 지남", "past its time"), "stuck": lambda: say("오래 대기", "waits for long"),
    "slow": lambda: say("오래 실행 중", "runs for long"), "skipping": lambda: say("여러 번 건너뜀", "skipped many times"),
    "expiring_key": lambda: say("만료되는 키", "a key that expires"),
}


def _show_next(following: dict[str, Any] | None) -> None:
    if following is not None:
        from datetime import UTC, datetime

        show(f"{say('다음', 'next')}  {following['name']}   {relative(following['at'], datetime.now(UTC))}")


def _headline(facts: dict[str, Any]) -> str:
    if facts["running"]:
        state = say("● 실행 중", "● running")
    elif facts["pid"] is not None:
        state = say("✕ 비정상 종료", "✕ died")
    else:
        state = say("○ 꺼짐", "○ stopped")
    parts = [state, facts["node"] or "", f"pid {facts['pid']}" if facts["running"] else "", f"v{facts['version']}"]
    if facts["database"]["ok"]:
        parts.append(f"DB ok {facts['database']['ms']} ms (PG {facts['database']['server'].split()[0]})")
    web = facts["web"]
    if web["running"]:
        parts.append(say(f"웹 {web['url']}", f"web {web['url']}"))
    elif web["url"] and facts["running"]:
        parts.append(say(f"웹 ✕ {web['url']} (응답 없음, 로그를 보세요)", f"web ✕ {web['url']} (no answer; see the log)"))
    if not facts["running"] and facts["readable"]:
        parts.append("→ erp-scheduler start -d")
    return "  ".join(part for part in parts if part)
