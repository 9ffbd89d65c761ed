"""Public names that others have, and what becomes of models of ours under these names. Pure.

LiteLLM sends a chat to any row of a public name. A row that a backend's list adds under a name
which others serve already would get its share of their prompts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from operator import attrgetter
from typing import TYPE_CHECKING, Final

from ..state.deployment import JOIN, DesiredDeployment, DesiredState, ObservedState, Refusal
from .holders import Holders

if TYPE_CHECKING:
    from ..config.model import Backend


SUFFIX: Final = "suffix"


def without_taken(
    desired: DesiredState, observed: ObservedState, backends: Sequence[Backend]
) -> DesiredState:
    """Return the desired state with names that others have refused, suffixed or joined.

    Each backend's ``on_taken_name`` and ``joinable_names`` decide. A row of ours that has such a
    name already stays, with a notice: others may have come later, and its users rely on it.
    """
    rules = {backend.name: backend for backend in backends}
    holders = Holders(desired, observed)
    suffixes = Suffixes(desired, holders)
    kept: list[DesiredDeployment] = []
    refusals = list(desired.refusals)
    for wanted in sorted(desired.deployments, key=attrgetter("key")):
        rule = rules[wanted.mark.backend]
        others = holders.others(wanted.key)
        if not others or rule.on_taken_name == JOIN or rule.may_join(wanted.key.name):
            kept.append(wanted)
            continue
        if own_id := holders.own_row(wanted):
            kept.append(wanted)
            because = f"{others} the same public name; requests go to any of them"
            refusals.append(Refusal(wanted.key, "name_shared", because, own_id, wanted.origin))
            continue
        because = f"{others} this public name (on_taken_name: {rule.on_taken_name})"
        if rule.on_taken_name == SUFFIX and (suffixed := suffixes.renamed(wanted, because)):
            kept.append(suffixed)
        else:
            refusals.append(Refusal(wanted.key, "name_taken", because, "", wanted.origin))
    if kept == list(desired.deployments) and len(refusals) == len(desired.refusals):
        return desired
    return replace(
        desired,
        deployments=tuple(sorted(kept, key=attrgetter("key"))),
        refusals=tuple(sorted(refusals)),
    )


class Suffixes:
    """Finds free names of the form ``name@backend``, then ``name@backend-2`` and so on."""

    def __init__(self, desired: DesiredState, holders: Holders) -> None:
        self._desired = desired
        self._holders = holders
        self._next: defaultdict[str, int] = defaultdict(lambda: 1)

    @cached_property
    def _used(self) -> set[str]:
        return {wanted.key.name for wanted in self._desired.deployments}

    def renamed(self, wanted: DesiredDeployment, because: str) -> DesiredDeployment | None:
        """Return a deployment under a free name; its fingerprint stays that of what it serves.

        None if a wildcard of others has the suffixed name: it probably has all numbers of it.
        """
        base = f"{wanted.key.name}@{wanted.mark.backend}"
        while True:
            number = self._next[base]
            name = base if number == 1 else f"{base}-{number}"
            candidate = replace(wanted, key=wanted.key._replace(name=name), renamed=because)
            own = name not in self._used and self._holders.own_row(candidate) != ""
            if not own and self._holders.in_wildcard(candidate.key):
                return None
            self._next[base] += 1
            if own or not (name in self._used or self._holders.others(candidate.key)):
                self._used.add(name)
                return candidate
