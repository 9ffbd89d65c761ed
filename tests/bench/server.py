"""HTTP servers in a process of their own, which answer with prepared bytes after a pause.

They cost next to nothing: what is measured beside them is the client. They keep every request as
the client sent it, so that the floor can send the same bytes again.
"""

from __future__ import annotations

import itertools
import multiprocessing
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, BinaryIO, Final

SMALL: Final = 64 * 1024
"""Bytes up to which head and body are sent together."""
PIECE: Final = 256 * 1024
"""Bytes that are sent at once where the rate is limited."""
ONE_ROW: Final = "one row"
"""The name of the answer to a GET that asks for the row with an id."""
NOT_FOUND: Final = (404, b'{"detail":"Not Found"}')


@dataclass(frozen=True, slots=True)
class Request:
    """A request: when it came (seconds of the monotonic clock), from which connection, its bytes.

    ``port`` is the server's. ``connection`` is a number that no other connection to this process
    has.
    """

    time: float
    port: int
    connection: int
    content: bytes

    @property
    def line(self) -> tuple[str, str]:
        """Method and path."""
        method, path, _ = self.content.split(b"\r\n", 1)[0].decode("latin-1").split(" ", 2)
        return method, path


@dataclass(frozen=True, slots=True)
class Content:
    """An answer: ``content`` is its body, or the file that holds it."""

    content: bytes | Path
    status: int = 200


@dataclass(slots=True)
class _State:
    """What the servers of a process answer, and when.

    ``pauses`` are seconds, for reads and for writes; ``rate`` is in bytes a second, or 0.
    """

    pauses: tuple[float, float] = (0.0, 0.0)
    rate: float = 0.0
    answers: dict[tuple[int, str], tuple[int, bytes]] = field(default_factory=dict)
    files: dict[Path, bytes] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)

    def put(self, port: int, path: str, content: Content) -> None:
        body = content.content
        if isinstance(body, Path):
            if body not in self.files:
                self.files[body] = body.read_bytes()
            body = self.files[body]
        self.answers[port, path] = (content.status, body)

    def answer(self, port: int, method: str, path: str) -> tuple[int, bytes]:
        key = path.partition("?")[0] if method == "GET" else method
        if "model_id=" in path or "modelId=" in path:
            key = ONE_ROW
        return self.answers.get((port, key), NOT_FOUND)

    def take(self) -> list[Request]:
        taken, self.requests = self.requests, []
        return taken


class Servers:
    """The servers of one process, seen from the process that measures."""

    def __init__(self, control: Connection, ports: list[int]) -> None:
        self._control = control
        self.ports = ports

    def put(self, port: int, path: str, content: Content) -> None:
        """Set the answer to GETs of a path, to all writes with a method, or to ``ONE_ROW``."""
        self._call("put", port, path, content)

    def pace(self, reads: float, writes: float, rate: float) -> None:
        """Set the seconds that a request waits for its answer, and how fast a long one comes.

        ``rate`` is in bytes a second; 0 sets no limit.
        """
        self._call("pace", reads, writes, rate)

    def take(self) -> list[Request]:
        """Return the requests since the last call, in the order in which they came."""
        requests: list[Request] = self._call("take")
        return requests

    def _call(self, *command: Any) -> Any:
        self._control.send(command)
        return self._control.recv()


@contextmanager
def running_servers(count: int) -> Iterator[Servers]:
    """Run this many servers on loopback in a new process, until the end of the block."""
    context = multiprocessing.get_context("spawn")
    control, other = context.Pipe()
    process = context.Process(target=_serve, args=(other, count), daemon=True)
    process.start()
    other.close()
    try:
        yield Servers(control, control.recv())
    finally:
        control.close()
        process.join(5)
        process.kill()
        process.join()


def _serve(control: Connection, count: int) -> None:
    state, numbers = _State(), itertools.count()
    listeners = [socket.create_server(("127.0.0.1", 0), backlog=128) for _ in range(count)]
    for listener in listeners:
        threading.Thread(target=_accept, args=(listener, state, numbers), daemon=True).start()
    control.send([listener.getsockname()[1] for listener in listeners])
    with suppress(EOFError):
        while True:
            name, *values = control.recv()
            if name == "put":
                state.put(*values)
                control.send(None)
            elif name == "pace":
                reads, writes, state.rate = values
                state.pauses = (reads, writes)
                control.send(None)
            else:
                control.send(state.take())


def _accept(listener: socket.socket, state: _State, numbers: Iterator[int]) -> None:
    while True:
        client, _ = listener.accept()
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=_converse, args=(client, state, next(numbers)), daemon=True).start()


def _converse(client: socket.socket, state: _State, number: int) -> None:
    port = client.getsockname()[1]
    with client, client.makefile("rb") as stream, suppress(OSError):
        while content := _received(stream):
            request = Request(time.monotonic(), port, number, content)
            state.requests.append(request)
            method, path = request.line
            pause = state.pauses[method != "GET"]
            if pause:
                time.sleep(pause)
            status, body = state.answer(port, method, path)
            head = (
                f"HTTP/1.1 {status} Prepared\r\nContent-Type: application/json\r\n"
                f"Content-Length: {len(body)}\r\n\r\n"
            ).encode()
            if len(body) < SMALL:
                client.sendall(head + body)
            else:
                client.sendall(head)
                _send_paced(client, memoryview(body), state.rate)


def _send_paced(client: socket.socket, body: memoryview, rate: float) -> None:
    if not rate:
        client.sendall(body)
        return
    begun = time.monotonic()
    for start in range(0, len(body), PIECE):
        client.sendall(body[start : start + PIECE])
        time.sleep(max(0.0, begun + (start + PIECE) / rate - time.monotonic()))


def _received(stream: BinaryIO) -> bytes:
    """Return the next request with its body; b"" where the client has closed the connection."""
    lines, length = [], 0
    while line := stream.readline():
        lines.append(line)
        if line == b"\r\n":
            return b"".join(lines) + stream.read(length)
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    return b""
