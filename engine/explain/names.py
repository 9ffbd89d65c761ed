"""What was decided about each public name of a listed model. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from ..desired.naming import Offer
from ..plan.plan import Plan
from ..state.deployment import (
    DesiredDeployment,
    DesiredState,
    Key,
    ObservedState,
)
from ..state.origin import Origin
from .explanation import FILTERED, IN_STEP, NOTHING, SUPERSEDED, WANTED, Name

NOTICE: Final = "name_shared"
"""The reason of a skip that leaves nothing out: it tells of others with the same name."""
_REMEDIES: Final = {
    FILTERED: "correct the expression, if the model is wanted",
    "excluded": "change that option, if the model is wanted",
    "name_taken": "give it another name (name_format, aliases), allow the name in joinable_names,"
    " or choose another on_taken_name",
    "clash": "give one of the two another name, or choose another on_clash",
    "unsafe_upstream": "begin model_format with a provider, such as openai/{model}",
    "policy": "choose another policy",
    "limit": "wait for the next cycle, or change limits",
}
"""By decision or outcome: what an operator can do."""


@dataclass(frozen=True, slots=True)
class Offered:
    """A model that a backend lists: what the configuration makes of it, and on which endpoint."""

    backend: str
    endpoint: str
    offer: Offer

    def own_keys(self) -> Iterator[Key]:
        """Yield the keys that it has by the configuration alone."""
        for name in self.offer.names:
            yield Key(self.endpoint, name, self.offer.upstream)


class Decisions:
    """What a cycle decided about listed models, by what it was decided about."""

    def __init__(self, desired: DesiredState, observed: ObservedState, plan: Plan) -> None:
        self._wanted = {wanted.origin: wanted for wanted in desired.deployments}
        self._refused = {refusal.origin: refusal for refusal in desired.refusals if not refusal.id}
        self._refused_keys = {refusal.key: refusal for refusal in self._refused.values()}
        self._rows: defaultdict[Key, list[str]] = defaultdict(list)
        for seen in observed.deployments:
            self._rows[seen.key].append(seen.id)
        self._outcomes = {skip.key: skip.reason for skip in plan.skips if skip.reason != NOTICE}
        self._outcomes |= {operation.key: operation.action for operation in plan.operations}

    def names(self, offered: Offered) -> Iterator[Name]:
        """Yield what was decided about each public name of a listed model."""
        for key in offered.own_keys():
            origin = Origin(offered.backend, offered.offer.model.id, key.name)
            if offered.offer.filtered:
                because = f"{offered.offer.left_out_by} leaves it out"
                yield self._not_wanted(key.name, key, FILTERED, because)
            elif wanted := self._wanted.get(origin):
                yield self._is_wanted(wanted)
            elif refusal := self._refused.get(origin) or self._refused_keys.get(key):
                yield self._not_wanted(key.name, refusal.key, refusal.reason, refusal.because)
            else:
                yield self._not_wanted(key.name, key, SUPERSEDED, self._instead(origin, key))

    def _is_wanted(self, wanted: DesiredDeployment) -> Name:
        outcome = self._outcomes.get(wanted.key, IN_STEP)
        rows = tuple(row for key in wanted.row_keys() for row in self._rows.get(key, ()))
        because = wanted.renamed or f"{wanted.origin.backend} serves it"
        remedy = _REMEDIES.get(outcome, "")
        return Name(wanted.origin.name, wanted.key, WANTED, because, outcome, remedy, rows)

    def _not_wanted(self, name: str, key: Key, decision: str, because: str) -> Name:
        rows = tuple(self._rows.get(key, ()))
        return Name(name, key, decision, because, NOTHING, _REMEDIES.get(decision, ""), rows)

    def _instead(self, origin: Origin, key: Key) -> str:
        """Return which model has the place of one that is neither wanted nor refused."""
        others = [(wanted.origin, wanted.key) for wanted in self._wanted.values()]
        others += [(refusal.origin, refusal.key) for refusal in self._refused.values()]
        for other, place in others:
            if place.endpoint != key.endpoint or other.name != origin.name:
                continue
            if other.model == origin.model:
                return f"{other.backend} is on the same server and comes later in the configuration"
            if place.upstream == key.upstream:
                return f"{other.model} of {other.backend} has the same name and upstream"
        return "another model has its place"
