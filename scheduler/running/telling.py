"""What the warden tells the daemon about its processes, kept until the end of a turn."""

from __future__ import annotations

import json

from scheduler.running.channel import Channel, OutputPipe
from scheduler.running.descriptors import Descriptors
from scheduler.running.process import Process

TALK_LIMIT = 8 * 1024 * 1024


class Telling:
    """The lines to the daemon. They go out in one go: each by itself would wake the daemon by itself."""

    def __init__(self, daemon: Channel, descriptors: Descriptors) -> None:
        self.daemon = daemon
        self.descriptors = descriptors
        self.words: list[bytes] = []

    def say(self, line: bytes) -> None:
        """Add a line."""
        self.words.append(line)

    def send(self) -> None:
        """Send what was said since the last time."""
        if self.words:
            self.descriptors.send(self.daemon, b"".join(self.words))
            self.words.clear()

    def tell(self, process: Process, verb: bytes, body: bytes, important: bool = False) -> None:
        """Pass a line on. While the daemon does not listen, unimportant ones are dropped rather than kept without end."""
        assert process.execution_id is not None
        if not important and len(self.daemon.outbox) > TALK_LIMIT:
            process.dropped += 1
            return
        self.words.append(b"%b %d %b\n" % (verb, process.execution_id, body))

    def tell_output(self, process: Process, pipe: OutputPipe, lines: list[bytes]) -> None:
        """Pass on what a handler printed; what comes between two executions is nobody's."""
        if process.execution_id is None:
            return
        for line in lines:
            text = line.decode("utf-8", "replace").replace("\0", "\ufffd")
            self.tell(process, b"out", json.dumps([pipe.stream, text]).encode())

    def tell_end(self, process: Process, why: str, exit_code: str, body: bytes) -> None:
        """Say how an execution ended, and before that how many of its lines were lost."""
        assert process.execution_id is not None
        if process.dropped:
            text = f"{process.dropped} lines were lost: the daemon did not listen"
            said = {"level": "WARNING", "message": text, "fields": None}
            process.dropped = 0
            self.tell(process, b"log", json.dumps(said).encode(), important=True)
        self.words.append(b"end %d %b %b %b\n" % (process.execution_id, why.encode(), exit_code.encode(), body))
