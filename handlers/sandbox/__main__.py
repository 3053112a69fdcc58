"""``python -P -m handlers.sandbox``: serve sandbox markets until told to stop, or until the parent is gone."""

from __future__ import annotations

import argparse
import os
import select
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from handlers.sandbox.catalogue import GOODS
from handlers.sandbox.opening import MODULES, key_names, open_sandbox
from handlers.sandbox.orders import MOST_LATE_SECONDS
from handlers.sandbox.server import Sandbox, Server
from handlers.sandbox.shop import MOST_SPEED
from handlers.sandbox.state import Beginning


def parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    made = argparse.ArgumentParser(
        prog="python -m handlers.sandbox", description="sandbox marketplaces on this machine",
        epilog="with several markets each file and folder gets one of its own: PORT_FILE.naver, STATE.naver, KEYS/naver/NAME",
    )
    add = made.add_argument
    add("--market", action="append", choices=tuple(MODULES), help="may be given several times; coupang when left out")
    add("--host", default="127.0.0.1")
    add("--port", type=int, default=0, help="of the first market, the next one takes the next; 0 takes free ones, the former "
                                             "ones of the port files where these are still free")
    add("--port-file", type=Path, help="the port is written here once the server listens")
    add("--state", type=Path, help="file that carries the shop over a restart; it decides over the rest")
    add("--keys-dir", type=Path, help="write the credentials as files here, named as market_accounts calls them")
    add("--orders-per-minute", type=number(0.001, 100_000), default=6.0)
    add("--history-minutes", type=number(0, 60 * 24 * 366), default=120.0, help="orders a new shop has already had")
    add("--late-seconds", type=number(0, MOST_LATE_SECONDS), default=20.0,
        help=f"how late an order shows at most, up to {MOST_LATE_SECONDS:g}")
    add("--speed", type=number(0.001, MOST_SPEED), default=1.0, help="how fast the clock of a new shop goes")
    add("--products", type=int, default=len(GOODS), help="how many products a new shop sells")
    add("--seed", type=int, default=1)
    add("--calls-per-second", type=int, default=0, help="more get 429; 0 for no limit")
    add("--parent-pid", type=int, help="end when this process ends")
    add("--until-stdin-closes", action="store_true", help="end when standard input ends")
    return made


def number(least: float, most: float) -> Callable[[str], float]:
    """Make a reader of numbers between two others."""

    def read(text: str) -> float:
        value = float(text)
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"{text} is not between {least:g} and {most:g}")
        return value

    read.__name__ = "number"
    return read


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    made = parser()
    options = made.parse_args(given)
    options.market = list(dict.fromkeys(options.market or ["coupang"]))
    if options.products < 1:
        made.error("--products is at least 1")
    return options


def build(options: argparse.Namespace) -> list[Server]:
    """Make the servers and write down what others need to find them. Raises ValueError for a market without a sandbox."""
    beginning = Beginning(
        seed=options.seed, per_minute=options.orders_per_minute, history=timedelta(minutes=options.history_minutes),
        late_seconds=options.late_seconds, products=options.products, speed=options.speed,
    )
    return [build_one(options, code, place, beginning) for place, code in enumerate(options.market)]


def build_one(options: argparse.Namespace, code: str, place: int, beginning: Beginning) -> Server:
    """Make one market's server."""
    several = len(options.market) > 1
    market = open_sandbox(code, beginning, named(options.state, code, several))
    if options.keys_dir:
        write_keys(options.keys_dir / code if several else options.keys_dir, code, market.shop.state.key)
    port_file = named(options.port_file, code, several)
    sandbox = Sandbox(market, options.calls_per_second)
    server = listen(sandbox, options.host, options.port + place if options.port else 0, port_file)
    if port_file:
        write_whole(port_file, str(server.port))
    return server


def named(path: Path | None, code: str, several: bool) -> Path | None:
    """Return the path that is one market's own."""
    return path.with_name(f"{path.name}.{code}") if path and several else path


def listen(sandbox: Sandbox, host: str, port: int, port_file: Path | None) -> Server:
    """Listen at the port; without one at the former port, so that accounts still lead here after a restart."""
    if port == 0 and port_file is not None:
        # The file may be missing or damaged, the port another's by now: any free one will do then.
        with suppress(OSError, ValueError, OverflowError):
            return Server(sandbox, host, int(port_file.read_text(encoding="utf-8")))
    return Server(sandbox, host, port)


def write_keys(folder: Path, code: str, key: Callable[[str], str]) -> None:
    """Write each credential as a file of its own that only the owner may read."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for name in key_names(code):
        write_whole(folder / name, key(name))


def write_whole(path: Path, text: str) -> None:
    """Write a private file so that a reader sees all of it or none."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    draft.replace(path)


def wait_for_end(options: argparse.Namespace, signalled: int) -> None:
    """Wait for a signal, the end of the parent, or the end of standard input."""
    watched = [signalled]
    if options.parent_pid:
        try:
            watched.append(os.pidfd_open(options.parent_pid))
        except ProcessLookupError:
            return
    if options.until_stdin_closes:
        watched.append(0)
    while True:
        ready, _, _ = select.select(watched, [], [])
        if ready != [0] or not os.read(0, 4096):
            return


def main(given: Sequence[str] | None = None) -> int:
    """Serve until the end."""
    options = arguments(given)
    reading, writing = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(writing)
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, lambda *_: None)
    try:
        servers = build(options)
    except (ValueError, OSError) as error:
        print(f"sandbox: {error}", file=sys.stderr)
        return 1
    for server in servers:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()
        name = f"{server.sandbox.market.code} " if len(servers) > 1 else ""
        print(f"sandbox ready: {name}{server.url}", flush=True)
    wait_for_end(options, reading)
    for server in servers:
        server.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
