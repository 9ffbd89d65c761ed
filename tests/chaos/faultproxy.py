"""An HTTP proxy on loopback between the engine and one server, which injects faults.

It also kills the engine between two requests, and calls a witness after every write.
"""

from __future__ import annotations

import json
import random
import socket
import struct
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from .faults import DONE, LISTING, Dice, Fault, is_whole_listing

Moment = Literal["before", "in_flight", "after"]
Balance = Literal["connection", "request", "random"]
MOMENTS: Final[tuple[Moment, ...]] = ("before", "in_flight", "after")
SIGN_IN: Final = b"<!doctype html><html><title>Sign in</title><body>Please sign in.</body></html>"
PATIENCE: Final = 15.0
"""Seconds after which the proxy ends its silence; the engine has given up long before."""
_DROPPED: Final = ("connection", "content-length", "host", "keep-alive", "transfer-encoding")


@dataclass(frozen=True)
class Answer:
    """What a server answered."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


@dataclass(frozen=True)
class Request:
    """What the engine asked."""

    method: str
    path: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    @property
    def writes(self) -> bool:
        """Whether it may change LiteLLM."""
        return self.method != "GET"


@dataclass(frozen=True)
class Trap:
    """Kill the engine at its ``at``-th request from now, counted from 1.

    ``before``: the server never sees it. ``in_flight``: the server gets it, the engine is dead
    before the answer. ``after``: the server has answered, the engine never reads it.
    """

    at: int
    moment: Moment


class FaultProxy:
    """Stands before one server, or before several replicas.

    ``balance`` says how replicas take turns: by connection, as behind a Service of Kubernetes; by
    request, as behind nginx; or a random one at each request, as where others ask too.

    ``dice`` decide what fails, ``tally`` counts the faults, ``requests`` are the methods and paths
    that were sent, ``authorizations`` the headers of that name. ``on_write`` is called after the
    server carried a write out, before the engine gets the answer; ``on_request`` before each
    request. ``port`` is known from the beginning and stays the same.
    """

    def __init__(self, seed: str) -> None:
        self.upstreams: list[str] = []
        self.balance: Balance = "connection"
        self.dice = Dice(seed)
        self.tally: Counter[str] = Counter()
        self.requests: list[tuple[str, str]] = []
        self.authorizations: set[str] = set()
        self.on_request: Callable[[Request], None] = lambda _: None
        self.on_write: Callable[[], None] = lambda: None
        self.kill: Callable[[], None] = lambda: None
        self._random = random.Random(f"{seed}/proxy")
        self._lock = threading.Lock()
        self._trap: Trap | None = None
        self._since = 0
        self._held: list[tuple[int, Request]] = []
        self._listings: list[Answer] = []
        self.stopped = threading.Event()
        self._server = _Server(self)
        self._server.begin()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.server_port)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def close(self) -> None:
        """Stop listening, and wait for all threads."""
        self.stopped.set()
        self._server.end()

    def set_trap(self, trap: Trap | None) -> None:
        """Kill the engine as the trap says, counting from now."""
        with self._lock:
            self._trap, self._since = trap, len(self.requests)

    @property
    def sprung(self) -> bool:
        """Whether the engine reached the request of the trap."""
        with self._lock:
            return self._trap is not None and len(self.requests) - self._since >= self._trap.at

    def calm(self) -> None:
        """Stop all faults, and send the requests that were held back."""
        self.dice = Dice(self.dice.seed)
        self.deliver()

    def deliver(self, number: float = float("inf")) -> None:
        """Send the requests that were held back until the ``number``-th request."""
        with self._lock:
            due = [held for at, held in self._held if at <= number]
            self._held = [(at, held) for at, held in self._held if at > number]
        for request in due:
            with suppress(OSError, HTTPException):
                self.forward(request)

    def note(self, request: Request) -> tuple[Fault | None, Moment | None]:
        """Remember a request; decide what fails and whether to kill the engine over it."""
        with self._lock:
            self.requests.append((request.method, request.path))
            self.authorizations |= {v for k, v in request.headers if k.lower() == "authorization"}
            fault = self.dice.fault(request.method, request.path)
            number = len(self.requests) - self._since
            moment = self._trap.moment if self._trap and self._trap.at == number else None
            if moment is not None:
                self.tally["kill"] += 1
                return None, moment
            if fault is not None:
                self.tally[str(fault)] += 1
            return fault, None

    def turn(self, connection: int) -> int:
        """Return the number of the replica whose turn it is."""
        if self.balance == "random":
            return self._random.randrange(len(self.upstreams))
        return len(self.requests) if self.balance == "request" else connection

    def forward(self, request: Request, turn: int = 0) -> Answer:
        """Let a server carry a request out."""
        url = urlsplit(self.upstreams[turn % len(self.upstreams)])
        connection = HTTPConnection(url.hostname or "", url.port, timeout=120)
        try:
            connection.request(
                request.method, request.path, request.body or None, dict(request.headers)
            )
            response = connection.getresponse()
            answer = Answer(response.status, tuple(response.getheaders()), response.read())
        finally:
            connection.close()
        if request.writes:
            self.on_write()
        return answer

    def hold(self, request: Request) -> None:
        """Carry a request out later: after one to three more."""
        with self._lock:
            self._held.append((len(self.requests) + self._random.randint(1, 3), request))

    def listing(self, fault: Fault, answer: Answer) -> Answer:
        """Return a listing that is not true, made from a true one."""
        with self._lock:
            if fault.kind == "stale":
                return self._random.choice(self._listings or [answer])
            document = json.loads(answer.body)
            rows: list[Any] = document["data"]
            if fault.kind == "forgetful":
                rows = [row for row in rows if self._random.random() < 0.7]
            if fault.kind == "doubled":
                rows = rows + [row for row in rows if self._random.random() < 0.3]
            self._random.shuffle(rows)
        return Answer(answer.status, answer.headers, json.dumps({"data": rows}).encode())

    def remember(self, request: Request, answer: Answer) -> None:
        """Keep the last four listings, to send one of them again later."""
        if answer.status == 200 and request.method == "GET" and is_whole_listing(request.path):
            with self._lock:
                self._listings = [*self._listings[-3:], answer]


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    request_queue_size = 64

    def __init__(self, proxy: FaultProxy) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.proxy = proxy
        self.connections = 0
        self._open: set[socket.socket] = set()
        self._thread = threading.Thread(target=self.serve_forever, args=(0.05,))

    def begin(self) -> None:
        self._thread.start()

    def end(self) -> None:
        with suppress(OSError):  # serve_forever wakes at once, not at its next poll
            self.socket.shutdown(socket.SHUT_RDWR)
        self.shutdown()
        self._thread.join()
        for connection in list(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self.server_close()

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: object, client_address: object) -> None:
        """Print nothing about a client that went away: we kill it on purpose."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def _serve(self) -> None:
        proxy = self.server.proxy
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = tuple((k, v) for k, v in self.headers.items() if k.lower() not in _DROPPED)
        request = Request(self.command, self.path, headers, body)
        proxy.on_request(request)
        fault, moment = proxy.note(request)
        try:
            if moment is not None:
                self._kill(request, moment)
            elif fault is None:
                answer = self._forwarded(request)
                proxy.remember(request, answer)
                self._send(answer)
            elif fault.kind in LISTING:
                self._send(proxy.listing(fault, self._forwarded(request)))
            elif fault.kind in DONE:
                self._fail_after(request, fault)
            else:
                self._fail_before(fault)
        except (OSError, HTTPException):
            self.close_connection = True
        proxy.deliver(len(proxy.requests))

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _serve  # noqa: N815 - named by http.server

    def setup(self) -> None:
        self.server.connections += 1
        self.number = self.server.connections
        super().setup()

    def _forwarded(self, request: Request) -> Answer:
        proxy = self.server.proxy
        return proxy.forward(request, proxy.turn(self.number))

    def _kill(self, request: Request, moment: Moment) -> None:
        proxy = self.server.proxy
        self.close_connection = True
        if moment == "before":
            proxy.kill()
            return
        if moment == "in_flight":
            proxy.kill()
            self._forwarded(request)
            return
        self._forwarded(request)
        proxy.kill()

    def _fail_before(self, fault: Fault) -> None:
        match fault.kind:
            case "status":
                self._send(Answer(fault.status, (), b'{"error": {"message": "injected"}}'))
            case "html":
                self._send(Answer(200, (("Content-Type", "text/html"),), SIGN_IN))
            case "redirect":
                place = ("Location", f"http://localhost:{self.server.server_port}/elsewhere")
                self._send(Answer(307, (place,), b""))
            case "hang":
                self._wait()
                self.close_connection = True
            case _:
                self._reset()

    def _fail_after(self, request: Request, fault: Fault) -> None:
        proxy = self.server.proxy
        if fault.kind == "late":
            proxy.hold(request)
            self.close_connection = True
            return
        answer = self._forwarded(request)
        match fault.kind:
            case "status_after":
                self._send(Answer(fault.status, (), b'{"error": {"message": "injected"}}'))
            case "html_after":
                self._send(Answer(200, (("Content-Type", "text/html"),), SIGN_IN))
            case "twice":
                self._send(self._forwarded(request))
            case "truncate" | "reset" | "drip":
                self._send(answer, share=random.Random(len(answer.body)).random())
                if fault.kind == "drip":
                    self._wait()
                elif fault.kind == "reset":
                    self._reset()
                self.close_connection = True
            case _:
                self.close_connection = True

    def _send(self, answer: Answer, *, share: float = 1.0) -> None:
        self.send_response_only(answer.status)
        for name, value in answer.headers:
            if name.lower() not in _DROPPED:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body[: int(len(answer.body) * share)])
        self.wfile.flush()

    def _wait(self) -> None:
        """Send nothing until the engine hangs up."""
        self.connection.settimeout(PATIENCE)
        with suppress(OSError):
            while not self.server.proxy.stopped.is_set() and self.connection.recv(65536):
                pass

    def _reset(self) -> None:
        """Abort the connection: the engine sees ECONNRESET, not an orderly end."""
        linger = struct.pack("ii", 1, 0)
        with suppress(OSError):
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.connection.close()
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Nothing is logged; ``requests`` holds them all."""
