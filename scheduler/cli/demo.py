"""`erp-scheduler demo`: database, pretended marketplaces, daemon, dashboard and six jobs, in a folder of their own.

It runs until Ctrl-C. The folder is kept: a demo that was killed goes on where it was. Nothing outside it is read or
written, and no DATABASE_URL of the environment is used; --dsn says so if another database is meant.
"""

from __future__ import annotations

import os
import shutil
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Annotated

import typer

from scheduler.cli.demo_play import MARKER, Demo, wait_for_former
from scheduler.cli.grammar import both, chosen, command
from scheduler.cli.only_one import only_one
from scheduler.errors import NotAllowed
from scheduler.words import say


def register(app: typer.Typer) -> None:
    """Put the command on the root."""
    command(app, "demo", "가짜 마켓 세 곳과 함께 전부 실행해 봅니다 (Ctrl-C로 끝)",
            "Run everything with three pretended marketplaces (Ctrl-C ends it)")(demo)


def demo(
    clean: Annotated[bool, typer.Option("--clean", help=both("이전 데모를 지우고 새로", "Begin anew"))] = False,
    folder: Annotated[Path | None, typer.Option(help=both("데모 폴더", "Folder of the demo"))] = None,
    port: Annotated[int | None, typer.Option(
        min=1, max=65535, help=both("웹 포트 (기본: 3000 또는 빈 포트)", "Port of the dashboard (3000, or a free one)"))] = None,
) -> int:
    """Run the demo."""
    from scheduler.settings import default_state_dir

    base = os.environ.get("ERP_SCHEDULER_STATE_DIR")
    place = (folder or (Path(base) if base else default_state_dir()) / "demo").expanduser().absolute()
    _refuse_foreign(place)
    with _only_one(place):
        if clean:
            _clear(place)
        return Demo(place, chosen().dsn, port).play()


def _refuse_foreign(place: Path) -> None:
    if place.exists() and not (place / MARKER).exists() and (not place.is_dir() or any(place.iterdir())):
        raise NotAllowed(say(f"{place}은(는) 데모 폴더가 아닙니다", f"{place} is not the folder of a demo")
                         + "\nerp-scheduler demo --folder …")


def _only_one(place: Path) -> AbstractContextManager[None]:
    return only_one(place.with_name(f".{place.name}.lock"),
                    say(f"데모가 이미 실행 중입니다 ({place})", f"a demo is already running ({place})")
                    + "\nerp-scheduler demo --folder …")


def _clear(place: Path) -> None:
    from scheduler.database.embedded import Embedded

    if not place.exists():
        return
    wait_for_former(place)
    embedded = Embedded(place)
    data = Path(embedded.status()["data"])
    embedded.stop("immediate")
    shutil.rmtree(data, ignore_errors=True)
    shutil.rmtree(place)
