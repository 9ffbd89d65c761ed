"""What the configuration makes of a whole list -> what is known of an endpoint. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..state.deployment import Endpoint, without_provider
from ..state.endpoint import Scope
from ..state.listing import (
    EMPTY_LIST,
    MATCHINGS,
    NOT_READY,
    OK,
    OTHER_SHARD,
    OUTCOMES,
    UNREACHABLE,
    Listing,
)
from .naming import Offer

if TYPE_CHECKING:
    from ..config.model import Backend


@dataclass(frozen=True, slots=True)
class Site:
    """A backend and its listing.

    ``served``, ``upstreams`` and ``excluded`` are as :class:`Endpoint` has them for its backends,
    ``upstreams`` with those that are no other than the ids of their models.
    """

    backend: Backend
    listing: Listing
    served: frozenset[str]
    upstreams: frozenset[str]
    excluded: frozenset[tuple[str, str]]


def site_of(backend: Backend, listing: Listing, offers: Sequence[Offer]) -> Site:
    """Return the site of a backend; ``offers`` has one Offer per listed model."""
    return Site(
        backend,
        listing,
        frozenset(name for model in listing.models for name in (model.id, *model.aliases)),
        frozenset(without_provider(offer.upstream) for offer in offers),
        frozenset(_excluded(offers)),
    )


def endpoint_of(url: str, group: Sequence[Site], scope: Scope) -> Endpoint:
    """Return what is known of an endpoint; ``group`` has the sites of its backends."""
    backends = [site.backend for site in group]
    first = next(backend for backend in backends if scope.reach[backend.name][0] == url)
    listings = [site.listing for site in group]
    worst = max(listings, key=_rank)
    partial = any(listing.partial for listing in listings)
    served = frozenset[str]().union(*(site.served for site in group))
    upstreams = frozenset[str]().union(*(site.upstreams for site in group))
    excluded = frozenset[tuple[str, str]]().union(*(site.excluded for site in group))
    return Endpoint(
        url=url,
        backends=tuple(sorted(backend.name for backend in backends)),
        outcome=worst.outcome,
        detail="; ".join(
            f"{listing.backend}: {listing.detail}" for listing in listings if listing.detail
        ),
        complete=all(map(_complete, group)) and not partial,
        policy=first.policy,
        ownership=first.ownership,
        served=tuple(sorted(served)),
        renamed=tuple(sorted(upstreams - served)),
        excluded=tuple(sorted(excluded)),
        matching=max((listing.matching for listing in listings), key=MATCHINGS.index),
        removal_grace=first.removal_grace,
        maintenance=tuple(sorted(backend.name for backend in backends if backend.maintenance)),
    )


def _rank(listing: Listing) -> int:
    """Return how bad the outcome of a listing is."""
    return len(OUTCOMES) if listing.outcome == OTHER_SHARD else OUTCOMES.index(listing.outcome)


def _excluded(offers: Iterable[Offer]) -> Iterator[tuple[str, str]]:
    """Yield each (name, upstream) that listed but unwanted models would have."""
    for offer in offers:
        if offer.left_out_by:
            for name in offer.names:
                for upstream in (offer.upstream, *offer.predecessors):
                    yield name, upstream


def _complete(site: Site) -> bool:
    """Tell whether a model that is not in this listing is absent.

    An empty listing counts here; :mod:`engine.plan.safety` waits until it has lasted.
    """
    outcome = site.listing.outcome
    if outcome in (OK, EMPTY_LIST):
        return True
    return site.backend.on_unreachable == "remove" and outcome in (UNREACHABLE, NOT_READY)
