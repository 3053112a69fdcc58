"""`erp-scheduler start, stop, restart`: the daemon of this host, by its state folder."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scheduler import instance
from scheduler.cli import background, exit_codes
from scheduler.cli import web as site
from scheduler.cli.grammar import Stop, both, chosen, command
from scheduler.cli.output import hint, print_json, show, tell
from scheduler.cli.session import database_address, open_connection, read_settings, readable
from scheduler.errors import ConfigError, Conflict
from scheduler.words import say

if TYPE_CHECKING:
    from scheduler.settings import Settings

Background = Annotated[bool, typer.Option("--background", "-d", help=both("백그라운드로", "In the background"))]
Workers = Annotated[int | None, typer.Option(help=both("동시에 실행할 수", "How many executions at once"))]
Node = Annotated[str | None, typer.Option(help=both("노드 이름", "Name of this node"))]
Web = Annotated[bool, typer.Option("--web/--no-web", help=both("웹 화면도 함께", "With the dashboard"))]
Once = Annotated[bool, typer.Option("--once", help=both("지금 실행할 것만 하고 끝냄", "Do what is due, then end"))]
Poll = Annotated[float | None, typer.Option(metavar="SECONDS", help=both("확인 간격(초)", "Seconds between looks"))]
Drain = Annotated[str | None, typer.Option(
    metavar="60s", help=both("실행이 끝나기를 기다릴 시간", "How long executions may finish"))]
Now = Annotated[bool, typer.Option("--now", help=both("기다리지 않음", "Do not wait for executions"))]

LOOK_SECONDS = 0.1
SAY_SECONDS = 2.0
LAST_WAIT_SECONDS = 60.0
NOTICE_SECONDS = 0.3
AGAIN_SECONDS = 1.0


def register(app: typer.Typer) -> None:
    """Put the commands on the root."""
    command(app, "start", "데몬을 시작합니다", "Start the daemon")(start)
    command(app, "stop", "데몬을 멈춥니다", "Stop the daemon")(stop)
    command(app, "restart", "데몬을 다시 시작합니다", "Restart the daemon")(restart)


def start_from_script() -> int:
    """Be ``python3 start_scheduler.py``: the same as ``erp-scheduler start``, flags included."""
    from scheduler.cli.main import main

    sys.argv.insert(1, "start")
    main()
    return 0


def start(
    background_: Background = False, workers: Workers = None, node: Node = None, web: Web = True,
    host: site.Host = None, port: site.Port = None, behind_proxy: site.BehindProxy = False, once: Once = False, poll: Poll = None,
) -> int:
    """Bring the database up to date and run the daemon, in the foreground unless -d is given."""
    settings = site.web_settings(host, port, behind_proxy, workers=workers, node=node, poll_seconds=poll)
    web = web and not once
    if web:
        site.check_address(settings)
    _refuse_second(settings)
    _refuse_name_clash()
    if not background_:
        return _serve(settings, web=web, once=once)
    flags = [
        *([] if workers is None else ["--workers", str(workers)]), *([] if node is None else ["--node", node]),
        *([] if poll is None else ["--poll", str(poll)]), *(["--once"] if once else []), "--web" if web else "--no-web",
        "--host", settings.web_host, "--port", str(settings.web_port), *(["--behind-proxy"] if behind_proxy else []),
    ]
    return _start_behind(settings, flags)


def _serve(settings: Settings, *, web: bool, once: bool) -> int:
    from scheduler.daemon import run_daemon

    dsn = open_database(settings)
    # Who starts us in the background shows the link to a person; here it would stand in a log.
    behind = os.environ.pop(background.MARK, None) is not None
    link = site.set_up_link(settings, dsn) if web and not behind else None

    def announce(line: str) -> None:
        show(line)
        if link is not None:
            site.show_link(link)

    return run_daemon(settings, dsn, web=web, once=once, announce=announce)


def _start_behind(settings: Settings, flags: list[str]) -> int:
    record = background.start(settings, ["start", *flags])
    url = record.get("web")
    link = site.set_up_link(settings, database_address(settings)) if url else None
    if chosen().json:
        print_json({"running": True, "pid": record["pid"], "node": record.get("node"), "web": url, "set_up": link})
        return exit_codes.OK
    show(str(record["pid"]))
    hint(say(f"시작했습니다 (로그: {background.console_file(settings)})", f"started (log: {background.console_file(settings)})"))
    if url:
        hint(say(f"웹 화면: {url}", f"dashboard: {url}"))
    if link is not None:
        tell(site.link_words(link))
    return exit_codes.OK


def open_database(settings: Settings) -> str:
    """Return the database's address, the embedded one started, its schema up to date. Raises DatabaseUnavailable."""
    from scheduler.database.migrate import migrate

    if settings.database_url:
        dsn = readable(settings.database_url)
    else:
        from scheduler.database.embedded import Embedded

        dsn = Embedded(settings.state_dir).start()
    with open_connection(dsn) as connection:
        migrate(connection, lambda each: tell(f"✓ {each.number:04d} {each.name}"))
    return dsn


