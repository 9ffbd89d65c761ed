"""Every deployment, with its state. Pure: from a report, and what of its plan is done."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from ...apply.result import NOT_ATTEMPTED, UNKNOWN, Result
from ...plan.plan import CREATE, DELETE, Operation, Plan, Skip
from ...report.summary import DONE_WORDS
from ...state.deployment import DesiredState, Key, ObservedDeployment, ObservedState

if TYPE_CHECKING:
    from ...reconcile import Report

FAILED: Final = "failed"
HELD: Final = "held"
KEPT: Final = "kept"
DRIFTED: Final = "drifted"
PENDING: Final = "pending"
CHANGED: Final = "changed"
SKIPPED: Final = "skipped"
PAUSED: Final = "out_of_service"
NOT_OURS: Final = "not_ours"
IN_SYNC: Final = "in_sync"
STATES: Final = {
    FAILED: "failed",
    HELD: "held",
    KEPT: "kept (outage)",
    DRIFTED: "edited by hand",
    PENDING: "to be changed",
    CHANGED: "changed now",
    SKIPPED: "left alone",
    PAUSED: "out of service",
    NOT_OURS: "not ours",
    IN_SYNC: "in sync",
}
"""The states in words, in the order in which they are shown: what needs attention first."""
_SKIPPED: Final = {
    HELD: (HELD, "held"),
    "grace": (HELD, "blocked, then deleted"),
    "incomplete": (KEPT, "kept"),
    "alias": (NOT_OURS, "not ours"),
    "unmarked": (NOT_OURS, "not ours"),
    "not_owned": (NOT_OURS, "not ours"),
    "read_only": (NOT_OURS, "not ours"),
    "released": (NOT_OURS, "not ours"),
    "unreadable": (NOT_OURS, "not ours"),
}
"""By reason of a skip: the state, and its label."""
_NOTICE: Final = "name_shared"
"""The reason of a skip that is only said about a row which is as it should be."""
_UNDONE: Final = {NOT_ATTEMPTED: "not attempted", UNKNOWN: "outcome unknown"}


@dataclass(frozen=True, slots=True)
class Deployment:
    """A row of LiteLLM, or a listed model that has none.

    ``backend`` is "" where no configured one is known, ``id`` "" without a row. ``state`` is a key
    of ``STATES``, ``label`` says it in a few words, ``because`` in a sentence ("" in sync).
    ``reason`` is that of its operation or skip. ``until`` is when it is believed that it is gone.
    """

    backend: str
    key: Key
    id: str
    state: str
    label: str
    reason: str = ""
    because: str = ""
    until: datetime | None = None


def deployments_of(report: Report, begun: datetime) -> list[Deployment]:
    """Return every deployment that a cycle which began at ``begun`` looked at, by its key."""
    basis = report.basis
    observed = basis.observed if basis else ObservedState("", ())
    until = {url: begun + timedelta(seconds=left) for url, left in report.waits.items()}
    places = _Places(report.desired, observed)
    decided = _Decided(report.plan, report.results, until, _graces(report.desired, observed))
    found = [*decided.operations(places), *decided.skips(places)]
    settled = {each.id or each.key for each in found} | decided.touched
    found += [
        _undisturbed(seen, places, decided.notices.get(seen.id, ""))
        for seen in (*observed.deployments, *observed.strays)
        if (seen.id or seen.key) not in settled
    ]
    return sorted(found, key=lambda each: (each.key, each.id))


class _Places:
    """Which backend a deployment belongs to."""

    def __init__(self, desired: DesiredState, observed: ObservedState) -> None:
        self._first = {site.url: site.backends[0] for site in desired.endpoints if site.backends}
        self._known = {name for site in desired.endpoints for name in site.backends}
        self._wanted = {wanted.key: wanted.mark.backend for wanted in desired.deployments}
        self._marked = {
            seen.id: seen.mark.backend
            for seen in (*observed.deployments, *observed.strays)
            if seen.mark and seen.mark.owner == observed.owner and seen.mark.backend in self._known
        }

    def of(self, key: Key, row_id: str) -> str:
        """Return the backend of a key and a row; "" if none is known."""
        name = self._wanted.get(key) or self._marked.get(row_id)
        return name or self._first.get(key.endpoint, "")


class _Decided:
    """What a plan decided, and what became of it."""

    def __init__(
        self,
        plan: Plan,
        results: Sequence[Result],
        until: Mapping[str, datetime],
        graces: Mapping[str, datetime],
    ) -> None:
        self._plan = plan
        self._results = {result.operation.order(): result for result in results}
        self._until, self._graces = until, graces
        self.touched = {operation.touched for operation in plan.operations}
        notices: defaultdict[str, list[str]] = defaultdict(list)
        for skip in plan.skips:
            if skip.reason == _NOTICE:
                notices[skip.id].append(skip.because)
        self.notices = {row_id: "; ".join(told) for row_id, told in notices.items()}

    def operations(self, places: _Places) -> Iterator[Deployment]:
        for operation in self._plan.operations:
            state, label, because = self._outcome(operation)
            backend = places.of(operation.key, operation.touched)
            yield Deployment(
                backend, operation.key, operation.id, state, label, operation.reason, because
            )

    def _outcome(self, operation: Operation) -> tuple[str, str, str]:
        result = self._results.get(operation.order())
        drifted = operation.reason == DRIFTED
        if result is None:
            label = "to be put back" if drifted else f"to be {DONE_WORDS[operation.action]}"
            return DRIFTED if drifted else PENDING, label, operation.because
        if not result.done:
            label = f"{operation.action} {_UNDONE.get(result.outcome, 'failed')}"
            because = result.detail or operation.because
            return FAILED, label, because
        label = "put back" if drifted else DONE_WORDS[operation.action]
        return DRIFTED if drifted else CHANGED, label, operation.because

    def skips(self, places: _Places) -> Iterator[Deployment]:
        told = set(self.touched)
        for skip in self._plan.skips:
            if skip.reason == _NOTICE or (skip.id and skip.id in told):
                continue
            told.add(skip.id)
            state, label = _skipped(skip)
            until = self._graces.get(skip.id) if skip.reason == "grace" else None
            if skip.reason == HELD:
                until = self._until.get(skip.key.endpoint)
            backend = places.of(skip.key, skip.id)
            yield Deployment(
                backend, skip.key, skip.id, state, label, skip.reason, skip.because, until
            )


def _skipped(skip: Skip) -> tuple[str, str]:
    """Return the state of what is skipped, and its label."""
    if skip.reason in _SKIPPED:
        return _SKIPPED[skip.reason]
    if skip.reason == "maintenance" and skip.action != CREATE:
        return PAUSED, "out of service"
    if skip.action == CREATE:
        return SKIPPED, "not registered"
    return SKIPPED, "stays" if skip.action == DELETE else "left as it is"


def _undisturbed(seen: ObservedDeployment, places: _Places, notice: str) -> Deployment:
    """Return a row of ours about which there is nothing to decide."""
    backend = places.of(seen.key, seen.id)
    if seen.blocked:
        why = seen.paused or "somebody blocked it in LiteLLM"
        return Deployment(backend, seen.key, seen.id, PAUSED, "out of service", because=why)
    reason = _NOTICE if notice else ""
    return Deployment(backend, seen.key, seen.id, IN_SYNC, "in sync", reason, notice)


def _graces(desired: DesiredState, observed: ObservedState) -> dict[str, datetime]:
    """Return when each row is due that is blocked before its delete."""
    graces = {endpoint.url: endpoint.removal_grace for endpoint in desired.endpoints}
    found = {}
    for seen in observed.deployments:
        if seen.mark and seen.mark.paused_at and graces.get(seen.key.endpoint):
            try:
                since = datetime.fromisoformat(seen.mark.paused_at)
            except ValueError:
                continue
            if since.tzinfo is not None:
                found[seen.id] = since + timedelta(seconds=graces[seen.key.endpoint])
    return found
