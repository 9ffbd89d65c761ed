"""The endpoint at which a row of ours is at home, wherever its ``api_base`` points. Pure."""

from __future__ import annotations

from ..state.deployment import ObservedDeployment
from ..state.endpoint import Scope
from ..state.mark import deployment_id


def home_of(seen: ObservedDeployment, endpoint: str, scope: Scope) -> str:
    """Return the configured endpoint where a row with our mark belongs; "" where none is known.

    ``endpoint`` is the configured one at its ``api_base`` ("" for none). That is its home if it
    belongs to the backend in its mark. Otherwise somebody may have edited the ``api_base``: the id
    tells for which endpoint the row was made. An id that tells nothing, as that of an adopted row,
    leaves the row where it is, unless its backend is configured elsewhere: then
    :func:`engine.plan.homes.with_homes` looks for its place among what is desired.
    """
    reach = scope.reach.get(seen.mark.backend, ()) if seen.mark else ()
    if seen.read_only or endpoint in reach:
        return endpoint
    for url in dict.fromkeys((*reach, *sorted(set(scope.places.values())))):
        if _is_made_for(url, seen):
            return url
    return "" if reach else endpoint


def _is_made_for(url: str, seen: ObservedDeployment) -> bool:
    """Tell whether a row's id is the one that its mark gives a row on this endpoint."""
    owner = seen.mark.owner if seen.mark else ""
    return deployment_id(owner, seen.key._replace(endpoint=url), seen.revision) == seen.id
