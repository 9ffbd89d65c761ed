"""What an adapter found -> a Listing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ..bounds import MAX_ID
from ..errors import Garbled, Rejected, TransportError, Unavailable
from ..state.frozen import freeze
from ..state.listing import (
    EMPTY_LIST,
    INVALID,
    NOT_READY,
    OK,
    UNAUTHORISED,
    UNREACHABLE,
    Listing,
    Model,
)
from .model_list import is_usable
from .record import Record
from .server import ROOT, V1, Found, Route

if TYPE_CHECKING:
    from ..config.model import Backend


def model_of(record: Record, routes: Mapping[str, Route], endpoint: str, listed: str) -> Model:
    """Return a model with the addresses from ``routes``; ``listed`` is where its list was."""
    bases = {ROOT: endpoint, V1: f"{endpoint}/v1"}
    ways = {mode: (way.provider, bases.get(way.base, listed)) for mode, way in routes.items()}
    provider, api_base = ways.get(str(record.info.get("mode", "")), ways[""])
    return Model(
        record.id,
        provider,
        api_base,
        freeze(ways),
        freeze(record.info),
        freeze(record.sources),
        parent=_readable(record.parent),
        state=record.state,
        remote=record.remote,
        family=_readable(record.family),
        slots=record.slots,
        aliases=tuple(name for name in record.aliases if len(name) <= MAX_ID and is_usable(name)),
    )


def _readable(name: str) -> str:
    """Return the name of a family or parent; "unknown" if it cannot be part of a public name."""
    return name if len(name) <= MAX_ID and is_usable(name) else "unknown"


def static_listing(backend: Backend) -> Listing:
    """Return the configured models, without their fields: these are settings, not evidence."""
    models = tuple(sorted(Model(name, "openai", backend.url) for name in backend.models))
    return Listing(backend.name, OK if models else EMPTY_LIST, models)


def left_out_notes(found: Found) -> list[str]:
    """Return sentences: the notes of an adapter, and what could not be used of its list."""
    notes = list(found.notes)
    if found.unread:
        notes.append(f"{found.unread} of its entries have no readable model id")
    if found.paged:
        notes.append("its list has more pages, which were not read")
    if found.unusable:
        notes.append(f"{found.unusable} model ids hold NUL, * or a broken character")
    if found.overlong:
        notes.append(f"{found.overlong} model ids have over {MAX_ID} characters; left out")
    return notes


def outcome_of(error: TransportError) -> str:
    """Return the listing outcome of a backend that could not be asked."""
    match error:
        case Unavailable(status=503):
            return NOT_READY
        case Rejected(status=401 | 403):
            return UNAUTHORISED
        case Rejected() | Garbled():
            return INVALID
        case _:
            return UNREACHABLE
