"""What an adapter found -> a listing in our terms."""

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
    """Return a model, reached as the routes of its kind say; ``listed`` is where its list was."""
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
    """Return a name of a family or parent, which may become part of a public name."""
    return name if len(name) <= MAX_ID and is_usable(name) else "unknown"


def static_listing(backend: Backend) -> Listing:
    """Return the models of the configuration; what it says of them is its own word, no evidence."""
    models = tuple(sorted(Model(name, "openai", backend.url) for name in backend.models))
    return Listing(backend.name, OK if models else EMPTY_LIST, models)


def left_out_notes(found: Found) -> list[str]:
    """Return what an adapter noted, and what of its list could not be used, as sentences."""
    notes = list(found.notes)
    if found.unread:
        notes.append(f"{found.unread} of its entries have no readable model id")
    if found.paged:
        notes.append("its list has more pages, which are not read")
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
