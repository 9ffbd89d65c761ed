"""Asks all backends at once what they serve, each within its own deadline."""

from __future__ import annotations

import json
import logging
import queue
import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import partial
from typing import Any, Final

from ..bounds import MAX_ALL_MODELS
from ..config.model import AUTO, STATIC, Backend
from ..errors import Garbled, Rejected, TransportError
from ..state.endpoint import canonical_endpoint
from ..state.frozen import interchangeable
from ..state.listing import EMPTY_LIST, INVALID, OK, UNAUTHORISED, UNREACHABLE, Listing
from ..state.secret import PLACEHOLDER_KEY
from ..transport.budget import Allowance
from ..transport.client import Client
from ..transport.client_pool import Http
from . import detect
from .kinds import KINDS
from .normalize import left_out_notes, model_of, outcome_of, static_listing
from .server import Found, Server
from .transcript import Asker, Transcript

OPENAI: Final = "openai"
"""The kind that any server with such an API has, so it is not taken for another one."""
_POLL: Final = 0.2
"""Seconds between two looks at whether the engine is to stop."""
_Answered = tuple[Listing, Transcript | None]
log = logging.getLogger(__name__)


def fetch_listings(
    backends: tuple[Backend, ...],
    http: Http,
    stopping: Callable[[], bool] = lambda: False,
    known: dict[str, Transcript] | None = None,
) -> tuple[Listing, ...]:
    """Return one Listing per backend, in their order; never raises for a bad backend.

    Takes as long as the slowest backend; all requests to one backend share its timeout. When
    ``stopping`` returns true, backends that have not answered yet count as unreachable. ``known``
    has what the same backends answered last, by name; a backend that answers the same again has the
    same Listing. It then has what they answered now.
    """
    known = {} if known is None else known
    clients = {backend.name: client_of(backend, http) for backend in backends}
    http.keep(clients)
    answers = _start(backends, clients, http, known)
    known.clear()
    listings: dict[str, Listing] = {}
    start = time.monotonic()

    def remaining(backend: Backend) -> float:
        if backend.name in listings:
            return 0.0
        return start + backend.connection.timeout + http.timing.grace - time.monotonic()

    while (left := max(map(remaining, backends), default=0.0)) > 0 and not stopping():
        try:
            answer, transcript = answers.get(timeout=min(left, _POLL))
        except queue.Empty:
            continue
        listings[answer.backend] = answer
        if transcript is not None:
            known[answer.backend] = transcript
        log.debug("%s: %s, %d models", answer.backend, answer.outcome, len(answer.models))
    for backend in backends:
        if backend.name not in listings:
            http.discard(clients[backend.name])
            detail = f"no answer within {backend.connection.timeout:g} s"
            listings[backend.name] = Listing(backend.name, UNREACHABLE, detail=detail)
    within = tuple(_within_bounds([listings[backend.name] for backend in backends]))
    for listing in within:
        if listing is not listings[listing.backend]:
            known.pop(listing.backend, None)  # else its models would stay in memory
    return within


def _start(
    backends: tuple[Backend, ...],
    clients: Mapping[str, Client],
    http: Http,
    known: Mapping[str, Transcript],
) -> queue.SimpleQueue[_Answered]:
    """Start to ask every backend, each in a thread; return where the answers arrive."""
    answers: queue.SimpleQueue[_Answered] = queue.SimpleQueue()
    for backend in backends:
        client, earlier = clients[backend.name], known.get(backend.name)
        threading.Thread(
            target=lambda *asked: answers.put(_listing(*asked)),
            args=(backend, client, http, earlier),
            name=f"list-{backend.name}",
            daemon=True,
        ).start()
    return answers


def _within_bounds(listings: list[Listing]) -> Iterable[Listing]:
    """Yield the listings; refuse the longest ones if all together have too many models."""
    left = sum(len(listing.models) for listing in listings)
    refused = set()
    for listing in sorted(listings, key=lambda item: (-len(item.models), item.backend)):
        if left <= MAX_ALL_MODELS:
            break
        left -= len(listing.models)
        refused.add(listing.backend)
    for listing in listings:
        if listing.backend in refused:
            detail = (
                f"it lists {len(listing.models)} models, and all backends together list over"
                f" {MAX_ALL_MODELS}, which is more than the engine keeps in memory; check that url"
                " leads to the right list, or name the models that you want (type: static, models)"
            )
            yield Listing(listing.backend, INVALID, detail=detail)
        else:
            yield listing


