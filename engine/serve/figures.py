"""How many deployments each backend has, in which state: worked out when somebody asks. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Final

from ..plan.plan import Plan
from ..state.deployment import DesiredState, ObservedState
from .snapshot import Snapshot

DESIRED: Final = "desired"
OBSERVED: Final = "observed"
HELD: Final = "held"
KEPT: Final = "kept"
STATES: Final = (DESIRED, OBSERVED, HELD, KEPT)
"""Of deployments: wanted; ours, as LiteLLM listed them when the last good cycle began; to be
deleted or blocked, but a limit holds that back; left because their backend cannot be listed."""
_SKIPS: Final = {"held": HELD, "incomplete": KEPT}


def deployments(snapshot: Snapshot) -> Mapping[str, Mapping[str, int]]:
    """Return the number of deployments by backend and state, as of the last good cycle.

    Each backend that was configured then has all STATES; there is none before the first cycle.
    """
    report = snapshot.good.report if snapshot.good else None
    if report is None or report.basis is None:
        return {}
    return snapshot.derived.of(_count, report.desired, report.basis.observed, report.plan)


def skips(snapshot: Snapshot) -> Mapping[str, int]:
    """Return how many skips the plan of the last good cycle has for each reason."""
    report = snapshot.good.report if snapshot.good else None
    return snapshot.derived.of(_reasons, report.plan) if report else {}


def _count(
    desired: DesiredState, observed: ObservedState, plan: Plan
) -> Mapping[str, Mapping[str, int]]:
    counts = {status.backend: dict.fromkeys(STATES, 0) for status in plan.endpoints}
    at = {status.endpoint: status.backend for status in reversed(plan.endpoints)}
    ours = {
        row.id: row.mark.backend
        for row in observed.deployments
        if row.mark and row.mark.owner == observed.owner
    }
    states = (
        *((wanted.mark.backend, DESIRED) for wanted in desired.deployments),
        *((backend, OBSERVED) for backend in ours.values()),
        *(
            (ours.get(skip.id) or at.get(skip.key.endpoint, ""), _SKIPS[skip.reason])
            for skip in plan.skips
            if skip.reason in _SKIPS
        ),
    )
    for (backend, state), number in Counter(states).items():
        if backend in counts:
            counts[backend][state] = number
    return counts


def _reasons(plan: Plan) -> Mapping[str, int]:
    return Counter(skip.reason for skip in plan.skips)
