"""A small HTTP server on 127.0.0.1 for simulated servers, with faults on request."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from email.utils import formatdate
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, Literal, Protocol

_SIGN_IN: Final = b"<!doctype html><html><title>Sign in</title><body>Please sign in.</body></html>"
FaultKind = Literal["refuse", "hang", "status", "reset_after", "status_after", "truncate", "html"]


@dataclass(frozen=True)
class Answer:
    """One HTTP answer; ``drop`` closes the connection afterwards without a header that says so.

    ``date`` is the time that it tells, in seconds since 1970; None for the present.
    """

    status: int
    body: bytes
    content_type: str = "application/json"
    drop: bool = False
    date: float | None = None


@dataclass(frozen=True)
class Fault:
    """A fault in the handling of one request.

    Without handling it: ``refuse`` closes the connection without an answer; ``hang`` does so after
    ``seconds``; ``status`` answers ``status`` and ``body``; ``html`` answers with a sign-in page.
    After handling it: ``reset_after`` closes the connection without an answer; ``status_after``
    answers ``status`` and ``body``; ``truncate`` sends half of the answer.
    """

    kind: FaultKind
    status: int = 500
    body: str = ""
    seconds: float = 0.0


class Simulated(Protocol):
    """The interface of a simulated server; ``requests`` holds (method, path with query)."""

    requests: list[tuple[str, str]]
    fault: Callable[[str, str, bytes], Fault | None] | None

    def answer(self, method: str, path: str, authorization: str, body: bytes) -> Answer:
        """Handle one request."""
        ...


class LoopbackServer(ThreadingHTTPServer):
    """Serves one simulated server. After ``stop``, all of its threads have ended."""

    daemon_threads = False

    def __init__(self, simulated: Simulated, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.simulated = simulated
        self.stopped = threading.Event()
        self._connections: set[Any] = set()
        self._thread = threading.Thread(target=self.serve_forever, args=(0.05,))

    def start(self) -> None:
        """Serve in a new thread."""
        self._thread.start()

    def stop(self) -> None:
        """Close every connection and wait until all threads have ended."""
        self.stopped.set()
        with suppress(OSError):  # serve_forever returns at once, not after its poll
            self.socket.shutdown(socket.SHUT_RDWR)
        self.shutdown()
        self._thread.join()
        for connection in list(self._connections):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self.server_close()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Remember the connection, so that ``stop`` can close it."""
        self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Forget the connection."""
        self._connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore a client that closed its connection."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: LoopbackServer

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        simulated = self.server.simulated
        simulated.requests.append((self.command, self.path))
        fault = simulated.fault(self.command, self.path, body) if simulated.fault else None
        if fault is None:
            self._send(self._answer(body))
        else:
            self._fail(fault, body)

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _serve  # noqa: N815 - named by http.server

    def _answer(self, body: bytes) -> Answer:
        header = self.headers.get("Authorization", "")
        return self.server.simulated.answer(self.command, self.path, header, body)

    def _fail(self, fault: Fault, body: bytes) -> None:
        if fault.kind == "hang":
            self.server.stopped.wait(fault.seconds)
        if fault.kind == "html":
            self._send(Answer(200, _SIGN_IN, "text/html"))
            return
        answer = None
        if fault.kind in {"reset_after", "status_after", "truncate"}:
            answer = self._answer(body)
        if fault.kind in {"status", "status_after"}:
            self._send(Answer(fault.status, fault.body.encode()))
        elif fault.kind == "truncate" and answer is not None:
            self._send(answer, half=True)
        else:
            self.close_connection = True

    def _send(self, answer: Answer, *, half: bool = False) -> None:
        try:
            reason = HTTPStatus(answer.status).phrase
        except ValueError:
            reason = "Unknown"
        head = (
            f"HTTP/1.1 {answer.status} {reason}\r\n"
            f"Date: {formatdate(answer.date, usegmt=True)}\r\n"
            f"Content-Type: {answer.content_type}\r\n"
            f"Content-Length: {len(answer.body)}\r\n\r\n"
        )
        body = answer.body[: len(answer.body) // 2] if half else answer.body
        self.wfile.write(head.encode() + body)
        self.close_connection |= answer.drop or half

    def log_message(self, *_: object) -> None:
        """Log nothing; ``requests`` holds all requests."""
