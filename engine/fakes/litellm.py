"""A simulated LiteLLM proxy: its model-management API over HTTP, without any inference.

The contract tests run the same assertions against this and against real proxies. Two simulators
that share a :class:`Database` are two replicas: each serves the other's changes after a reload.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from typing import Self

from .litellm_admin import Admin
from .litellm_api import Replica
from .litellm_errors import Json
from .litellm_rows import Database
from .server import Answer, Fault, LoopbackServer


class LiteLLMSimulator:
    """One replica of a LiteLLM proxy; a context manager that listens while it is entered.

    It reads the database again with the first request that arrives ``reload_interval`` seconds or
    more after the last reload, like LiteLLM's poll; by default only :meth:`reload` does. ``fault``
    is called before each request, with its method, path (with query) and body. ``admin_keys`` are
    keys of administrators beside the master key.
    """

    def __init__(
        self,
        version: str = "1.106.2",
        *,
        master_key: str = "sk-demo",
        admin_keys: Sequence[str] = (),
        config_models: Sequence[Json] = (),
        database: Database | None = None,
    ) -> None:
        self.version = version
        self.database = Database() if database is None else database
        self.requests: list[tuple[str, str]] = []
        self.fault: Callable[[str, str, bytes], Fault | None] | None = None
        self.reload_interval = math.inf
        self._reloaded = 0.0
        self._replica = Replica(version, self.database, config_models, {master_key, *admin_keys})
        self._server: LoopbackServer | None = None

    def __enter__(self) -> Self:
        self.reload()
        self._server = LoopbackServer(self)
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.stop()
            self._server = None

    @property
    def url(self) -> str:
        """The address on which it listens."""
        if self._server is None:
            raise RuntimeError("the simulator is not running: enter it with a with statement")
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def admin(self) -> Admin:
        """Its settings and users, which may be changed at any time."""
        return self._replica.admin

    @property
    def writes(self) -> list[tuple[str, str]]:
        """The requests that are not GET."""
        return [request for request in self.requests if request[0] != "GET"]

    def reload(self) -> None:
        """Read the database into this replica's router again, like LiteLLM's poll."""
        self._reloaded = time.monotonic()
        self._replica.reload()

    def answer(self, method: str, path: str, authorization: str, body: bytes) -> Answer:
        """Answer a request, after a reload if one is due."""
        if time.monotonic() - self._reloaded >= self.reload_interval:
            self.reload()
        return self._replica.answer(method, path, authorization, body)
