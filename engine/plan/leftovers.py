"""Rows that nothing desires, and rows that others made: deleted, or left with a reason. Pure.

A row that we neither made nor adopted is deleted only where the configuration says that a server's
rows are all ours (``ownership: exclusive``).
"""

from __future__ import annotations

import shlex
from typing import Final

from ..litellm.row import ShownRow, is_deletable
from ..state.deployment import (
    EXCLUSIVE,
    MARKED,
    DesiredState,
    Endpoint,
    ObservedDeployment,
    Refusal,
)
from ..state.frozen import EMPTY
from ..state.served import is_alias, is_excluded, is_listed
from .plan import CREATE, DELETE, SURPLUS, UPDATE, Operation, Skip

_OUTCOMES: Final = {
    "not_ready": "its backend is not ready yet",
    "unauthorised": "its backend needs a valid key",
    "unreachable": "its backend cannot be reached",
    "invalid": "its backend's list cannot be read",
}
_HOW: Final = "left alone; to have it removed, delete it in LiteLLM or set ownership: exclusive"


RELEASED: Final = "released"
"""The reason of an operation that lets go of a row, and of a skip for such a row."""
_TAKE_BACK: Final = "left alone; `modelprovisioner adopt` takes it back"


def settle_leftover(endpoint: Endpoint, seen: ObservedDeployment, owner: str) -> Operation | Skip:
    """Decide about a row that nothing desires."""
    theirs = seen.mark is not None and seen.mark.owner != owner
    if seen.read_only or seen.released or theirs:
        return leave(seen)
    if not endpoint.complete:
        return skip(DELETE, seen, "incomplete", why_incomplete(endpoint))
    if seen.mark is not None:
        return delete(seen, SURPLUS, _surplus(endpoint, seen))
    return leave(seen) if endpoint.ownership == MARKED else _settle_unmarked(endpoint, seen)


def _settle_unmarked(endpoint: Endpoint, seen: ObservedDeployment) -> Operation | Skip:
    if is_alias(seen.key, endpoint):
        return skip(DELETE, seen, "alias", "made by hand for a model that is served; left alone")
    filtered_out = is_excluded(seen.key, endpoint)
    why = "the configuration filters this model out" if filtered_out else _surplus(endpoint, seen)
    if endpoint.ownership == EXCLUSIVE:
        return delete(seen, SURPLUS, why)
    return leave_unmarked(seen, why)


def settle_double(
    endpoint: Endpoint, seen: ObservedDeployment, kept: ObservedDeployment
) -> Operation | Skip:
    """Decide about a row that offers the same as ``kept``, which stays.

    An unmarked row goes if the row that stays was made to replace it: a replace was interrupted.
    """
    why = f"{kept.id} offers the same"
    replaced = kept.mark is not None and kept.mark.adopted == seen.id
    if seen.mark is None and not replaced and endpoint.ownership != EXCLUSIVE:
        return leave_unmarked(seen, why)
    return delete(seen, "duplicate", why)


def leave(seen: ObservedDeployment) -> Skip:
    """Return why a row that is not ours to change is left as it is."""
    if seen.read_only:
        reason = "unreadable" if seen.unreadable else "read_only"
        return skip(UPDATE, seen, reason, f"{seen.read_only}; left alone")
    if seen.mark is not None:
        return skip(UPDATE, seen, "not_owned", f"it belongs to owner {seen.mark.owner!r}")
    if seen.released:
        return skip(UPDATE, seen, RELEASED, f"owner {seen.released!r} let go of it; {_TAKE_BACK}")
    return skip(UPDATE, seen, "not_owned", "it is not marked as ours (ownership: marked)")


def leave_stray(stray: ObservedDeployment, desired: DesiredState) -> Skip:
    """Return why a row of ours that has no place among what is desired stays as it is."""
    backend = stray.mark.backend if stray.mark else ""
    sites = [endpoint for endpoint in desired.endpoints if backend in endpoint.backends]
    unseen = next((endpoint for endpoint in sites if not endpoint.complete), None)
    if unseen is not None:
        key = stray.key._replace(endpoint=unseen.url)
        return Skip(DELETE, key, stray.id, "incomplete", why_incomplete(unseen))
    where = " and ".join(endpoint.url for endpoint in sites)
    why = f"{backend} is at {where} now" if sites else "its endpoint is no longer configured"
    remedy = f"to have it removed: modelprovisioner retire {shlex.quote(backend)}"
    return skip(DELETE, stray, "stray", f"{why}; left alone; {remedy}")


def refused_skip(refused: Refusal) -> Skip:
    """Return why a listed model is not registered, or its row not as it should be."""
    action = UPDATE if refused.id else CREATE
    return Skip(action, refused.key, refused.id, refused.reason, refused.because)


def leave_unmarked(seen: ObservedDeployment, why: str) -> Skip:
    """Return why a row without a mark stays, though nothing needs it."""
    what = f"a row for {seen.key.upstream!r} without our mark"
    return skip(DELETE, seen, "unmarked", f"{what} ({why}); {_HOW}")


def leave_unreachable(action: str, seen: ObservedDeployment) -> Skip:
    """Return why a row that no request can name stays as it is."""
    because = "no request can name a row whose id is empty"
    remedy = "delete it in LiteLLM's UI or database"
    return skip(action, seen, "unreachable_id", f"{because}; {remedy}")


def delete(seen: ObservedDeployment, reason: str, because: str) -> Operation | Skip:
    """Return the delete of a row; a skip where no request can name it."""
    if not is_deletable(seen.id):
        return leave_unreachable(DELETE, seen)
    before = ShownRow(seen)
    return Operation(DELETE, seen.key, seen.id, reason, because, EMPTY, before=before)


def skip(action: str, seen: ObservedDeployment, reason: str, because: str) -> Skip:
    """Return that something is not done to a row."""
    return Skip(action, seen.key, seen.id, reason, because)


def why_incomplete(endpoint: Endpoint) -> str:
    """Return why the list of an endpoint does not show what is absent."""
    because = _OUTCOMES.get(endpoint.outcome, "part of its backend's list cannot be read")
    return f"{because} ({endpoint.detail})" if endpoint.detail else because


def _surplus(endpoint: Endpoint, seen: ObservedDeployment) -> str:
    backends = " and ".join(endpoint.backends)
    several = len(endpoint.backends) > 1
    serves = "serve" if several else "serves"
    if is_listed(seen.key.upstream, endpoint):
        return f"{backends} {serves} it, but the configuration wants it differently"
    if endpoint.outcome == "ok":
        return f"{backends} {'do' if several else 'does'} not serve it"
    if endpoint.outcome == "empty":
        return f"{backends} {serves} no model at all"
    state = f"{'are' if several else 'is'} {endpoint.outcome.replace('_', ' ')}"
    return f"{backends} {state} (on_unreachable: remove)"
