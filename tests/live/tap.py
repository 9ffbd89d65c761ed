"""An HTTP proxy on loopback that passes everything on, records requests and can kill its client."""

from __future__ import annotations

import json
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal, Self
from urllib.parse import urlsplit

Request = tuple[str, str]
"""Method, and path with query."""
Moment = Literal["before", "in_flight", "after"]
_DROPPED = ("connection", "content-length", "host", "keep-alive", "transfer-encoding")


@dataclass(frozen=True)
class Trap:
    """When to kill the client: at its ``at``-th request, counted from 1 and from setting the trap.

    ``before``: the server never sees that request. ``in_flight``: the server gets it, the client
    is dead before the answer. ``after``: the server has answered, the client never reads it.
    """

    at: int
    moment: Moment


class Tap:
    """Passes everything on to ``upstream``; a context manager that listens while it is entered.

    ``requests`` are all requests so far, ``deleted`` the ids of rows that were deleted through it
    and not made again. ``answer`` may answer a request itself, with a status and a body, or return
    None to pass it on; it is called in the thread of the request, so it may also wait. ``stop`` and
    ``start`` keep the port.
    """

    def __init__(self, upstream: str) -> None:
        parts = urlsplit(upstream)
        assert parts.hostname is not None
        self.upstream = (parts.hostname, parts.port or 80)
        self.requests: list[Request] = []
        self.deleted: set[str] = set()
        self.answer: Callable[[str, str, bytes], tuple[int, bytes] | None] | None = None
        self.victim: subprocess.Popen[str] | None = None
        self._trap: Trap | None = None
        self._since = 0
        self._lock = threading.Lock()
        self._port = 0
        self._server: _Server | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """Where it listens; the same after a restart."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def writes(self) -> list[Request]:
        """Every request so far that was no GET."""
        return [request for request in self.requests if request[0] != "GET"]

    def start(self) -> None:
        """Listen."""
        self._server = _Server(self, self._port)
        self._port = self._server.server_port
        self._server.begin()

    def stop(self) -> None:
        """Refuse connections from now on; wait until what was passed on has been answered."""
        if self._server is not None:
            self._server.end()
            self._server = None

    @contextmanager
    def holding(self) -> Iterator[None]:
        """Hold back every answer until the block ends."""
        released = threading.Event()

        def wait(_method: str, _path: str, _body: bytes) -> None:
            released.wait()

        self.answer = wait
        try:
            yield
        finally:
            self.answer = None
            released.set()

    def set_trap(self, trap: Trap | None) -> None:
        """Kill ``victim`` as the trap says, counting from now on."""
        with self._lock:
            self._trap, self._since = trap, len(self.requests)

    def note(self, request: Request) -> Moment | None:
        """Remember a request; return when the client is to be killed over it."""
        with self._lock:
            self.requests.append(request)
            number = len(self.requests) - self._since
            return self._trap.moment if self._trap and self._trap.at == number else None

    def note_row(self, path: str, body: bytes) -> None:
        """Remember which row a request that is passed on makes or deletes."""
        if path == "/model/delete":
            self.deleted.add(json.loads(body)["id"])
        elif path == "/model/new":
            self.deleted.discard(json.loads(body)["model_info"]["id"])

    def kill(self) -> None:
        """Kill -9 the victim and wait until it is dead."""
        assert self.victim is not None
        self.victim.kill()
        self.victim.wait()


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    request_queue_size = 64

    def __init__(self, tap: Tap, port: int) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.tap = tap
        self._thread = threading.Thread(target=self.serve_forever, args=(0.05,))

    def begin(self) -> None:
        self._thread.start()

    def end(self) -> None:
        with suppress(OSError):  # serve_forever wakes at once, not at its next poll
            self.socket.shutdown(socket.SHUT_RDWR)
        self.shutdown()
        self._thread.join()
        self.server_close()

    def handle_error(self, request: object, client_address: object) -> None:
        """Print nothing about a client that went away: we kill it on purpose."""


class _Handler(BaseHTTPRequestHandler):
    disable_nagle_algorithm = True
    server: _Server

    def _serve(self) -> None:
        tap = self.server.tap
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        moment = tap.note((self.command, self.path))
        own = tap.answer(self.command, self.path, body) if tap.answer else None
        if own is not None:
            self._send(own[0], [("Content-Type", "application/json")], own[1])
            return
        if moment == "before":
            tap.kill()
            return
        tap.note_row(self.path, body)
        connection = HTTPConnection(*tap.upstream, timeout=120)
        try:
            headers = {k: v for k, v in self.headers.items() if k.lower() not in _DROPPED}
            connection.request(self.command, self.path, body or None, headers)
            if moment == "in_flight":
                tap.kill()
            answer = connection.getresponse()
            content = answer.read()
        except (OSError, HTTPException):
            return
        finally:
            connection.close()
        if moment == "after":
            tap.kill()
        if moment is None:
            self._send(answer.status, answer.getheaders(), content)

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _serve  # noqa: N815 - named by http.server

    def _send(self, status: int, headers: list[tuple[str, str]], content: bytes) -> None:
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in _DROPPED:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Nothing is logged; ``requests`` holds them all."""
