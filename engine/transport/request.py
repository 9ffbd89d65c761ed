"""What a client sends, the session through which it does, and what records or replaces that."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

import requests

from ..errors import TransportError
from .budget import Allowance
from .json_stream import Keeper

_MAX_PREPARED: Final = 50
"""Requests that are kept, without bodies; a cycle has far fewer, but for changes of rows, each of
which has a URL of its own."""


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

    @property
    def content(self) -> bytes | None:
        """The body as it is sent; None without one."""
        return None if self.body is None else json.dumps(self.body, allow_nan=False).encode()


class Session(requests.Session):
    """The connections to one server, and what was asked of it.

    ``trusted`` is what TLS certificates are checked with. To prepare a request takes longer than to
    send it, and a loop sends the same ones again.
    """

    def __init__(self, trusted: str | bool) -> None:  # noqa: FBT001 - as requests has it
        super().__init__()
        self.trusted = trusted
        self._prepared: dict[tuple[str, str], requests.PreparedRequest] = {}

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
        how = ask.method, url
        if how not in self._prepared:
            if len(self._prepared) >= _MAX_PREPARED:
                self._prepared.clear()
            kind = {} if ask.body is None else {"Content-Type": "application/json"}
            self._prepared[how] = self.prepare_request(requests.Request(*how, kind))
        prepared = self._prepared[how]
        if ask.body is not None:
            prepared = prepared.copy()
            prepared.prepare_body(ask.content, None)
        return prepared


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as a tape knows it: ``backend`` is the name of who is asked, "" for LiteLLM."""

    backend: str
    method: str
    url: str
    body: bytes


@dataclass(slots=True)
class Taped:
    """What became of a request: an answer, or the error that it ended in.

    ``status`` is 0 as long as no answer has begun, ``kind`` its content type, ``via`` what messages
    say of a proxy in between. ``content`` is what was read of the body, unpacked.
    """

    status: int = 0
    kind: str = ""
    content: bytearray = field(default_factory=bytearray)
    via: str = ""
    error: TransportError | None = None


class Tape(Protocol):
    """Stands between the clients and the network. May be called by several threads at once."""

    def recall(self, asked: Asked) -> Taped | None:
        """Return what became of a request earlier; with None, the network is asked.

        Raises:
            TransportError: the recorded one, or there is no record of such a request.
        """

    def begin(self, asked: Asked) -> None:
        """Take note that the network is asked."""

    def keep(self, asked: Asked, taped: Taped) -> None:
        """Take note of what became of that."""


@dataclass(frozen=True, slots=True)
class Track:
    """What a client has of a tape: the tape, and the name of the backend that it asks."""

    tape: Tape
    backend: str

    def asked(self, ask: Ask, url: str) -> Asked:
        """Return a request as the tape knows it."""
        return Asked(self.backend, ask.method, url, ask.content or b"")


def played(taped: Taped) -> requests.Response:
    """Return an answer from a tape as if it came from the network."""
    response = requests.Response()
    response.status_code = taped.status
    response.headers["Content-Type"] = taped.kind
    response.raw = _Played(taped.content)
    return response


class _Played:
    def __init__(self, content: bytearray) -> None:
        self._content = io.BytesIO(content)

    def read(self, size: int, *, decode_content: bool) -> bytes:
        del decode_content
        return self._content.read(size)

    read1 = read

    def close(self) -> None:
        """Do nothing; there is no connection."""
