"""`erp-scheduler web`: the dashboard as a process of its own; `start` keeps one by itself."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scheduler import instance
from scheduler.cli import exit_codes
from scheduler.cli.grammar import Stop, both, chosen, command
from scheduler.cli.output import hint, print_line, show, show_exact, tell
from scheduler.cli.session import database_address, open_connection, read_settings
from scheduler.words import say

if TYPE_CHECKING:
    from psycopg import Connection

    from scheduler.settings import Settings

Host = Annotated[str | None, typer.Option(help=both("웹 주소 (기본: 127.0.0.1)", "Address of the dashboard (127.0.0.1)"))]
Port = Annotated[int | None, typer.Option(
    min=1, max=65535, help=both("웹 포트 (기본: 3000)", "Port of the dashboard (3000)"))]
BehindProxy = Annotated[bool, typer.Option(
    "--behind-proxy", help=both("앞에 HTTPS 프록시가 있음", "An HTTPS proxy stands in front"))]

SCHEMA_SECONDS = 120.0
LOOK_SECONDS = 0.2


def register(app: typer.Typer) -> None:
    """Put the command on the root."""
    command(app, "web", "웹 화면만 따로 실행합니다 (start는 함께 실행합니다)",
            "Serve the dashboard alone (start does so by itself)")(web)


def web_settings(host: str | None, port: int | None, behind_proxy: bool, **overrides: Any) -> Settings:
    """Read the settings with what the flags of the dashboard said."""
    return read_settings(web_host=host, web_port=port, web_behind_proxy=behind_proxy or None, **overrides)


def check_address(settings: Settings) -> None:
    """Refuse an address that is not safe. Raises ConfigError."""
    from scheduler.address import check_address

    check_address(settings)


def web(host: Host = None, port: Port = None, behind_proxy: BehindProxy = False) -> int:
    """Serve until Ctrl-C; the pages say so while the database is away."""
    supervised = _end_with_supervisor()
    settings = web_settings(host, port, behind_proxy)
    check_address(settings)
    _open_log(settings)
    from scheduler.web.serve import serve

    dsn = str(settings.database_url) if supervised else _open_database(settings)

    def ready(url: str) -> None:
        link = None if supervised else set_up_link(settings, dsn)
        if chosen().json:
            print_line({"running": True, "url": url, "set_up": link})
        else:
            show(say(f"웹 화면: {url}", f"dashboard: {url}"))
            if link is not None:
                show_link(link)
        sys.stdout.flush()

    return serve(settings, dsn, ready)


def set_up_link(settings: Settings, dsn: str) -> str | None:
    """Make a link for the first account; None when there are accounts, or when the database cannot be asked."""
    import psycopg

    from scheduler import address
    from scheduler.errors import SchedulerError
    from scheduler.queries.web_accounts import invite

    try:
        with open_connection(dsn) as connection:
            secret = invite(connection)
    except (psycopg.Error, SchedulerError) as error:
        hint(say("첫 계정을 만드는 링크를 만들지 못했습니다", "no link for the first account could be made")
             + f": {(str(error).splitlines() or [''])[0]}")
        return None
    return None if secret is None else address.set_up_link(settings, secret)


def link_words(link: str) -> str:
    """Say what the link is for."""
    return say(f"첫 관리자 만들기 (한 번, 24시간): {link}", f"make the first administrator (once, within 24 hours): {link}")


def show_link(link: str) -> None:
    """Show the link to a person, as a line to be copied."""
    show_exact(link_words(link))


def _end_with_supervisor() -> bool:
    """Tie this process to the daemon that started it, if one did. Returns whether."""
    from scheduler.address import SUPERVISOR

    parent = os.environ.pop(SUPERVISOR, "")
    if not parent.isdigit():
        return False
    from scheduler.running.kernel import die_with_parent

    die_with_parent(int(parent))
    return True


def _open_log(settings: Settings) -> None:
    """Log to stderr as the daemon does; its files are its own."""
    from loguru import logger

    from scheduler.log import FORMAT

    logger.remove()
    logger.add(sys.stderr, format=FORMAT, level=settings.log_level, colorize=False, backtrace=False, diagnose=False)


def _open_database(settings: Settings) -> str:
    """Return the database's address, its schema up to date if it can be reached; the pages say so if it cannot."""
    from scheduler.errors import DatabaseUnavailable

    dsn = _address(settings)
    try:
        with open_connection(dsn) as connection:
            _await_schema(connection, settings)
    except DatabaseUnavailable as error:
        waiting = say("데이터베이스가 아직 없습니다. 화면을 열어 두고 기다립니다",
                      "there is no database yet; the pages wait for it")
        tell(f"{waiting}: {str(error).splitlines()[0]}")
    return dsn


def _address(settings: Settings) -> str:
    if settings.database_url or instance.is_held(settings.state_dir):
        return database_address(settings)
    from scheduler.database.embedded import Embedded

    return Embedded(settings.state_dir).start()


def _await_schema(connection: Connection[Any], settings: Settings) -> None:
    """Bring the schema up to date, or wait for the daemon of this folder to do so."""
    from scheduler.database.migrate import migrate, pending

    if not instance.is_held(settings.state_dir):
        migrate(connection, lambda each: tell(f"✓ {each.number:04d} {each.name}"))
        return
    limit = time.monotonic() + SCHEMA_SECONDS
    said = False
    while pending(connection):
        if not said:
            said = True
            tell(say("데몬이 스키마를 준비하기를 기다립니다", "waiting for the daemon to bring the schema up to date"))
        if time.monotonic() > limit:
            raise Stop(exit_codes.DATABASE, say("스키마가 준비되지 않았습니다", "the schema is not up to date")
                       + "\nerp-scheduler db migrate")
        time.sleep(LOOK_SECONDS)
