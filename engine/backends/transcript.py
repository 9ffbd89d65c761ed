"""What was asked of a backend and answered in the last cycle, so that it need not be read again.

An adapter is a function of the answers that it gets. So while a backend answers each request as it
did, byte for byte, the next requests are the same too, and so is the listing.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from ..errors import Rejected, TransportError, Unavailable
from ..state.listing import Listing
from ..transport.body import Answer
from ..transport.budget import Allowance
from ..transport.client import Client

_MAX_KEPT: Final = 2**20
"""Bytes of the answers to POSTs in a transcript: until it is known whether all is as it was, they
stay in memory, which their Allowance does not count."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request (``body`` as JSON text, "" for a GET), and the digest or error that answers it."""

    method: str
    path: str
    body: str
    answer: str


@dataclass(frozen=True, slots=True)
class Transcript:
    """All exchanges of one reading, and the listing that they lead to."""

    exchanges: tuple[Exchange, ...]
    listing: Listing


class Asker:
    """Sends the requests of one reading of a backend, and records them.

    ``heard`` is called with each request and the JSON value of its answer.
    """

    def __init__(
        self, client: Client, allowance: Allowance, heard: Callable[[str, Any], None] | None = None
    ) -> None:
        self._client = client
        self._hear = heard
        self._allowance = allowance
        self._heard: deque[tuple[Exchange, Answer | TransportError]] = deque()
        self._exchanges: list[Exchange] = []
        self._kept = 0

    def repeat(self, known: Transcript) -> Listing | None:
        """Ask again what was asked; return the listing if all answers are the same.

        Otherwise the answers so far serve the requests that follow.
        """
        for exchange in known.exchanges:
            heard = self._send(exchange.method, exchange.path, exchange.body)
            self._heard.append(heard)
            if heard[0] != exchange:
                return None
        return known.listing

    def ask(self, method: str, path: str, body: str = "") -> Any:
        """Send a request, unless :meth:`repeat` has, and return the JSON of its answer.

        Raises:
            Unavailable, Rejected, Garbled: as :meth:`engine.transport.client.Client.get`.
        """
        wanted = (method, path, body)
        if self._heard and _request(self._heard[0][0]) == wanted:
            exchange, answer = self._heard.popleft()
        else:
            self._heard.clear()
            exchange, answer = self._send(*wanted)
        self._exchanges.append(exchange)
        if isinstance(answer, TransportError):
            raise answer
        if method == "POST":
            self._kept += answer.size
        document = answer.document()
        if self._hear is not None:
            self._hear(f"{method} {path}{f' {body}' if body else ''}", document)
        return document

    def transcript(self, listing: Listing) -> Transcript | None:
        """Return what was asked and answered; None if that is too much to be asked again so."""
        if self._kept > _MAX_KEPT:
            return None
        return Transcript(tuple(self._exchanges), listing)

    def _send(self, method: str, path: str, body: str) -> tuple[Exchange, Answer | TransportError]:
        answer: Answer | TransportError
        try:
            answer = self._answer(method, path, body)
            said = answer.digest
        except TransportError as error:
            answer = error
            status = error.status if isinstance(error, Rejected | Unavailable) else 0
            said = f"{type(error).__name__} {status} {error}"
        return Exchange(method, path, body, said), answer

    def _answer(self, method: str, path: str, body: str) -> Answer:
        if method == "GET":
            return self._client.ask(path, self._allowance)
        before = self._allowance.spent()
        try:
            return self._client.ask(path, self._allowance, post=json.loads(body))
        finally:
            self._allowance.restore(before)


def _request(exchange: Exchange) -> tuple[str, str, str]:
    return exchange.method, exchange.path, exchange.body
