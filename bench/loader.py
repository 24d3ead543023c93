"""The load: a few kept connections, one epoll loop, requests built beforehand.

``run`` is called in a process of its own. An answer is looked at just enough to know
its status and its end, so that the loader costs a small part of what any server costs.
"""

from __future__ import annotations

import select
import socket
import time
from dataclasses import dataclass, field
from typing import Final

_CHUNK: Final = 1 << 18
_PATIENCE: Final = 10.0  # seconds without any answer


@dataclass(frozen=True, slots=True)
class Stream:
    """What one connection sends: the requests in turn, beginning at number *start*.

    With *filled* each request has places ``%(n)08d`` for its number.
    """

    requests: tuple[bytes, ...]
    start: int = 0
    filled: bool = False

    def request(self, position: int) -> bytes:
        """Return the request at one position, counted from 0."""
        number = self.start + position
        request = self.requests[number % len(self.requests)]
        return request % {b"n": number} if self.filled else request


@dataclass(frozen=True, slots=True)
class Load:
    """One measurement: where to, for how long, what each connection sends."""

    port: int
    seconds: float
    expected: int
    streams: tuple[Stream, ...]


@dataclass(frozen=True, slots=True)
class Measured:
    """What one measurement found; times in seconds.

    *sent* counts the requests of each connection, *wrong* shows an unexpected answer.
    """

    seconds: float
    latencies: tuple[float, ...]
    sent: tuple[int, ...]
    cpu: float
    wrong: str = ""


@dataclass(slots=True)
class _Connection:
    stream: Stream
    socket: socket.socket
    sent: int = 0
    began: float = 0.0
    head: bytes = b""
    missing: int = 0
    """How many bytes of the body are not there yet, while the head is."""
    busy: bool = False

    def send(self) -> None:
        request = self.stream.request(self.sent)
        self.sent += 1
        self.busy = True
        self.began = time.perf_counter()
        self.socket.send(request)

    def received(self, data: bytes) -> bytes | None:
        """Take what arrived; returns the head when the answer is complete."""
        if self.missing:
            self.missing -= len(data)
        else:
            self.head += data
            end = self.head.find(b"\r\n\r\n")
            if end < 0:
                return None
            self.missing = _length(self.head[:end]) - (len(self.head) - end - 4)
        if self.missing:
            return None
        head, self.head, self.busy = self.head, b"", False
        return head


def _length(head: bytes) -> int:
    """Return the length of the body, 0 where the head names none."""
    place = head.lower().find(b"\r\ncontent-length:")
    if place < 0:
        return 0
    return int(head[place + 17 :].split(b"\r\n", 1)[0])


@dataclass(slots=True)
class _Run:
    load: Load
    connections: dict[int, _Connection] = field(default_factory=dict)
    latencies: list[float] = field(default_factory=list)
    wrong: str = ""

    def measure(self) -> Measured:
        """Send until the time is up, then wait for the answers that are due."""
        epoll = select.epoll()
        for stream in self.load.streams:
            opened = socket.create_connection(("127.0.0.1", self.load.port))
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.connections[opened.fileno()] = _Connection(stream, opened)
            epoll.register(opened, select.EPOLLIN)
        cpu, began = time.process_time(), time.perf_counter()
        deadline = began + self.load.seconds
        for connection in self.connections.values():
            connection.send()
        busy = len(self.connections)
        while busy and not self.wrong:
            events = epoll.poll(_PATIENCE)
            if not events:
                self.wrong = f"no answer within {_PATIENCE} s"
            for number, _ in events:
                busy -= self._answered(self.connections[number], deadline)
        ended = time.perf_counter()
        return Measured(
            ended - began,
            tuple(self.latencies),
            tuple(connection.sent for connection in self.connections.values()),
            time.process_time() - cpu,
            self.wrong,
        )

    def _answered(self, connection: _Connection, deadline: float) -> bool:
        """Take what is there, send the next; True when the connection is done."""
        data = connection.socket.recv(_CHUNK)
        if not data:
            self.wrong = "the server closed the connection"
            return True
        head = connection.received(data)
        if head is None:
            return False
        now = time.perf_counter()
        self.latencies.append(now - connection.began)
        if int(head[9:12]) != self.load.expected:
            self.wrong = head[:600].decode(errors="replace")
        if now >= deadline:
            return True
        connection.send()
        return False


def run(load: Load) -> Measured:
    """Carry out one load; it blocks until the last answer is there."""
    return _Run(load).measure()
