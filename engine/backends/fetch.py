"""Ask every backend what it serves, all at once, each within its own deadline."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING, Final

from ..endpoint import canonical_endpoint
from ..errors import Garbled, Rejected, TransportError, Unavailable
from ..listing import EMPTY_LIST, INVALID, NOT_READY, OK, UNAUTHORISED, UNREACHABLE, Listing, Model
from ..transport import MAX_BACKEND_BODY, Client, Http
from . import ollama, openai, vllm
from .answer import Ids, Site

if TYPE_CHECKING:
    from ..config import Backend

KINDS: Final[dict[str, ModuleType]] = {"openai": openai, "vllm": vllm, "ollama": ollama}
_GRACE: Final = 1.0
"""Seconds beyond its timeout until a backend that still has not answered is given up: name
resolution can hang longer than any socket timeout."""
_POLL: Final = 0.2

log = logging.getLogger(__name__)


def fetch_listings(
    backends: tuple[Backend, ...], http: Http, stopping: Callable[[], bool] = lambda: False
) -> tuple[Listing, ...]:
    """Return one Listing per backend, in their order; never raises for a bad backend.

    Takes as long as the slowest backend, at most the longest timeout. When ``stopping`` turns
    true, backends that have not answered yet count as unreachable.
    """
    answers: queue.SimpleQueue[Listing] = queue.SimpleQueue()
    clients = {backend.name: _client(backend, http) for backend in backends}
    for backend in backends:
        threading.Thread(
            target=lambda backend=backend: answers.put(_listing(backend, clients[backend.name])),
            name=f"list-{backend.name}",
            daemon=True,
        ).start()
    listings: dict[str, Listing] = {}
    begun = time.monotonic()
    longest = max((b.connection.timeout for b in backends), default=0.0) + _GRACE
    while len(listings) < len(backends) and time.monotonic() - begun < longest and not stopping():
        try:
            answer = answers.get(timeout=_POLL)
        except queue.Empty:
            continue
        listings[answer.backend] = answer
        log.debug("%s: %s, %d models", answer.backend, answer.outcome, len(answer.models))
    for backend in backends:
        if backend.name not in listings:
            http.discard(clients[backend.name])
            detail = f"no answer within {backend.connection.timeout:g} s"
            listings[backend.name] = Listing(backend.name, UNREACHABLE, detail=detail)
    return tuple(listings[backend.name] for backend in backends)


def _client(backend: Backend, http: Http) -> Client:
    endpoint = canonical_endpoint(backend.url)
    return http.client(endpoint, backend.key, backend.connection, MAX_BACKEND_BODY)


def _listing(backend: Backend, client: Client) -> Listing:
    if backend.key_problem:
        return Listing(backend.name, UNAUTHORISED, detail=backend.key_problem)
    module = KINDS[backend.kind]
    site = Site(canonical_endpoint(backend.url), backend.url, backend.models_endpoint)
    try:
        ids, api_base = module.ask(client.get, site)
    except TransportError as error:
        return Listing(backend.name, _outcome(error), detail=str(error))
    except Exception as error:  # a bug in one reader must not stop the others
        log.exception("%s: reading its list failed", backend.name)
        return Listing(backend.name, INVALID, detail=f"reading its list failed: {error!r}")
    models = tuple(sorted(Model(text, module.PROVIDER, api_base) for text in ids.ids))
    return Listing(
        backend.name,
        OK if models else INVALID if ids.unread or ids.unusable else EMPTY_LIST,
        models,
        partial=bool(ids.unread),
        detail=_left_out(ids),
    )


def _left_out(ids: Ids) -> str:
    notes = []
    if ids.unread:
        notes.append(f"{ids.unread} of its entries have no readable model id")
    if ids.unusable:
        notes.append(f"{ids.unusable} model ids hold NUL, * or a broken character")
    return "; ".join(notes)


def _outcome(error: TransportError) -> str:
    match error:
        case Unavailable(status=503):
            return NOT_READY
        case Rejected(status=401 | 403):
            return UNAUTHORISED
        case Rejected() | Garbled():
            return INVALID
        case _:
            return UNREACHABLE
