"""Rows that are blocked for a while, and kept with all that belongs to them. Pure.

A row is blocked and its mark says why in one PATCH, so that no interruption leaves the one without
the other. A block without a reason in the mark is somebody else's, and stays.

=======  ===================================  ==========================  ========================
desired  row of ours                          its backend                 result
=======  ===================================  ==========================  ========================
any      in service                           in maintenance              block - ``maintenance``
yes      blocked, by anybody                  in maintenance              updated where it differs
yes      none, or one to be replaced          in maintenance              skip - ``maintenance``
no       blocked, by anybody                  in maintenance              skip - ``maintenance``
any      blocked by us for a maintenance      not, or no longer           unblock - ``maintenance``
any      drained                              not in maintenance          skip - ``maintenance``
any      to be blocked, which cannot be done  any                         skip - ``unsupported``
no       in service                           has a ``removal_grace``     block - ``surplus``
no       blocked for that                     lists still without it      skip - ``grace``
no       blocked for that, grace over         lists still without it      delete - ``surplus``
no       blocked by somebody else             has a ``removal_grace``     skip - ``paused``
yes      blocked for that                     any                         unblock - ``returned``
=======  ===================================  ==========================  ========================

A row that needs a change as well gets both with one write.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace

from ..litellm.row import ShownRow, is_patchable
from ..state.deployment import (
    MARK,
    Editing,
    Endpoint,
    ObservedDeployment,
    ObservedState,
)
from ..state.frozen import freeze, thaw
from ..state.mark import DRAINED, LADDER, MAINTENANCE, mark_document
from .leftovers import settle_leftover, skip
from .plan import BLOCK, CREATE, DELETE, REPLACE, SURPLUS, UNBLOCK, UPDATE, Operation, Skip

Decision = Operation | Skip
_BY_CONFIG = "the configuration takes {backend} out of service (maintenance: true)"
_NO_REQUEST = "no request can change a row with this id"
_BY_HAND = "drained by hand; `modelprovisioner undrain` brings it back"


def maintained(
    endpoint: Endpoint, backend: str, seen: ObservedDeployment, editing: Editing
) -> Decision | None:
    """Return whether a row of ours has to be blocked or unblocked, as the configuration says.

    ``backend`` is the one that it belongs to, or will belong to. None: it is as it should be.
    """
    if backend in endpoint.maintenance:
        because = _BY_CONFIG.format(backend=backend)
        return None if seen.blocked else pause(seen, MAINTENANCE, because, editing)
    if seen.mark and seen.mark.paused == MAINTENANCE:
        return resume(seen, MAINTENANCE, f"the maintenance of {backend} is over", editing)
    if seen.paused == DRAINED:
        return skip(UNBLOCK, seen, MAINTENANCE, _BY_HAND)
    return None


def restored(
    endpoint: Endpoint, backend: str, seen: ObservedDeployment, editing: Editing
) -> Decision | None:
    """Return the same of a row that is wanted: it is unblocked if it was to be deleted."""
    ours = seen.mark is not None and seen.mark.paused == LADDER
    if ours and backend not in endpoint.maintenance:
        return resume(seen, "returned", f"{backend} serves it again", editing)
    return maintained(endpoint, backend, seen, editing)


def with_switch(
    switch: Decision | None, change: Decision | None, seen: ObservedDeployment
) -> Decision | None:
    """Return what is done with a row that is wanted; both are one operation where both are needed.

    ``switch`` is what :func:`maintained` returned, ``change`` what brings the row in line. A row
    that is to be in service again is not unblocked if a new row replaces it.
    """
    if isinstance(switch, Operation):
        if isinstance(change, Operation):
            if change.action == UPDATE:
                return _also_updated(switch, change)
            return replace(change, before=switch.before)
        return switch if seen.mark else change
    if isinstance(change, Operation):
        if switch is not None and switch.action == BLOCK and change.action == REPLACE:
            # the new row would be in service
            return skip(
                REPLACE, seen, MAINTENANCE, f"it waits ({change.because}): {switch.because}"
            )
        return change
    return change or switch


def settle_left(endpoint: Endpoint, seen: ObservedDeployment, observed: ObservedState) -> Decision:
    """Return what is done with a row that nothing desires.

    One of ours stays while it is drained, or while its backend is in maintenance.
    """
    decision = settle_leftover(endpoint, seen, observed.owner)
    if seen.mark is None or not seen.belongs_to(observed.owner):
        return decision
    backend = seen.mark.backend
    change = maintained(endpoint, backend, seen, observed.editing)
    if backend in endpoint.maintenance:
        stays = f"{_BY_CONFIG.format(backend=backend)}; it stays"
        return change or skip(DELETE, seen, MAINTENANCE, stays)
    if seen.paused == DRAINED:
        return skip(DELETE, seen, MAINTENANCE, f"{_BY_HAND}; it stays until then")
    if not isinstance(decision, Operation):
        return change or decision
    return _step_down(endpoint, seen, decision, observed) if endpoint.removal_grace else decision


def _step_down(
    endpoint: Endpoint, seen: ObservedDeployment, delete: Operation, observed: ObservedState
) -> Decision:
    """Return the next step for a row that nothing wants: it is blocked, it waits, it is deleted."""
    if seen.blocked and not seen.paused:
        because = f"{delete.because}; somebody blocked it in LiteLLM, so it stays until that ends"
        return skip(DELETE, seen, "paused", because)
    grace = f"{_length(endpoint.removal_grace)} (removal_grace)"
    if seen.mark is None or seen.paused != LADDER or not seen.mark.paused_at:
        because = f"{delete.because}; deleted if that lasts for {grace}"
        switch = pause(seen, LADDER, because, observed.editing)
        return replace(switch, reason=SURPLUS) if isinstance(switch, Operation) else switch
    if seen.id in observed.overdue:
        return replace(delete, because=f"{delete.because}, for longer than {grace}")
    since = f"blocked since {seen.mark.paused_at}, deleted {grace} later"
    return skip(DELETE, seen, "grace", f"{delete.because}; {since}")


def _length(seconds: float) -> str:
    return f"{seconds / 60:g} min" if seconds < 3600 else f"{seconds / 3600:g} h"


def waits_for(backend: str) -> str:
    """Return why a model of a backend in maintenance is not registered yet."""
    return f"{_BY_CONFIG.format(backend=backend)}; it is registered once that is over"


def pause(seen: ObservedDeployment, why: str, because: str, editing: Editing) -> Decision:
    """Return the block of a row of ours for a reason; a skip where this LiteLLM cannot do it."""
    if unable := cannot_pause(seen, editing):
        return skip(BLOCK, seen, "unsupported", f"{because}, but {unable}; it stays in service")
    return _switch(BLOCK, seen, why, because)


def resume(seen: ObservedDeployment, reason: str, because: str, editing: Editing) -> Decision:
    """Return what brings a row back that we blocked; its mark no longer says why."""
    if unable := cannot_pause(seen, editing):
        return skip(UNBLOCK, seen, "unsupported", f"{because}, but {unable}; it stays blocked")
    if not seen.blocked:
        because += "; somebody has unblocked it already, which its mark does not say yet"
    return replace(_switch(UNBLOCK, seen, "", because), reason=reason)


def cannot_pause(seen: ObservedDeployment, editing: Editing) -> str:
    """Return why a row cannot be blocked, "" if it can."""
    if not editing.pauses:
        version = editing.version or "of unknown version"
        return f"this LiteLLM ({version}) cannot block one model alone, which takes 1.98 or later"
    if not is_patchable(seen.id):
        return _NO_REQUEST
    return ""


def _also_updated(switch: Operation, update: Operation) -> Operation:
    """Return a block or an unblock that also makes the changes of an update of the same row."""
    row = {**thaw(update.row), "blocked": switch.row["blocked"]}
    for name in ("paused", "paused_at"):
        row["model_info"][MARK].pop(name, None)
    if switch.action == BLOCK:
        row["model_info"][MARK]["paused"] = switch.reason
    because = f"{switch.because}; also {update.reason}: {update.because}"
    return replace(switch, because=because, row=freeze(row), changes=update.changes)


def _switch(action: str, seen: ObservedDeployment, why: str, because: str) -> Operation:
    mark = {MARK: mark_document(replace(seen.mark, paused=why, paused_at=""))} if seen.mark else {}
    row = freeze({"blocked": action == BLOCK, "model_info": {"id": seen.id, **mark}})
    before = ShownRow(seen)
    return Operation(action, seen.key, seen.id, why, because, row, before=before)


def with_consequences(
    operations: Iterable[Operation], observed: ObservedState
) -> Iterator[Operation]:
    """Yield the operations; a block that leaves a public name without a row in service says so."""
    operations = tuple(operations)
    if not any(operation.action == BLOCK for operation in operations):
        yield from operations
        return
    gone = {op.touched for op in operations if op.action in (BLOCK, DELETE, REPLACE)}
    here = (*observed.deployments, *observed.strays)
    serving = Counter(row.key.name for row in here if not row.blocked and row.id not in gone)
    coming = (CREATE, REPLACE, UNBLOCK)
    serving.update(op.key.name for op in operations if op.action in coming)
    for operation in operations:
        name = operation.key.name
        if operation.action == BLOCK and not serving[name] and name not in observed.holders:
            told = f"no other row serves {name!r}, so LiteLLM answers 403 (Model is blocked)"
            yield replace(operation, because=f"{operation.because}; {told}")
        else:
            yield operation
