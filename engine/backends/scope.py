"""Which addresses belong to which configured endpoint, by the kinds of the backends. Pure."""

from __future__ import annotations

from types import MappingProxyType

from ..config.model import AUTO, Backend
from ..state.endpoint import Scope, canonical_endpoint
from .kinds import KINDS


def scope_of(backends: tuple[Backend, ...]) -> Scope:
    """Return the scope of the configured backends.

    A configured address always belongs to itself, even if another backend may have its API there.
    If two backends may have their API at the same address, it belongs to the first one.
    """
    urls = [canonical_endpoint(backend.url) for backend in backends]
    places = dict(zip(urls, urls, strict=True))
    reach: dict[str, tuple[str, ...]] = {}
    for backend, url in zip(backends, urls, strict=True):
        addresses = [canonical_endpoint(url + path) for path in ("", *_places(backend.kind))]
        endpoints = [places.setdefault(address, url) for address in addresses]
        reach[backend.name] = tuple(dict.fromkeys(endpoints))
    return Scope(MappingProxyType(places), MappingProxyType(reach))


def _places(kind: str) -> tuple[str, ...]:
    """Return the paths below which a server of this kind may have its API."""
    if kind == AUTO:
        places = (place for adapter in KINDS.values() for place in adapter.PLACES)
        return tuple(dict.fromkeys(places))
    return KINDS[kind].PLACES if kind in KINDS else ()
