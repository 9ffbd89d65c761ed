"""Fake LLM backends on loopback: they list models as real ones do, and can fail as they do."""

from __future__ import annotations

import itertools
import json
import socket
from collections.abc import Callable, Sequence
from typing import Any, Self

from .server import Answer, Fault, LoopbackServer


class FakeBackend:
    """One backend; a context manager that listens while it is entered.

    ``models`` may be changed at any time. ``raw`` replaces the body of every list. ``fault`` is
    called before each request, as with the simulator. ``stop`` keeps the port for the next
    ``start``, so that connections are refused in between, like those of a server that restarts.
    ``close`` releases the port.
    """

    def __init__(
        self, kind: str = "openai", models: Sequence[str] = (), *, key: str | None = None
    ) -> None:
        self.kind = kind
        self.models = list(models)
        self.key = key
        self.raw: bytes | None = None
        self.fault: Callable[[str, str, bytes], Fault | None] | None = None
        self.requests: list[tuple[str, str]] = []
        self.authorizations: list[str] = []
        self._port = 0
        self._reserved: socket.socket | None = None
        self._server: LoopbackServer | None = None
        self._clock = itertools.count(1_790_000_000)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def url(self) -> str:
        """The root of the server, without ``/v1``; the same after a restart."""
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Listen, on the same port as before if there was one."""
        if self._server is None:
            if self._reserved is None:
                self._reserved = _bind(self._port)
                self._port = self._reserved.getsockname()[1]
            self._server = LoopbackServer(self, self._port)
            self._server.start()

    def stop(self) -> None:
        """Refuse connections from now on."""
        if self._server is not None:
            self._server.stop()
            self._server = None

    def close(self) -> None:
        """Stop and release the port."""
        self.stop()
        if self._reserved is not None:
            self._reserved.close()
            self._reserved = None

    def answer(self, method: str, path: str, authorization: str, body: bytes) -> Answer:
        """Answer one request."""
        del body
        self.authorizations.append(authorization)
        place = path.partition("?")[0]
        if self.key is not None and authorization != f"Bearer {self.key}":
            return _json(401, {"error": {"message": "Invalid API Key", "code": 401}})
        lists = {
            "ollama": ("/api/tags", "/v1/models"),
            "vllm": ("/v1/models",),
            "gpustack": ("/v1-openai/models",),
        }
        if method != "GET" or place not in lists.get(self.kind, ("/v1/models", "/models")):
            return _json(404, {"detail": "Not Found"})
        if self.raw is not None:
            return Answer(200, self.raw)
        return _json(200, self._tags() if place == "/api/tags" else self._list())

    def _list(self) -> dict[str, Any]:
        """Return a list like vLLM's: with a time and ids that change with every call."""
        now = next(self._clock)
        return {
            "object": "list",
            "data": [
                {
                    "id": model,
                    "object": "model",
                    "created": now,
                    "owned_by": self.kind,
                    "permission": [{"id": f"modelperm-{now}", "created": now}],
                }
                for model in self.models
            ]
            or (None if self.kind == "ollama" else []),
        }

    def _tags(self) -> dict[str, Any]:
        return {
            "models": [
                {"name": model, "model": model, "size": 1, "digest": "0", "details": {}}
                for model in self.models
            ]
        }


def _bind(port: int) -> socket.socket:
    """Return a socket that reserves a port and refuses connections to it."""
    reserved = socket.socket()
    reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    reserved.bind(("127.0.0.1", port))
    return reserved


def _json(status: int, document: object) -> Answer:
    return Answer(status, json.dumps(document).encode())
