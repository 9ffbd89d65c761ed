"""Rows of ours whose address does not show where they belong -> their place, if any. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace

from ..litellm.observed import in_order
from ..litellm.row import is_deletable
from ..state.deployment import DesiredDeployment, DesiredState, ObservedDeployment, ObservedState

_Fits = Callable[[DesiredDeployment, ObservedDeployment], bool]


def with_homes(desired: DesiredState, observed: ObservedState) -> ObservedState:
    """Return ``observed`` with strays in the places of desired deployments that have no row yet.

    A stray takes the place of what its own backend serves under its name and upstream, which is so
    after the backend's ``url`` was written otherwise; else the place at its address. In each it is
    compared as if it were there, so its ``api_base`` shows as a change.
    """
    if not observed.strays:
        return observed
    free = defaultdict(list)
    for stray in sorted(observed.strays, key=lambda seen: (-seen.revision, seen.id)):
        if stray.belongs_to(desired.owner) and is_deletable(stray.id):
            free[stray.key.name, stray.key.upstream].append(stray)
    owned = {seen.key for seen in observed.deployments if seen.belongs_to(desired.owner)}
    ordered = sorted(desired.deployments, key=lambda wanted: wanted.key)
    backends = {endpoint.url: endpoint.backends for endpoint in desired.endpoints}
    fits: tuple[_Fits, ...] = (
        lambda wanted, seen: _backend_of(seen) in backends[wanted.key.endpoint],
        lambda wanted, seen: seen.key == wanted.key,
    )
    settled: dict[str, ObservedDeployment] = {}
    for fit in fits:
        for wanted in ordered:
            candidates = free[wanted.key.name, wanted.key.upstream]
            found = next((stray for stray in candidates if fit(wanted, stray)), None)
            if found is not None and wanted.key not in owned:
                owned.add(wanted.key)
                candidates.remove(found)
                settled[found.id] = replace(found, key=wanted.key)
    return replace(
        observed,
        deployments=in_order((*observed.deployments, *settled.values())),
        strays=tuple(stray for stray in observed.strays if stray.id not in settled),
    )


def _backend_of(seen: ObservedDeployment) -> str:
    return seen.mark.backend if seen.mark else ""
