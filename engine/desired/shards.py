"""Which of several engines manages which backends, when each takes a part of them. Pure.

An engine asks the backends of its part only, and plans for their endpoints only. The backends of
the others are like ones that do not answer: what is registered there stays and keeps its public
names, and nothing is said of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from ..state.deployment import DesiredState, ObservedState
from ..state.endpoint import Scope
from ..state.listing import OTHER_SHARD, Listing

if TYPE_CHECKING:
    from ..config.model import Backend, Config

MAX_SHARDS: Final = 999


@dataclass(frozen=True, slots=True)
class Shard:
    """The part ``number``, from 1, of so many parts (``of``)."""

    number: int
    of: int

    def has(self, name: str) -> bool:
        """Tell whether a name is in this part; every engine says the same, now and for ever."""
        digest = sha256(name.encode(errors="surrogatepass")).digest()
        return int.from_bytes(digest) % self.of == self.number - 1

    def backends(self, scope: Scope) -> frozenset[str]:
        """Return the names of the backends in this part.

        Backends that share an endpoint, their own or one where the kind of one of them may have its
        API, are in one part: that of the first of their names.
        """
        return frozenset(
            name for group in _groups(scope.reach) if self.has(group[0]) for name in group
        )

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"


def part_of(config: Config, scope: Scope, shard: Shard | None) -> Config:
    """Return the configuration with the backends of a part only."""
    if shard is None:
        return config
    names = shard.backends(scope)
    return replace(config, backends=tuple(b for b in config.backends if b.name in names))


def with_others(backends: Sequence[Backend], listings: Sequence[Listing]) -> tuple[Listing, ...]:
    """Return one listing for each backend, in their order: also for those that were not asked."""
    asked = {listing.backend: listing for listing in listings}
    return tuple(
        asked.get(backend.name) or Listing(backend.name, OTHER_SHARD) for backend in backends
    )


def own_strays(observed: ObservedState, scope: Scope, shard: Shard | None) -> ObservedState:
    """Return the observed state without the rows of ours, without a known home, of other parts.

    Such a row belongs to the part of the backend in its mark, also if that is not configured any
    more. Its id stays known.
    """
    if shard is None or not observed.strays:
        return observed
    names = shard.backends(scope)

    def is_own(backend: str) -> bool:
        return backend in names if backend in scope.reach else shard.has(backend)

    strays = (s for s in observed.strays if s.mark is not None and is_own(s.mark.backend))
    return replace(observed, strays=tuple(strays))


def only_part(
    desired: DesiredState, observed: ObservedState, scope: Scope, shard: Shard | None
) -> tuple[DesiredState, ObservedState]:
    """Return the states without what is at home on the endpoints of other parts.

    So no plan can touch it. The ids of all rows stay known.
    """
    if shard is None:
        return desired, observed
    names = shard.backends(scope)
    places = {endpoint for name in names for endpoint in scope.reach[name]}
    sites = tuple(site for site in desired.endpoints if site.url in places)
    statuses = tuple(status for status in desired.statuses if status.backend in names)
    rows = tuple(seen for seen in observed.deployments if seen.key.endpoint in places)
    return (
        replace(desired, endpoints=sites, statuses=statuses),
        replace(observed, deployments=rows),
    )


def _groups(reach: Mapping[str, Sequence[str]]) -> Iterator[list[str]]:
    """Yield the names of the backends that share endpoints, directly or by others; each sorted."""
    leader = {name: name for name in reach}

    def first(name: str) -> str:
        while leader[name] != name:
            leader[name] = name = leader[leader[name]]
        return name

    at: dict[str, str] = {}
    for name, endpoints in reach.items():
        for endpoint in endpoints:
            one, other = first(name), first(at.setdefault(endpoint, name))
            leader[max(one, other)] = min(one, other)
    groups: dict[str, list[str]] = {}
    for name in sorted(reach):
        groups.setdefault(first(name), []).append(name)
    yield from groups.values()
