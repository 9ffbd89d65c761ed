"""What is new after a cycle, to somebody who was told of all the earlier ones. Pure.

Nothing is told twice: what stays as it is, is no news.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from ..apply.result import FAILED, UNKNOWN, Result
from ..plan.caps import LIMIT
from ..plan.plan import ACTIONS, Plan, Skip
from ..report.news import Change, answer_in_words, find_changes, format_count, remember
from ..report.summary import DONE_WORDS
from ..state.deployment import Key
from ..state.endpoint_status import EndpointStatus
from .item import BACKENDS, CHANGES, FAILURES, HOLDS, Item, listed

_PATIENCE = 2
"""Cycles in a row that must fail before that is told: LiteLLM may just have been restarted."""
_Held = tuple[str, str]
"""The endpoint where something is held, and the reason."""


@dataclass(frozen=True, slots=True)
class Cycle:
    """What is looked at of a cycle.

    ``plan`` is None if there was none: it failed with ``error``, or a stop interrupted it.
    ``problem`` is why the configuration cannot be used, "" if it can. ``sees`` is false where the
    answers of backends count for nothing, as after a stop.
    """

    plan: Plan | None = None
    results: tuple[Result, ...] = ()
    error: str = ""
    problem: str = ""
    sees: bool = True


@dataclass(slots=True)
class News:
    """Remembers what was told."""

    _failed: frozenset[tuple[str, Key]] = frozenset()
    _held: dict[_Held, int] = field(default_factory=dict)
    _statuses: dict[str, EndpointStatus] = field(default_factory=dict)
    _failures: int = 0
    _problem: str = ""

    def of(self, cycle: Cycle) -> tuple[Item, ...]:
        """Return what is new after a cycle, and remember it."""
        items = [*self._configuration(cycle.problem), *self._cycles(cycle)]
        if cycle.plan is not None:
            items += self._operations(cycle.results)
            if cycle.sees:
                items += self._holds(cycle.plan)
                items += self._backends(cycle.plan.endpoints)
        return tuple(items)

    def _configuration(self, problem: str) -> Iterator[Item]:
        before, self._problem = self._problem, problem
        if problem and problem != before:
            first, *more = problem.splitlines()
            rest = f" (and {format_count(len(more), 'more problem')})" if more else ""
            text = f"the configuration cannot be used, so the last good one is: {first}{rest}"
            yield Item(FAILURES, "config_invalid", text)
        elif before and not problem:
            yield Item(FAILURES, "config_valid", "the configuration is valid again")

    def _cycles(self, cycle: Cycle) -> Iterator[Item]:
        if cycle.error:
            self._failures += 1
            if self._failures == _PATIENCE:
                text = f"{_PATIENCE} cycles in a row have failed: {cycle.error}"
                yield Item(FAILURES, "cycles_fail", text)
        elif cycle.plan is not None:
            if self._failures >= _PATIENCE:
                text = f"cycles work again, after {self._failures} that failed"
                yield Item(FAILURES, "cycles_work", text)
            self._failures = 0

    def _operations(self, results: tuple[Result, ...]) -> Iterator[Item]:
        done = [result.operation for result in results if result.done]
        if done:
            names: defaultdict[str, list[str]] = defaultdict(list)
            for operation in done:
                names[operation.action].append(operation.key.name)
            parts = (
                f"{len(names[action])} {DONE_WORDS[action]} ({listed(names[action])})"
                for action in ACTIONS
                if names[action]
            )
            every = tuple(operation.key.name for operation in done)
            number = Counter(operation.action for operation in done)
            yield Item(CHANGES, "applied", "; ".join(parts), names=every, counts=number)
        failed = {
            (result.operation.action, result.operation.key): result
            for result in results
            if result.outcome in (FAILED, UNKNOWN)
        }
        new = [failed[place] for place in failed if place not in self._failed]
        self._failed = frozenset(failed)
        if new:
            yield _failure(new)

    def _holds(self, plan: Plan) -> Iterator[Item]:
        held: defaultdict[_Held, list[Skip]] = defaultdict(list)
        for skip in plan.skips:
            if skip.reason in ("held", LIMIT):
                held[skip.key.endpoint, skip.reason].append(skip)
        backends = _names_of(plan.endpoints)
        unseen = {status.endpoint for status in plan.endpoints if not status.answered}
        for place in sorted(held.keys() - self._held.keys()):
            yield _hold(place[0], backends.get(place[0], ""), held[place])
        gone = {place for place in self._held.keys() - held.keys() if place[0] not in unseen}
        acted = {(op.key.endpoint, "held") for op in plan.operations if op.takes_away}
        for place in sorted(gone & backends_known(gone, backends)):
            yield _released(place, backends[place[0]], acted=place in acted)
        kept = {place: count for place, count in self._held.items() if place not in gone}
        self._held = kept | {place: len(skips) for place, skips in held.items()}

    def _backends(self, statuses: tuple[EndpointStatus, ...]) -> Iterator[Item]:
        for change in find_changes(statuses, self._statuses):
            if change.answer:
                yield _backend(change)
        self._statuses = remember(statuses, self._statuses)


def backends_known(places: Iterable[_Held], backends: Mapping[str, str]) -> set[_Held]:
    """Return the places whose endpoint is still configured."""
    return {place for place in places if place[0] in backends}


def _names_of(statuses: tuple[EndpointStatus, ...]) -> dict[str, str]:
    """Return the names of the backends on each endpoint, as a text."""
    names: defaultdict[str, list[str]] = defaultdict(list)
    for status in statuses:
        names[status.endpoint].append(status.backend)
    return {endpoint: " and ".join(sorted(found)) for endpoint, found in names.items()}


def _failure(results: list[Result]) -> Item:
    first = results[0]
    operations = [result.operation for result in results]
    what = listed(f"{operation.action} {operation.key.name}" for operation in operations)
    count = format_count(len(results), "operation")
    cause = f": {first.detail}" if first.detail else ""
    return Item(
        FAILURES,
        "operations_fail",
        f"{count} failed, and is tried again: {what}{cause}"
        if len(results) == 1
        else f"{count} failed, and are tried again: {what}; the first{cause}",
        endpoint=first.operation.key.endpoint,
        names=tuple(operation.key.name for operation in operations),
        counts=Counter(operation.action for operation in operations),
    )


def _hold(endpoint: str, backend: str, skips: list[Skip]) -> Item:
    names = tuple(skip.key.name for skip in skips)
    actions = Counter(skip.action for skip in skips)
    what = " and ".join(f"{count} {action}" for action, count in sorted(actions.items()))
    text = f"{backend or endpoint}: held back: {what} ({listed(names)}): {skips[0].because}"
    return Item(HOLDS, "held", text, backend, endpoint, names, actions)


def _released(place: _Held, backend: str, *, acted: bool) -> Item:
    endpoint, reason = place
    if reason == LIMIT:
        text = f"{backend}: no limit holds anything back any more"
    elif acted:
        text = f"{backend}: the deletions that were held back are carried out now"
    else:
        text = f"{backend}: the deletions that were held back are no longer needed"
    return Item(HOLDS, "released", text, backend, endpoint)


def _backend(change: Change) -> Item:
    status = change.status
    event = "backend_back" if status.is_ok else "backend_down"
    return Item(BACKENDS, event, answer_in_words(status), status.backend, status.endpoint)
