"""``python -m handlers.sandbox``: serve a sandbox market until told to stop, or until the parent is gone."""

from __future__ import annotations

import argparse
import os
import select
import signal
import sys
import threading
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from handlers.sandbox.coupang import Coupang
from handlers.sandbox.server import Sandbox, Server
from handlers.sandbox.state import State


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m handlers.sandbox", description="a sandbox Coupang on this machine")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--port-file", type=Path, help="the port is written here once the server listens")
    parser.add_argument("--state", type=Path, help="file that carries the shop over a restart; it decides over the rest")
    parser.add_argument("--keys-dir", type=Path, help="write vendor_id, access_key and secret_key as files here")
    parser.add_argument("--orders-per-minute", type=float, default=6.0)
    parser.add_argument("--history-minutes", type=float, default=120.0, help="orders a new shop has already had")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--calls-per-second", type=int, default=0, help="more get 429; 0 for no limit")
    parser.add_argument("--parent-pid", type=int, help="end when this process ends")
    parser.add_argument("--until-stdin-closes", action="store_true", help="end when standard input ends")
    return parser.parse_args(given)


def build(options: argparse.Namespace) -> Server:
    """Make the server and write down what others need to find it."""
    state = State(
        options.state, options.seed, options.orders_per_minute, datetime.now(UTC), timedelta(minutes=options.history_minutes)
    )
    if options.keys_dir:
        options.keys_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        for name in ("vendor_id", "access_key", "secret_key"):
            write_whole(options.keys_dir / name, state.key(name))
    server = Server(Sandbox(Coupang(state), options.calls_per_second), options.host, options.port)
    if options.port_file:
        write_whole(options.port_file, str(server.server_address[1]))
    return server


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
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    server = build(options)
    serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
    serving.start()
    print(f"sandbox ready: {server.url}", flush=True)
    wait_for_end(options, reading)
    server.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
