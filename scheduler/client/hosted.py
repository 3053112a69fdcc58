"""The daemon of a program: our own `erp-scheduler start`, which ends when the program does, however that ends."""

from __future__ import annotations

import os
import select
import signal
import sys
import threading


def end_with(parent: int) -> None:
    """Stop this process in order as soon as *parent* is gone."""
    try:
        watch = os.pidfd_open(parent)
    except ProcessLookupError:
        sys.exit(1)
    poll = select.poll()
    poll.register(watch, select.POLLIN)

    def wait() -> None:
        poll.poll()
        os.kill(os.getpid(), signal.SIGTERM)

    if os.getppid() != parent:
        sys.exit(1)
    threading.Thread(target=wait, name="parent", daemon=True).start()


if __name__ == "__main__":
    end_with(int(sys.argv[1]))
    sys.argv = ["erp-scheduler", "start", "--no-web"]
    from scheduler.cli.main import main

    main()
