"""`erp-scheduler sandbox`: pretended marketplaces on this machine, for trying things without a shop; `sandbox fault` breaks them.

The shops live in a folder of their own and go on where they were, at the same addresses where these are still free.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import urllib.error
import urllib.request
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from scheduler.cli import exit_codes
from scheduler.cli.demo_processes import PATHS, Child, sandbox_command, shops
from scheduler.cli.grammar import Stop, both, chosen, command
from scheduler.cli.only_one import only_one
from scheduler.cli.output import hint, print_json, print_table, show, show_exact, tell
from scheduler.words import say

START_SECONDS = 60.0
END_SECONDS = 10.0
LOOK_SECONDS = 0.25
DOOR_SECONDS = 10.0
DESCRIPTION = "샌드박스 (sandbox)"


class StartsByDefault(TyperGroup):
    """Takes ``sandbox --speed 60`` for ``sandbox start --speed 60``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if "--help" not in args and (not args or args[0] not in self.commands):
            args = ["start", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    name="sandbox", cls=StartsByDefault, help=both("가짜 마켓 세 곳을 엽니다", "Serve three pretended marketplaces"),
)
Folder = Annotated[Path | None, typer.Option(help=both("가게를 두는 폴더", "Folder of the shops"))]
PerMinute = Annotated[float | None, typer.Option(help=both("분당 주문 수", "Orders a minute"))]
Speed = Annotated[float | None, typer.Option(
    help=both("가게 시계의 빠르기 (배)", "How many times as fast the shops' clock goes"))]
Late = Annotated[float | None, typer.Option(
    metavar="SECONDS", help=both("주문이 늦게 보이는 최대 시간(초)", "How late an order shows at most"))]
Seed = Annotated[int | None, typer.Option(help=both("같은 수는 같은 가게", "The same number makes the same shops"))]
Products = Annotated[int | None, typer.Option(help=both("상품 수", "How many products"))]
Clean = Annotated[bool, typer.Option("--clean", help=both("이전 가게를 지우고 새로", "Begin with new shops"))]
Market = Annotated[str, typer.Argument(metavar="MARKET", help=" | ".join(PATHS))]
Kind = Annotated[str, typer.Argument(metavar="KIND", help=both(
    "429, 503, maintenance, reset, slow … (clear: 모두 지움)", "429, 503, maintenance, reset, slow … (clear: none any more)"))]
Count = Annotated[int, typer.Option(min=0, help=both("몇 번 (0: clear까지 계속)", "How many calls meet it (0: until clear)"))]
RetryAfter = Annotated[float | None, typer.Option(metavar="SECONDS", help=both("429가 말하는 대기 시간", "The wait a 429 tells"))]
Seconds = Annotated[float, typer.Option(help=both("slow가 걸리는 시간(초)", "How long a slow answer takes"))]
Target = Annotated[str, typer.Option(
    metavar="TEXT", help=both("주소에 이 글자가 있는 호출만", "Only calls whose address contains it"))]


@command(app, "start", "가짜 마켓을 열고 Ctrl-C까지 기다립니다 (기본)", "Serve the marketplaces until Ctrl-C (the default)")
def start(
    folder: Folder = None, orders_per_minute: PerMinute = None, speed: Speed = None, late_seconds: Late = None,
    seed: Seed = None, products: Products = None, clean: Clean = False,
) -> int:
    """Serve the marketplaces until Ctrl-C. A shop that is on file goes on as it began; only its speed can be changed."""
    place = _place(folder)
    given = {
        "--orders-per-minute": orders_per_minute, "--speed": speed, "--late-seconds": late_seconds, "--seed": seed,
        "--products": products,
    }
    options = [word for name, value in given.items() if value is not None for word in (name, str(value))]
    with _only_one(place):
        if clean:
            for market in PATHS:
                (place / f"shop.json.{market}").unlink(missing_ok=True)
        _serve(place, options, speed)
    return exit_codes.OK


def _place(folder: Path | None) -> Path:
    from scheduler.settings import default_state_dir

    base = os.environ.get("ERP_SCHEDULER_STATE_DIR")
    return (folder or (Path(base) if base else default_state_dir()) / "sandbox").expanduser().absolute()


def _only_one(place: Path) -> AbstractContextManager[None]:
    return only_one(place / ".lock", say(f"샌드박스가 이미 실행 중입니다 ({place})", f"a sandbox is already running ({place})")
                    + "\nerp-scheduler sandbox --folder …")


def _serve(place: Path, options: list[str], speed: float | None) -> None:
    signals: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda received, _: signals.append(received))
    former = _marks(place)
    child = Child("sandbox", sandbox_command(place, *options), dict(os.environ), place / "sandbox.log")
    try:
        if child.wait_until(lambda: _all_anew(former, _marks(place)), START_SECONDS, lambda: bool(signals)):
            if speed is not None:
                for market in PATHS:
                    _ask(place, market, "clock", {"speed": speed})
            _say_where(place)
            _wait(child, signals)
    finally:
        child.end(END_SECONDS)


