"""Ask every backend what it serves, all at once, each within its own deadline."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Collection, Iterable
from typing import TYPE_CHECKING, Any, Final

from ..bounds import MAX_ALL_MODELS
from ..errors import TransportError
from ..state.endpoint import canonical_endpoint
from ..state.listing import EMPTY_LIST, INVALID, OK, UNAUTHORISED, UNREACHABLE, Listing
from ..transport.budget import Allowance, Pool
from ..transport.client import Client
from ..transport.client_pool import Http
from . import detect as auto
from .kinds import KINDS
from .normalize import left_out_notes, model_of, outcome_of, static_listing
from .server import Found, Server

if TYPE_CHECKING:
    from ..config.model import Backend


_POLL: Final = 0.2
"""Seconds until it is noticed that the engine is to stop."""
log = logging.getLogger(__name__)


def fetch_listings(
    backends: tuple[Backend, ...], http: Http, stopping: Callable[[], bool] = lambda: False
) -> tuple[Listing, ...]:
    """Return one Listing per backend, in their order; never raises for a bad backend.

    Takes as long as the slowest backend, each at most its own timeout for all that it is asked.
    When ``stopping`` turns true, backends that have not answered yet count as unreachable.
    """
    answers: queue.SimpleQueue[Listing] = queue.SimpleQueue()
    clients = {backend.name: client_of(backend, http) for backend in backends}
    http.keep(clients)
    for backend in backends:
        threading.Thread(
            target=lambda backend=backend: answers.put(
                _listing(backend, clients[backend.name], http.pool)
            ),
            name=f"list-{backend.name}",
            daemon=True,
        ).start()
    listings: dict[str, Listing] = {}
    begun = time.monotonic()

    def remaining(backend: Backend) -> float:
        if backend.name in listings:
            return 0.0
        return begun + backend.connection.timeout + http.timing.grace - time.monotonic()

    while (left := max(map(remaining, backends), default=0.0)) > 0 and not stopping():
        try:
            answer = answers.get(timeout=min(left, _POLL))
        except queue.Empty:
            continue
        listings[answer.backend] = answer
        log.debug("%s: %s, %d models", answer.backend, answer.outcome, len(answer.models))
    for backend in backends:
        if backend.name not in listings:
            http.discard(clients[backend.name])
            detail = f"no answer within {backend.connection.timeout:g} s"
            listings[backend.name] = Listing(backend.name, UNREACHABLE, detail=detail)
    return tuple(_within_bounds([listings[backend.name] for backend in backends]))


def _within_bounds(listings: list[Listing]) -> Iterable[Listing]:
    """Return the listings, without the longest where all of them together are too long."""
    left = sum(len(listing.models) for listing in listings)
    refused = set()
    for listing in sorted(listings, key=lambda one: (-len(one.models), one.backend)):
        if left <= MAX_ALL_MODELS:
            break
        left -= len(listing.models)
        refused.add(listing.backend)
    for listing in listings:
        if listing.backend in refused:
            detail = (
                f"it lists {len(listing.models)} models, and all backends together over"
                f" {MAX_ALL_MODELS}, which is more than is held in memory; check that url leads to"
                " the right list, or name the models that you want (type: static, models)"
            )
            yield Listing(listing.backend, INVALID, detail=detail)
        else:
            yield listing


def client_of(backend: Backend, http: Http) -> Client:
    """Return the client that talks to a backend, below its endpoint."""
    endpoint = canonical_endpoint(backend.url)
    return http.client(endpoint, backend.key, backend.connection, backend=backend.name)


def _listing(backend: Backend, client: Client, pool: Pool) -> Listing:
    if backend.kind == "static":
        return static_listing(backend)
    if backend.key_problem:
        return Listing(backend.name, UNAUTHORISED, detail=backend.key_problem)
    try:
        with Allowance(pool, backend.connection.timeout) as allowance:
            kind, found = _asked(backend, client, allowance)
    except TransportError as error:
        return Listing(backend.name, outcome_of(error), detail=str(error))
    except Exception as error:  # a bug in one reader must not stop the others
        log.exception("%s: reading its list failed", backend.name)
        detail = f"reading its list failed ({type(error).__name__}); please report it"
        return Listing(backend.name, INVALID, detail=detail)
    endpoint, routes = canonical_endpoint(backend.url), KINDS[kind].ROUTES
    models = [model_of(record, routes, endpoint, found.listed) for record in found.records]
    left_out = found.unread or found.unusable or found.overlong
    return Listing(
        backend.name,
        OK if models else INVALID if left_out else EMPTY_LIST,
        tuple(sorted(models)),
        partial=bool(found.unread) or found.paged,
        detail="; ".join(left_out_notes(found)),
    )


def _asked(backend: Backend, client: Client, allowance: Allowance) -> tuple[str, Found]:
    """Return the kind of a backend, recognised if it is not configured, and what it serves."""
    if backend.kind == "auto":
        return auto.ask_as(server_of(backend, client, auto.ALLOWED, allowance))
    adapter = KINDS[backend.kind]
    return backend.kind, adapter.ask(server_of(backend, client, adapter.ALLOWED, allowance))


def server_of(
    backend: Backend, client: Client, allowed: Collection[str], allowance: Allowance
) -> Server:
    """Return a backend as its adapter may ask it.

    A request that is not in ``allowed`` (``METHOD /path``, without query), nor the configured
    place of the list, is never sent: it would be a bug, with an effect that nobody looked at.
    """
    endpoint = canonical_endpoint(backend.url)
    prefix = backend.url.removeprefix(endpoint)
    listed = f"GET {prefix}{backend.models_endpoint}"

    def checked(method: str, path: str) -> None:
        request = f"{method} {path.partition('?')[0]}"
        if request not in allowed and not (backend.models_endpoint and request == listed):
            raise AssertionError(f"{request} is not in the adapter's ALLOWED")

    def get(path: str) -> Any:
        checked("GET", path)
        return client.get(path, allowance=allowance)

    def post(path: str, body: object) -> Any:
        """Send it; adapters keep what they got, but read the answers to POSTs one by one."""
        checked("POST", path)
        before = allowance.spent()
        try:
            return client.send("POST", path, body, allowance)
        finally:
            allowance.restore(before)

    return Server(endpoint, backend.url, backend.models_endpoint, get, post, client.quote)
