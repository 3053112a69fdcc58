"""What the warden waits for: the descriptors of the daemon and of its processes, and whose each one is."""

from __future__ import annotations

import select

from scheduler.running.channel import Channel
from scheduler.running.process import Process

READABLE = select.EPOLLIN | select.EPOLLHUP | select.EPOLLERR
Entry = tuple[str, Process | None]


class Descriptors:
    """An epoll with the owner of each descriptor: ("daemon", None), or "control", "output", "exit" and the process."""

    def __init__(self, daemon: Channel) -> None:
        self.poll = select.epoll()
        self.poll.register(daemon.fd, select.EPOLLIN)
        self.owner: dict[int, Entry] = {daemon.fd: ("daemon", None)}

    def __contains__(self, fd: int) -> bool:
        return fd in self.owner

    def wait(self, seconds: float) -> list[tuple[Entry | None, int, int]]:
        """Return what has come as (owner, descriptor, events); -1 waits without end."""
        return [(self.owner.get(fd), fd, events) for fd, events in self.poll.poll(seconds)]

    def is_still(self, fd: int, entry: Entry | None) -> bool:
        """Say whether a descriptor is still its owner's; once closed, its number may be somebody else's."""
        return entry is not None and self.owner.get(fd) is entry

    def attend(self, fd: int, kind: str, process: Process) -> None:
        """Listen to a descriptor of a process."""
        self.owner[fd] = (kind, process)
        self.poll.register(fd, select.EPOLLIN)

    def forget(self, fd: int) -> None:
        """Listen to a descriptor no longer."""
        if self.owner.pop(fd, None) is not None:
            self.poll.unregister(fd)

    def send(self, channel: Channel, data: bytes) -> None:
        """Send what is taken now; the rest goes out as soon as the other side reads."""
        channel.send(data)
        if channel.outbox:
            self.watch_writes(channel)

    def flush(self, channel: Channel) -> None:
        """Go on sending: the other side reads again."""
        channel.flush()
        self.watch_writes(channel)

    def watch_writes(self, channel: Channel) -> None:
        """Wait for writability while something is left to send."""
        if channel.fd in self.owner:
            self.poll.modify(channel.fd, select.EPOLLIN | (select.EPOLLOUT if channel.outbox else 0))
