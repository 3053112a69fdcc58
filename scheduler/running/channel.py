"""Lines over a socket that never block their reader or their writer."""

from __future__ import annotations

import contextlib
import os
import socket

CHUNK = 262_144


class Channel:
    """One end of a stream of lines.

    outbox  what the other side has not taken yet; the owner of the loop watches for writability while it is not empty
    """

    def __init__(self, end: socket.socket) -> None:
        end.setblocking(False)
        self.end = end
        self.fd = end.fileno()
        self.inbox = bytearray()
        self.outbox = bytearray()

    def send(self, line: bytes) -> None:
        """Send what the socket takes now and keep the rest. A dead other side shows up as end of file on reading."""
        if self.outbox:
            self.outbox += line
            return
        try:
            sent = self.end.send(line)
        except BlockingIOError:
            sent = 0
        except OSError:
            return
        if sent < len(line):
            self.outbox += line[sent:]

    def flush(self) -> None:
        """Go on sending what is kept."""
        with contextlib.suppress(OSError):
            while self.outbox:
                del self.outbox[: self.end.send(self.outbox)]

    def lines(self) -> list[bytes] | None:
        """Return the whole lines that have come, without their ends; None at end of file."""
        try:
            data = self.end.recv(CHUNK)
        except BlockingIOError:
            return []
        except OSError:
            return None
        if not data:
            return None
        if self.inbox:
            self.inbox += data
            if b"\n" not in data:
                return []
            data = bytes(self.inbox)
            self.inbox.clear()
        lines = data.split(b"\n")
        rest = lines.pop()
        if rest:
            self.inbox += rest
        return lines

    def close(self) -> None:
        self.end.close()


class OutputPipe:
    """What a handler prints, cut into lines of bounded length."""

    def __init__(self, fd: int, stream: str, longest: int) -> None:
        os.set_blocking(fd, False)
        self.fd = fd
        self.stream = stream
        self.longest = longest
        self.partial = b""

    def lines(self, last: bool = False) -> list[bytes] | None:
        """Return the lines that have come; None at end of file. last: also what has no line end yet."""
        try:
            data = os.read(self.fd, CHUNK)
        except BlockingIOError:
            data = b""
            ended = False
        except OSError:
            return None
        else:
            ended = not data
        if not data and not (last and self.partial):
            return None if ended else []
        *lines, self.partial = (self.partial + data).split(b"\n")
        if self.partial and (last or len(self.partial) > self.longest):
            lines.append(self.partial)
            self.partial = b""
        return [line[: self.longest] for line in lines]
