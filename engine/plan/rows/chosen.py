"""Which rows of LiteLLM a command is about. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...state.deployment import DesiredState, Endpoint, ObservedDeployment, ObservedState
from ...state.listing import NOT_ASKED
from ..plan import Operation, Plan, Skip

if TYPE_CHECKING:
    from ...config.patterns import NamePattern


@dataclass(frozen=True, slots=True)
class Choice:
    """The rows of ours that bear the mark of a backend and have a public name that matches.

    Without ``names``, every name does.
    """

    backend: str
    names: tuple[NamePattern, ...] = ()


def rows_of(choice: Choice, observed: ObservedState) -> Iterator[ObservedDeployment]:
    """Yield the chosen rows, also those whose endpoint is not configured."""
    for seen in (*observed.deployments, *observed.strays):
        if is_chosen(seen, choice, observed):
            yield seen


def is_chosen(seen: ObservedDeployment, choice: Choice, observed: ObservedState) -> bool:
    """Tell whether a row is one of the chosen."""
    ours = seen.mark and (seen.mark.owner, seen.mark.backend) == (observed.owner, choice.backend)
    return bool(ours) and (
        not choice.names or any(pattern.matches(seen.key.name) for pattern in choice.names)
    )


def plan_of(decisions: Iterable[Operation | Skip | None], owner: str) -> Plan:
    """Return decisions as a plan, in its order; None decides nothing."""
    made = [decision for decision in decisions if decision is not None]
    operations = sorted((x for x in made if isinstance(x, Operation)), key=Operation.order)
    skips = sorted((x for x in made if isinstance(x, Skip)), key=Skip.order)
    return Plan(tuple(operations), tuple(skips), owner=owner)


def unasked_state(backend: str, plan: Plan, owner: str) -> DesiredState:
    """Return what is shown of the endpoints of a plan for chosen rows: no backend was asked."""
    keys = [operation.key for operation in plan.operations] + [skip.key for skip in plan.skips]
    urls = sorted({key.endpoint for key in keys})
    endpoints = [Endpoint(url, (backend,), NOT_ASKED, "", complete=True) for url in urls]
    return DesiredState(owner, (), tuple(endpoints))