def _marks(place: Path) -> dict[str, tuple[int, int] | None]:
    """Return what tells one writing of a port file from another."""
    found: dict[str, tuple[int, int] | None] = {}
    for market in PATHS:
        path = place / f"port.{market}"
        found[market] = (path.stat().st_ino, path.stat().st_mtime_ns) if path.exists() else None
    return found


def _all_anew(former: dict[str, tuple[int, int] | None], now: dict[str, tuple[int, int] | None]) -> bool:
    return all(now[market] not in (None, former[market]) for market in PATHS)


def _wait(child: Child, signals: list[int]) -> None:
    while not signals:
        try:
            child.process.wait(LOOK_SECONDS)
        except subprocess.TimeoutExpired:
            continue
        raise Stop(exit_codes.FAILED, "\n".join([
            say("샌드박스가 끝났습니다", "the sandbox has ended"), *child.last_lines()]))


def _say_where(place: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"market": market, "base_url": base_url, "control": _door(place, market), "credentials": credentials,
         "sql": account_sql(market, base_url, credentials)}
        for market, (base_url, credentials) in shops(place).items()
    ]
    if chosen().json:
        print_json({"folder": place, "markets": rows})
        return
    print_table(rows, [
        (say("마켓", "MARKET"), lambda row: row["market"]), (say("주소", "ADDRESS"), lambda row: row["base_url"]),
        (say("조종", "CONTROL"), lambda row: row["control"]),
    ], empty="")
    show()
    for row in rows:
        show_exact(row["sql"])
    show()
    hint(say("고장 내기: erp-scheduler sandbox fault naver maintenance --count 5",
             "To break something: erp-scheduler sandbox fault naver maintenance --count 5"))
    tell(say("끝내기: Ctrl-C", "To end: Ctrl-C"))


def account_sql(market: str, base_url: str, credentials: dict[str, str]) -> str:
    """Return the statement that leads a client to the sandbox; it leaves an account of a real shop as it is."""
    def quoted(text: str) -> str:
        return "'" + text.replace("'", "''") + "'"

    values = ", ".join(map(quoted, (market, base_url, json.dumps(credentials, ensure_ascii=False), DESCRIPTION)))
    return (
        f"INSERT INTO market_accounts (market_code, base_url, credentials, description) VALUES ({values}) "
        "ON CONFLICT (market_code, account) DO UPDATE SET base_url = excluded.base_url, credentials = excluded.credentials "
        f"WHERE market_accounts.description = {quoted(DESCRIPTION)};"
    )


@command(app, "fault", "실행 중인 가짜 마켓을 고장 냅니다", "Break a marketplace that is being served")
def fault(
    market: Market, kind: Kind, count: Count = 1, retry_after: RetryAfter = None, seconds: Seconds = 2.0,
    path: Target = "", folder: Folder = None,
) -> None:
    """Let the next calls of a marketplace meet a fault."""
    if market not in PATHS:
        raise Stop(exit_codes.USAGE, say(f"{market}: 없는 마켓입니다", f"{market}: no such marketplace")
                   + "\n" + " | ".join(PATHS))
    place = _place(folder)
    if kind == "clear":
        answer = _ask(place, market, "faults", None, method="DELETE")
    else:
        answer = _ask(place, market, "faults", {
            "kind": kind, "count": count, "retry_after": retry_after, "seconds": seconds, "path": path})
    if chosen().json:
        print_json({"market": market, "kind": kind, **answer})
    elif kind == "clear":
        show(say(f"{market}: 고장을 모두 지웠습니다", f"{market}: no faults any more"))
    else:
        show(say(f"{market}: {kind} {count or '계속'}", f"{market}: {kind}, {count or 'until cleared'}"))


def _door(place: Path, market: str) -> str:
    port = (place / f"port.{market}").read_text(encoding="utf-8").strip()
    return f"http://127.0.0.1:{port}/_sandbox/"


def _ask(place: Path, market: str, name: str, content: dict[str, Any] | None, method: str = "POST") -> dict[str, Any]:
    """Ask the control door. Raises Stop when nobody answers, or it refuses."""
    body = None if content is None else json.dumps(content).encode()
    # No proxy of the company reaches this machine's own address.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        request = urllib.request.Request(_door(place, market) + name, body, method=method)
        with opener.open(request, timeout=DOOR_SECONDS) as response:
            answer: dict[str, Any] = json.load(response)
            return answer
    except urllib.error.HTTPError as error:
        raise Stop(exit_codes.USAGE, str(json.load(error).get("error"))) from None
    except (OSError, ValueError):
        raise Stop(exit_codes.NOT_RUNNING, say("샌드박스가 실행 중이 아닙니다", "the sandbox is not running")
                   + f" ({place})\nerp-scheduler sandbox") from None
