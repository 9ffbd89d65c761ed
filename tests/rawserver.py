"""A server that sends exactly the bytes of a script, also those that http.server never sends."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Self

MAX_WAIT = 20.0
"""Seconds after which a script that waits continues in any case: no test hangs for ever."""
AMPLE = MAX_WAIT / 2
"""Seconds within which anything that does not wait for such a script ends, even on a slow
machine."""


@dataclass(eq=False)
class Exchange:
    """One request, and the connection on which to answer it.

    ``number`` counts the requests of the server from 0, ``connection`` its connections.
    """

    number: int
    connection: int
    head: str
    _socket: socket.socket
    _stopped: threading.Event
    closed: bool = False

    @property
    def path(self) -> str:
        return self.head.split(" ", 2)[1]

    @property
    def headers(self) -> dict[str, str]:
        lines = self.head.split("\r\n")[1:]
        return {name.lower(): value.strip() for name, _, value in (x.partition(":") for x in lines)}

    def send(self, data: bytes) -> bool:
        """Send; return False if the client has closed the connection or the server is to stop."""
        if self._stopped.is_set():
            return False
        try:
            self._socket.sendall(data)
        except OSError:
            return False
        return True

    def wait(self, seconds: float = MAX_WAIT) -> None:
        """Send nothing for a while, or until the server is to stop."""
        self._stopped.wait(seconds)

    def close(self) -> None:
        """Close the connection after this script."""
        self.closed = True


Script = Callable[[Exchange], None]


@dataclass(eq=False)
class RawServer:
    """Listens on 127.0.0.1 while it is entered and plays ``script`` for each request."""

    script: Script
    tls: ssl.SSLContext | None = None
    exchanges: list[Exchange] = field(default_factory=list)
    connections: int = 0

    def __enter__(self) -> Self:
        self._stopped = threading.Event()
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._listening.settimeout(0.05)
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        for connection in (self._listening, *self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(MAX_WAIT)
            assert not thread.is_alive()
        self._listening.close()

    @property
    def port(self) -> int:
        port: int = self._listening.getsockname()[1]
        return port

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    @property
    def paths(self) -> list[str]:
        return [exchange.path for exchange in self.exchanges]

    def all_hung_up(self) -> bool:
        """Wait until every client has closed its connections; False if one keeps one open."""
        _, *talks = self._threads
        for thread in talks:
            thread.join(AMPLE)
        return not any(thread.is_alive() for thread in talks)

    def _start(self, target: Callable[[], None]) -> None:
        thread = threading.Thread(target=target, name="raw-server")
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._stopped.is_set():
            try:
                connection, _ = self._listening.accept()
            except OSError:  # no client yet, or the server stops
                continue
            connection.settimeout(MAX_WAIT)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._open.append(connection)
            number, self.connections = self.connections, self.connections + 1
            self._start(lambda c=connection, n=number: self._talk(c, n))  # type: ignore[misc]

    def _talk(self, connection: socket.socket, number: int) -> None:
        with suppress(OSError), connection:
            if self.tls is not None:
                connection = self.tls.wrap_socket(connection, server_side=True)
                self._open.append(connection)
            while head := self._head(connection):
                exchange = Exchange(len(self.exchanges), number, head, connection, self._stopped)
                self.exchanges.append(exchange)
                self.script(exchange)
                if exchange.closed or self._stopped.is_set():
                    break
            if self.tls is not None:
                connection.close()

    def _head(self, connection: socket.socket) -> str:
        """Read one request, with its body, and return its head; "" at the end."""
        data = b""
        while b"\r\n\r\n" not in data:
            more = connection.recv(65536)
            if not more:
                return ""
            data += more
        head, _, body = data.partition(b"\r\n\r\n")
        text = head.decode("latin-1")
        length = next(
            (
                int(x.split(":")[1])
                for x in text.split("\r\n")
                if x.lower().startswith("content-le")
            ),
            0,
        )
        while len(body) < length:
            body += connection.recv(65536)
        return text


def answer(
    body: bytes = b"",
    *headers: str,
    status: str = "200 OK",
    kind: str = "application/json",
    length: int | None = None,
) -> bytes:
    """Return a whole HTTP answer; ``length`` is the length that its header claims."""
    size = len(body) if length is None else length
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", f"Content-Length: {size}", *headers]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def as_json(document: Any, status: str = "200 OK") -> bytes:
    """Return an answer with a JSON document."""
    return answer(json.dumps(document).encode(), status=status)


def always(data: bytes) -> Script:
    """Return a script that gives every request the same answer."""

    def script(exchange: Exchange) -> None:
        exchange.send(data)

    return script


def once(data: bytes) -> Script:
    """Return a script that answers and closes the connection."""

    def script(exchange: Exchange) -> None:
        exchange.send(data)
        exchange.close()

    return script
