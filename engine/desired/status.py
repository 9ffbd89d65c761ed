"""Listing and configuration -> what is reported of a backend. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from ..bounds import MAX_SEARCHES, MAX_UNMATCHED
from ..state.endpoint_status import EndpointStatus, is_answered
from ..state.listing import Listing
from .naming import Offer

if TYPE_CHECKING:
    from ..config.model import Backend
    from ..config.patterns import Pattern


def status_of(
    backend: Backend, endpoint: str, listing: Listing, offers: Sequence[Offer]
) -> EndpointStatus:
    """Return what is reported of a backend; ``offers`` has one Offer per listed model."""
    return EndpointStatus(
        backend=backend.name,
        endpoint=endpoint,
        outcome=listing.outcome,
        answered=is_answered(listing.outcome, partial=listing.partial),
        detail=listing.detail,
        models=len(offers),
        filtered=sum(bool(offer.left_out_by) for offer in offers),
        unmatched=tuple(islice(_unmatched(backend, offers), MAX_UNMATCHED)),
    )


def _unmatched(backend: Backend, offers: Sequence[Offer]) -> Iterator[str]:
    """Yield the expressions that match no listed model; none where nothing is listed.

    Of very many expressions and models, only the first expressions are looked at.
    """
    most = MAX_SEARCHES // max(1, len(offers))
    for where, pattern in islice(_expressions(backend), most if offers else 0):
        if not any(pattern.search(offer.model.id) for offer in offers):
            yield f"{where}: {pattern.text}"


def _expressions(backend: Backend) -> Iterator[tuple[str, Pattern]]:
    if backend.include is not None:
        yield "filter_regex", backend.include
    if backend.exclude is not None:
        yield "exclude_regex", backend.exclude
    for index, override in enumerate(backend.overrides):
        yield f"overrides[{index}].regex", override.pattern
