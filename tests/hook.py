"""A webhook: a real HTTP server on this machine that keeps what it is sent."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from engine.state.secret import Secret


class Hook:
    """What a webhook was sent, and how it answers: ``status``, ``location``, ``body``.

    It answers after ``delay`` seconds. ``path`` is the secret part of its URL.
    """

    path = "/services/T0/hunter2-in-the-path"

    def __init__(self) -> None:
        self.status = 200
        self.location = ""
        self.body = b"ok"
        self.delay = 0.0
        self.bodies: list[bytes] = []
        self.paths: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.port = 0
        self._arrived = threading.Condition()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}{self.path}"

    @property
    def secret(self) -> Secret:
        return Secret(self.url)

    @property
    def messages(self) -> list[Any]:
        return [json.loads(body) for body in self.bodies]

    def wait_for(self, number: int, seconds: float = 10.0) -> list[Any]:
        """Return the messages once there are as many."""
        with self._arrived:
            assert self._arrived.wait_for(lambda: len(self.bodies) >= number, seconds)
        return self.messages

    def take(self, path: str, headers: dict[str, str], body: bytes) -> None:
        time.sleep(self.delay)
        with self._arrived:
            self.paths.append(path)
            self.headers.append(headers)
            self.bodies.append(body)
            self._arrived.notify_all()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Say nothing of a client that closed its connection early."""


@contextmanager
def running_hook() -> Iterator[Hook]:
    hook = Hook()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            hook.take(self.path, dict(self.headers.items()), body)
            self.send_response(hook.status)
            if hook.location:
                self.send_header("Location", hook.location)
            self.send_header("Content-Length", str(len(hook.body)))
            self.end_headers()
            self.wfile.write(hook.body)

        def log_message(self, *_: object) -> None:
            pass

    server = _Server(("127.0.0.1", 0), Handler)
    hook.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield hook
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
