"""A LiteLLM proxy in this process: its model-management API over HTTP, and nothing behind it.

The contract tests run the same assertions against this and against real proxies. Two simulators
that share a :class:`Database` are two replicas: each sees the other's changes after a reload.
"""

from __future__ import annotations

import math
import socket
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Literal, Self

from .simulator_answers import Answer, Json
from .simulator_api import Replica
from .simulator_rows import Database, Row

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["Database", "Fault", "FaultKind", "LiteLLMSimulator", "Row"]

_SIGN_IN = b"<!doctype html><html><title>Sign in</title><body>Please sign in.</body></html>"


FaultKind = Literal["refuse", "hang", "status", "reset_after", "status_after", "truncate", "html"]


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong with one request.

    ``refuse``: closed without an answer. ``hang``: the same after ``seconds``. ``status``:
    answered with ``status`` and ``body``, nothing is carried out. ``reset_after``,
    ``status_after``: carried out, then closed without an answer, or answered like ``status``.
    ``truncate``: carried out, half of the answer. ``html``: a sign-in page, not carried out.
    """

    kind: FaultKind
    status: int = 500
    body: str = ""
    seconds: float = 0.0


class LiteLLMSimulator:
    """One replica of a LiteLLM proxy; a context manager that listens while it is entered.

    ``reload_interval`` seconds after the last time, a request makes it re-read the database, as
    LiteLLM's poll does; without it only :meth:`reload` does. ``fault`` is asked before each
    request, with its method, path (with query) and body.
    """

    def __init__(
        self,
        version: str = "1.106.2",
        *,
        master_key: str = "sk-demo",
        config_models: Sequence[Json] = (),
        database: Database | None = None,
        reload_interval: float | None = None,
    ) -> None:
        self.version = version
        self.database = Database() if database is None else database
        self.requests: list[tuple[str, str]] = []
        self.fault: Callable[[str, str, bytes], Fault | None] | None = None
        self._interval = math.inf if reload_interval is None else reload_interval
        self._reloaded = 0.0
        self._replica = Replica(version, self.database, config_models, master_key)
        self._server: _Server | None = None

    def __enter__(self) -> Self:
        self.reload()
        self._server = _Server(self)
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.stop()
            self._server = None

    @property
    def url(self) -> str:
        """Where it listens."""
        if self._server is None:
            raise RuntimeError("the simulator is not running: enter it with a with statement")
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def writes(self) -> list[tuple[str, str]]:
        """The requests that are not GET."""
        return [request for request in self.requests if request[0] != "GET"]

    def reload(self) -> None:
        """Re-read the database into this replica's router, as LiteLLM's poll does."""
        self._reloaded = time.monotonic()
        self._replica.reload()

    def answer(self, method: str, path: str, authorization: str, body: bytes) -> Answer:
        """Carry a request out; a reload that is due comes first."""
        if time.monotonic() - self._reloaded >= self._interval:
            self.reload()
        return self._replica.answer(method, path, authorization, body)


class _Server(ThreadingHTTPServer):
    """Joins all of its threads when it stops, so it has to close their connections first."""

    daemon_threads = False

    def __init__(self, simulator: LiteLLMSimulator) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.simulator = simulator
        self.stopped = threading.Event()
        self._connections: set[Any] = set()
        self._thread = threading.Thread(target=self.serve_forever, args=(0.05,))

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self.stopped.set()
        self.shutdown()
        self._thread.join()
        for connection in list(self._connections):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self.server_close()

    def process_request(self, request: Any, client_address: Any) -> None:
        self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing about a client that went away, it is free to."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        simulator = self.server.simulator
        simulator.requests.append((self.command, self.path))
        fault = simulator.fault(self.command, self.path, body) if simulator.fault else None
        if fault is None:
            self._send(self._carried_out(body))
        else:
            self._fail(fault, body)

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _serve  # noqa: N815 -- named by http.server

    def _carried_out(self, body: bytes) -> Answer:
        header = self.headers.get("Authorization", "")
        return self.server.simulator.answer(self.command, self.path, header, body)

    def _fail(self, fault: Fault, body: bytes) -> None:
        if fault.kind == "hang":
            self.server.stopped.wait(fault.seconds)
        if fault.kind == "html":
            self._send(Answer(200, _SIGN_IN, "text/html"))
            return
        answer = None
        if fault.kind in {"reset_after", "status_after", "truncate"}:
            answer = self._carried_out(body)
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
            f"Content-Type: {answer.content_type}\r\n"
            f"Content-Length: {len(answer.body)}\r\n\r\n"
        )
        body = answer.body[: len(answer.body) // 2] if half else answer.body
        self.wfile.write(head.encode() + body)
        self.close_connection |= answer.drop or half

    def log_message(self, *_: object) -> None:
        """Nothing is logged, ``requests`` holds them all."""
