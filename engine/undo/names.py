"""Which deletes of an undo would leave a public name without a row. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from ..plan.plan import CREATE, DELETE, REPLACE, Operation, Skip
from ..state.deployment import ObservedState
from .row_again import KEY_UNKNOWN


def safe(
    operations: Sequence[Operation], lost: Collection[str], observed: ObservedState
) -> Iterator[Operation | Skip]:
    """Yield the operations; a delete with the row that stays of ours under its public name.

    There is a skip in its place if none stays, and a row of that name cannot be made again.
    """
    going = {op.touched for op in operations if op.action in (DELETE, REPLACE)}
    staying = {
        seen.key.name: seen.id
        for seen in reversed(observed.deployments)
        if seen.id not in going and seen.belongs_to(observed.owner)
    }
    staying |= {op.key.name: op.id for op in operations if op.action in (CREATE, REPLACE)}
    for operation in operations:
        name = operation.key.name
        if operation.action != DELETE:
            yield operation
        elif name in lost and name not in staying:
            why = "the row that had its public name before cannot be made again"
            yield Skip(DELETE, operation.key, operation.id, KEY_UNKNOWN, why)
        else:
            yield replace(operation, keeps=staying.get(name, ""))