def client_of(backend: Backend, http: Http) -> Client:
    """Return the client that talks to a backend, below its endpoint."""
    endpoint = canonical_endpoint(backend.url)
    return http.client(endpoint, backend.key, backend.connection, backend=backend.name)


def _listing(backend: Backend, client: Client, http: Http, known: Transcript | None) -> _Answered:
    """Return what a backend answers, and what can show that it answers the same again."""
    if backend.kind == STATIC:
        listing = static_listing(backend)
        return (known.listing if known else listing), known or Transcript((), listing)
    if backend.key_problem:
        return Listing(backend.name, UNAUTHORISED, detail=backend.key_problem), None
    try:
        heard = partial(http.heard, backend.name) if http.heard else None
        with Allowance(http.pool, backend.connection.timeout) as allowance:
            asker = Asker(client, allowance, heard)
            if known and (listed := asker.repeat(known)):
                return listed, known
            listed = _read(backend, client, asker)
            if known and interchangeable(listed, known.listing):
                listed = known.listing  # vLLM's answers differ each time, by ids that nobody reads
    except Exception as error:  # a bug in one reader must not stop the others
        log.exception("%s: reading its list failed", backend.name)
        detail = f"reading its list failed ({type(error).__name__}); please report it"
        return Listing(backend.name, INVALID, detail=detail), None
    return listed, asker.transcript(listed)


def _read(backend: Backend, client: Client, asker: Asker) -> Listing:
    try:
        kind, found = _ask(backend, client, asker)
    except TransportError as error:
        outcome = outcome_of(error)
        return Listing(backend.name, outcome, detail=f"{error}{_remedy(backend, outcome)}")
    endpoint, routes = canonical_endpoint(backend.url), KINDS[kind].ROUTES
    models = [model_of(record, routes, endpoint, found.listed) for record in found.records]
    left_out = found.unread or found.unusable or found.overlong
    return Listing(
        backend.name,
        OK if models else INVALID if left_out else EMPTY_LIST,
        tuple(sorted(models)),
        partial=bool(found.unread) or found.paged,
        detail="; ".join(left_out_notes(found)),
        matching=found.matching,
    )


def _remedy(backend: Backend, outcome: str) -> str:
    """Return what to do about a key that is refused, "" for another outcome."""
    if outcome != UNAUTHORISED:
        return ""
    if backend.key.reveal() == PLACEHOLDER_KEY:
        file = f"the key file {backend.name!r} is empty"
        if not backend.key_given:
            file = f"there is no key file {backend.name!r}"
        return f"; asked without a key: {file}"
    return f"; check the key in the key file {backend.name!r}"


def _ask(backend: Backend, client: Client, asker: Asker) -> tuple[str, Found]:
    """Return the kind of a backend, configured or recognised, and what its adapter found."""
    if backend.kind == AUTO:
        return detect.ask_as(server_of(backend, client, detect.ALLOWED, asker))
    adapter = KINDS[backend.kind]
    try:
        return backend.kind, adapter.ask(server_of(backend, client, adapter.ALLOWED, asker))
    except (Garbled, Rejected) as error:
        if outcome_of(error) != INVALID or backend.kind == OPENAI or backend.models_endpoint:
            raise
        meant = detect.recognised(server_of(backend, client, detect.ALLOWED, asker))
        if meant in ("", backend.kind):
            raise
        fits = f"it answers as {meant} does, so `type: auto` or `type: {meant}` fits it"
        raise Garbled(f"{error}; {fits}, and `type: {backend.kind}` does not") from None


def server_of(backend: Backend, client: Client, allowed: Collection[str], asker: Asker) -> Server:
    """Return a backend, with the requests that its adapter may send.

    These are the ones in ``allowed`` (``METHOD /path``, without query), and the configured
    ``models_endpoint``. Any other request is a bug and is not sent: nobody has checked its effect.
    """
    endpoint = canonical_endpoint(backend.url)
    prefix = backend.url.removeprefix(endpoint)
    listed = f"GET {prefix}{backend.models_endpoint}"

    def check(method: str, path: str) -> None:
        request = f"{method} {path.partition('?')[0]}"
        if request not in allowed and not (backend.models_endpoint and request == listed):
            raise AssertionError(f"{request} is not in the adapter's ALLOWED")

    def get(path: str) -> Any:
        check("GET", path)
        return asker.ask("GET", path)

    def post(path: str, body: object) -> Any:
        """Send it; its share of the allowance is freed, since adapters keep no such answers."""
        check("POST", path)
        return asker.ask("POST", path, json.dumps(body))

    return Server(endpoint, backend.url, backend.models_endpoint, get, post, client.quote)
