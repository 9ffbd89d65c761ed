"""Every backend: its list, and what a few more GETs tell of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from ..backends import detect
from ..backends.fetch import client_of, fetch_listings, server_of
from ..backends.server import Server
from ..backends.transcript import Asker
from ..config.model import AUTO, STATIC, Backend, Config
from ..errors import Rejected, TransportError
from ..state.listing import EMPTY_LIST, INVALID, OK, Listing
from ..state.secret import PLACEHOLDER_KEY, Secret
from ..transport.background import Background
from ..transport.budget import Allowance
from ..transport.client_pool import Http

GUARDED: Final = {"llamacpp": "/props"}
"""By kind, what needs the key although the list does not."""
_WITH_V1: Final = ("/v1", "/v2", "/v3", "/openai")
"""Endings of an address to which LiteLLM can append its paths."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a backend answers.

    ``kind`` is what it is recognised as, "" if that was not asked or nothing tells it. ``refusal``
    is the answer to a request that needs the key, where that is refused although the list is not.
    ``open_list`` says that it has a key, and sends the same list without one. ``bare`` says that
    its API is below ``/v1``, which its ``url`` lacks and LiteLLM does not add.
    """

    backend: Backend
    listing: Listing
    kind: str = ""
    refusal: str = ""
    open_list: bool = False
    bare: bool = False


def ask_backends(config: Config, http: Http) -> tuple[Asked, ...]:
    """Ask all backends at the same time, each within its timeout, then what they are."""
    listings = fetch_listings(config.backends, http)
    pairs = list(zip(config.backends, listings, strict=True))
    unproven = _open_lists(pairs, http)
    works = [
        Background(partial(_look_closer, backend, listing, http), f"look-{backend.name}")
        for backend, listing in pairs
    ]
    asked = []
    for work, (backend, listing) in zip(works, pairs, strict=True):
        ended = work.wait(2 * backend.connection.timeout + http.timing.grace)
        found = work.result() if ended else Asked(backend, listing)
        asked.append(replace(found, open_list=backend.name in unproven))
    return tuple(asked)


def _open_lists(pairs: Iterable[tuple[Backend, Listing]], http: Http) -> frozenset[str]:
    """Return the backends with a key that list as many models without one: it proves no key."""
    keyless = {
        backend.name: (replace(backend, key=Secret(PLACEHOLDER_KEY)), listing)
        for backend, listing in pairs
        if listing.outcome == OK
        and backend.kind != STATIC
        and backend.key.reveal() != PLACEHOLDER_KEY
    }
    if not keyless:
        return frozenset()
    other = Http(http.timing)
    lists = fetch_listings(tuple(backend for backend, _ in keyless.values()), other)
    other.close()
    return frozenset(
        each.backend
        for each in lists
        if each.outcome == OK and len(each.models) == len(keyless[each.backend][1].models)
    )


def _look_closer(backend: Backend, listing: Listing, http: Http) -> Asked:
    """Return a backend with what a few more GETs tell; none is sent where nothing answered."""
    asked = Asked(backend, listing)
    static = backend.kind == STATIC
    if backend.key_problem or (listing.outcome not in (OK, EMPTY_LIST, INVALID) and not static):
        return asked
    client = client_of(backend, http)
    with Allowance(http.pool, backend.connection.timeout) as allowance:
        asker = Asker(client, allowance)
        server = server_of(backend, client, detect.ALLOWED, asker)
        if static:
            return replace(asked, bare=_lacks_v1(backend, server))
        kind = "" if backend.kind == AUTO else detect.recognised(server)
        if listing.outcome != OK:
            return replace(asked, kind=kind)
        return replace(asked, kind=kind, refusal=_refusal(backend, kind, server))


def _refusal(backend: Backend, kind: str, server: Server) -> str:
    path = GUARDED.get(kind or backend.kind, GUARDED["llamacpp"] if backend.kind == AUTO else "")
    if not path:
        return ""
    try:
        server.get(path)
    except Rejected as error:
        return str(error) if error.status in (401, 403) else ""
    except TransportError:
        return ""
    return ""


def _lacks_v1(backend: Backend, server: Server) -> bool:
    """Tell whether the models of a ``static`` backend are below ``/v1``, and its ``url`` is not."""
    if backend.url.endswith(_WITH_V1):
        return False
    found = [isinstance(server.optional(path), dict | list) for path in ("/models", "/v1/models")]
    return found == [False, True]
