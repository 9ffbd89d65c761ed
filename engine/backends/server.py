"""A backend as its adapter sees it, and what an adapter offers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from ..errors import Garbled, Rejected
from .record import Record

Quote = Callable[[object], str]
"""Returns the message in a foreign document: one line of bounded length, without secrets."""
ROOT: Final = "root"
V1: Final = "v1"
LISTED: Final = "listed"
"""The address for LiteLLM: the endpoint itself, ``/v1`` below it, or the address below which the
list was found."""


@dataclass(frozen=True, slots=True)
class Route:
    """How LiteLLM reaches models of one mode: its provider prefix, and ROOT, V1 or LISTED."""

    provider: str
    base: str


@dataclass(frozen=True, slots=True)
class Server:
    """One backend, as configured.

    ``endpoint`` is its canonical address, ``url`` the configured one (with or without ``/v1``),
    ``models_endpoint`` the configured path of the list below ``url`` ("" for the usual one).
    ``get(path)`` and ``post(path, body)`` take a path below the endpoint, return JSON and raise
    TransportError; a request that is not in the adapter's ``ALLOWED`` is a bug. Text of the server
    must pass through ``quote`` before it goes into a message.
    """

    endpoint: str
    url: str
    models_endpoint: str
    get: Callable[[str], Any]
    post: Callable[[str, object], Any]
    quote: Quote

    @property
    def prefix(self) -> str:
        """The part of ``url`` below the endpoint: "" or "/v1"."""
        return self.url.removeprefix(self.endpoint)

    def optional(self, path: str, *, post: object = None) -> Any:
        """Return an answer that only adds to the list; None where the server does not have it.

        Raises:
            Unavailable: the server does not answer.
        """
        try:
            return self.get(path) if post is None else self.post(path, post)
        except (Rejected, Garbled):
            return None


@dataclass(frozen=True, slots=True)
class Found:
    """What an adapter found: records in the order of the list, and what could not be used.

    ``listed`` is the address below which the list was. ``unread`` counts entries without an id,
    ``unusable`` ids that LiteLLM could not register, ``overlong`` ids of more than MAX_ID
    characters. ``paged`` says that the list has more pages. ``matching`` says which ids the server
    takes (see :class:`engine.state.listing.Listing`). ``notes`` are sentences for the operator:
    which kind was recognised, what was left out and why.
    """

    records: tuple[Record, ...]
    listed: str
    unread: int = 0
    unusable: int = 0
    paged: bool = False
    notes: tuple[str, ...] = ()
    overlong: int = 0
    matching: str = ""


class Adapter(Protocol):
    """What each module in :mod:`engine.backends.kinds` offers.

    A module states no base, so mypy checks it where it is put into ``kinds.KINDS``.
    """

    @property
    def ALLOWED(self) -> tuple[str, ...]:  # noqa: N802 - a constant of the module
        """Every request that it may send, as ``METHOD /path``, without query."""

    @property
    def PLACES(self) -> tuple[str, ...]:  # noqa: N802
        """The paths below its address where the server may have its API."""

    @property
    def ROUTES(self) -> Mapping[str, Route]:  # noqa: N802
        """By mode, how LiteLLM reaches its models; "" is any mode that is not named."""

    def ask(self, server: Server) -> Found:
        """Ask the server, and return what it says about its models.

        Raises:
            Garbled, Rejected, Unavailable: it has no list that can be used.
        """
