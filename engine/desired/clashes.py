"""How public names that several backends offer are resolved. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from ..state.deployment import DesiredDeployment, DesiredState, ObservedState, Refusal

POOL: Final = "pool"
SUFFIX: Final = "suffix"
ERROR: Final = "error"


def without_clashes(
    desired: DesiredState, observed: ObservedState, on_clash: str, order: Sequence[str]
) -> DesiredState:
    """Return the desired state with clashing names pooled, suffixed or refused.

    ``order`` are the endpoints in the order of the configuration: the first that has a name keeps
    it. An endpoint whose list is not complete still has the names that are registered there, so
    that an outage renames nothing on the others.
    """
    if on_clash == POOL:
        return desired
    rank = {url: number for number, url in enumerate(order)}
    holder: dict[str, str] = {}
    for name, url in sorted(_names(desired, observed), key=lambda pair: (rank[pair[1]], pair)):
        holder.setdefault(name, url)
    kept: list[DesiredDeployment] = []
    refusals = list(desired.refusals)
    for wanted in desired.deployments:
        first = holder[wanted.key.name]
        if first == wanted.key.endpoint:
            kept.append(wanted)
        elif on_clash == SUFFIX:
            kept.append(_suffixed(wanted))
        else:
            because = f"{first} offers a model under this name already (on_clash: error)"
            refusals.append(Refusal(wanted.key, "clash", because))
    return replace(
        desired,
        deployments=tuple(sorted(kept, key=lambda wanted: wanted.key)),
        refusals=tuple(sorted(refusals)),
    )


def _names(desired: DesiredState, observed: ObservedState) -> set[tuple[str, str]]:
    """Return (name, endpoint) of what is desired, and of what stays while a list is incomplete."""
    unseen = {endpoint.url for endpoint in desired.endpoints if not endpoint.complete}
    return {(wanted.key.name, wanted.key.endpoint) for wanted in desired.deployments} | {
        (seen.key.name, seen.key.endpoint)
        for seen in observed.deployments
        if seen.key.endpoint in unseen and seen.mark is not None
    }


def _suffixed(wanted: DesiredDeployment) -> DesiredDeployment:
    """Return a deployment under ``name@backend``; its fingerprint stays that of what it serves."""
    name = f"{wanted.key.name}@{wanted.mark.backend}"
    return replace(wanted, key=replace(wanted.key, name=name))
