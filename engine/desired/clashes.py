"""How public names that several models have are resolved. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from operator import attrgetter
from typing import Final

from ..state.deployment import (
    DesiredDeployment,
    DesiredState,
    Key,
    ObservedState,
    Refusal,
    without_provider,
)
from .holders import Holders
from .taken import Suffixes

POOL: Final = "pool"
SUFFIX: Final = "suffix"
ERROR: Final = "error"


def without_clashes(
    desired: DesiredState, observed: ObservedState, on_clash: str, order: Sequence[str]
) -> DesiredState:
    """Return the desired state with clashing names pooled, suffixed or refused.

    ``order`` are the endpoints in the order of the configuration: the first that has a name keeps
    it. An endpoint whose list is not complete still has the names that are registered there, so
    that an outage renames nothing on the others. Different models of one endpoint are never
    pooled, unless ``aliases`` gives them the same name.
    """
    losers = dict(_second_models(desired))
    if on_clash != POOL:
        losers |= _second_endpoints(desired, observed, order, on_clash)
    if not losers:
        return desired
    suffixes = Suffixes(desired, Holders(desired, observed))
    kept: list[DesiredDeployment] = []
    refusals = list(desired.refusals)
    for wanted in desired.deployments:
        if wanted.key not in losers:
            kept.append(wanted)
        elif on_clash == SUFFIX and (suffixed := suffixes.renamed(wanted, losers[wanted.key])):
            kept.append(suffixed)
        else:
            refusals.append(Refusal(wanted.key, "clash", losers[wanted.key], "", wanted.origin))
    return replace(
        desired,
        deployments=tuple(sorted(kept, key=lambda wanted: wanted.key)),
        refusals=tuple(sorted(refusals)),
    )


def _second_models(desired: DesiredState) -> Iterator[tuple[Key, str]]:
    """Yield the keys that lose their name to another model of the same endpoint, and why.

    Names that ``aliases`` gives come first, since somebody wrote them down; then the model whose
    id is the name.
    """
    ordered = sorted(desired.deployments, key=attrgetter("key"))
    for (_, name), members in groupby(ordered, key=lambda wanted: wanted.key[:2]):
        group = [*members]
        if len(group) == 1:
            continue
        first = min(group, key=lambda wanted: _precedence(wanted, name))
        for wanted in group:
            if wanted is not first and not wanted.is_alias:
                because = f"{first.mark.backend} offers {first.key.upstream} under this name"
                yield wanted.key, f"{because} already; change name_format, strip_tag or aliases"


def _precedence(wanted: DesiredDeployment, name: str) -> tuple[bool, bool, Key]:
    return not wanted.is_alias, without_provider(wanted.key.upstream) != name, wanted.key


def _second_endpoints(
    desired: DesiredState, observed: ObservedState, order: Sequence[str], on_clash: str
) -> Iterator[tuple[Key, str]]:
    """Yield the keys that lose their name to an earlier endpoint, and why."""
    rank = {url: number for number, url in enumerate(order)}
    holder: dict[str, str] = {}
    for name, url in sorted(_names(desired, observed), key=lambda pair: (rank[pair[1]], pair)):
        holder.setdefault(name, url)
    for wanted in desired.deployments:
        first = holder[wanted.key.name]
        if first != wanted.key.endpoint:
            because = f"{first} already offers a model under this name (on_clash: {on_clash})"
            yield wanted.key, because


def _names(desired: DesiredState, observed: ObservedState) -> set[tuple[str, str]]:
    """Return (name, endpoint) of what is desired, and of what stays while a list is incomplete."""
    unseen = {endpoint.url for endpoint in desired.endpoints if not endpoint.complete}
    return {(wanted.key.name, wanted.key.endpoint) for wanted in desired.deployments} | {
        (seen.key.name, seen.key.endpoint)
        for seen in observed.deployments
        if seen.key.endpoint in unseen and seen.mark is not None
    }