def _refuse_second(settings: Settings) -> None:
    if instance.is_held(settings.state_dir):
        pid = (instance.read_record(settings.state_dir) or {}).get("pid", "?")
        raise Conflict(
            say(f"데몬이 이미 실행 중입니다 (pid {pid}, {settings.state_dir})",
                f"a daemon is already running (pid {pid}, {settings.state_dir})")
            + "\nerp-scheduler status\nerp-scheduler stop"
        )


def name_clashes() -> list[str]:
    """Return other distributions that own one of our two import names: one would overwrite the other."""
    from importlib.metadata import packages_distributions

    owners = packages_distributions()
    return sorted({
        f"{owner}: {name}" for name in ("scheduler", "handlers") for owner in owners.get(name, ()) if owner != "erp-scheduler"
    })


def _refuse_name_clash() -> None:
    clashes = name_clashes()
    if clashes:
        raise ConfigError(
            say(f"다른 패키지가 같은 이름을 씁니다: {', '.join(clashes)}", f"another package owns our name: {', '.join(clashes)}")
            + "\npip uninstall " + " ".join(sorted({clash.partition(':')[0] for clash in clashes}))
        )


def stop(now: Now = False, drain_timeout: Drain = None) -> int:
    """Stop the daemon of this state folder: running executions may finish first."""
    settings = read_settings()
    _stop(settings, now=now, drain_timeout=drain_timeout)
    if chosen().json:
        print_json({"running": False})
    else:
        show(say("멈췄습니다", "stopped"))
    return exit_codes.OK


def _stop(settings: Settings, *, now: bool, drain_timeout: str | None) -> None:
    from scheduler.cli.schedule_flags import seconds

    patience = NOTICE_SECONDS if now else settings.drain_seconds if drain_timeout is None else seconds(drain_timeout)
    record = instance.read_record(settings.state_dir) or {}
    if not instance.is_held(settings.state_dir):
        raise Stop(exit_codes.NOT_RUNNING, say("데몬이 실행 중이 아닙니다", "the daemon is not running")
                   + f" ({settings.state_dir})\nerp-scheduler start -d")
    pid = int(record.get("pid") or 0)
    _signal(pid)
    if _released(settings.state_dir, patience):
        return
    # The second signal tells the daemon to end its executions instead of waiting for them. It is repeated, because
    # two that come close together reach a process as one.
    limit = time.monotonic() + LAST_WAIT_SECONDS + settings.kill_seconds
    while time.monotonic() < limit:
        _signal(pid)
        if _released(settings.state_dir, AGAIN_SECONDS):
            return
    if instance.is_held(settings.state_dir):
        raise Stop(exit_codes.FAILED, say(f"데몬이 끝나지 않습니다 (pid {pid})", f"the daemon does not end (pid {pid})")
                   + f"\nkill -KILL {pid}")


def _signal(pid: int) -> None:
    if pid <= 1:
        return
    try:
        os.kill(pid, signal.SIGTERM)
    except ProcessLookupError:
        pass
    except PermissionError:
        raise Stop(exit_codes.NOT_ALLOWED, say(
            f"프로세스 {pid}은(는) 다른 사용자의 것입니다", f"process {pid} belongs to another user"
        ) + "\nsudo erp-scheduler stop") from None


def _released(state_dir: Path, patience: float) -> bool:
    """Wait until daemon and warden have left the folder, saying so now and then."""
    began = said = time.monotonic()
    while instance.is_held(state_dir):
        moment = time.monotonic()
        if moment - began > patience:
            return False
        if moment - said >= SAY_SECONDS:
            said = moment
            hint(say(f"실행이 끝나기를 기다리는 중 ({moment - began:.0f}/{patience:.0f}초)",
                     f"waiting for executions to end ({moment - began:.0f}/{patience:.0f} s)"))
        time.sleep(LOOK_SECONDS)
    return True


def restart(
    workers: Workers = None, node: Node = None, web: Web = True, host: site.Host = None, port: site.Port = None,
    behind_proxy: site.BehindProxy = False, poll: Poll = None, now: Now = False, drain_timeout: Drain = None,
) -> int:
    """Stop the daemon if it runs, then start it in the background."""
    settings = read_settings(workers=workers, node=node, poll_seconds=poll)
    if instance.is_held(settings.state_dir):
        _stop(settings, now=now, drain_timeout=drain_timeout)
    return start(background_=True, workers=workers, node=node, web=web, host=host, port=port, behind_proxy=behind_proxy,
                 poll=poll)
