"""What a client sends, and the session through which it does."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import requests

from .budget import Allowance
from .json_stream import Keeper

_MAX_PREPARED: Final = 50
"""Requests that are kept; a cycle sends far fewer to a server, unless it writes."""


@dataclass(frozen=True, slots=True)
class Ask:
    """A request: ``path`` is appended to the client's URL, ``body`` is sent as JSON.

    A GET has none. ``allowance`` is what its answer may cost. With a ``keeper`` the answer holds a
    list that may be long; see :meth:`Client.rows`.
    """

    method: str
    path: str
    body: object = None
    allowance: Allowance = field(default_factory=Allowance)
    keeper: Callable[[], Keeper] | None = None
    is_raw: bool = False


class Session(requests.Session):
    """The connections to one server, and what was asked of it.

    ``trusted`` is what TLS certificates are checked with. To prepare a request takes longer than to
    send it, and a loop sends the same ones again.
    """

    def __init__(self, trusted: str | bool) -> None:  # noqa: FBT001 - as requests has it
        super().__init__()
        self.trusted = trusted
        self._prepared: dict[str, requests.PreparedRequest] = {}

    def ask(self, ask: Ask, url: str, timeout: tuple[float, float]) -> requests.Response:
        """Send a request, follow no redirect, and return the response before its body is read."""
        return self.get_adapter(url).send(
            self._prepare(ask, url),
            stream=True,
            timeout=timeout,
            verify=self.trusted,
            proxies=self.proxies,
        )

    def _prepare(self, ask: Ask, url: str) -> requests.PreparedRequest:
        if ask.body is not None:
            body = json.dumps(ask.body, allow_nan=False).encode()
            kind = {"Content-Type": "application/json"}
            return self.prepare_request(requests.Request(ask.method, url, kind, data=body))
        if url not in self._prepared:
            if len(self._prepared) >= _MAX_PREPARED:
                self._prepared.clear()
            self._prepared[url] = self.prepare_request(requests.Request(ask.method, url))
        return self._prepared[url]
