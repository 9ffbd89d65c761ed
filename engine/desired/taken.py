"""Public names that others have, and what becomes of models of ours under these names. Pure.

LiteLLM sends a chat to any row of a public name. A row that a backend's list adds under a name
which others serve already would get its share of their prompts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from ..litellm.observed import described
from ..state.deployment import (
    TEAM_ROW,
    DesiredDeployment,
    DesiredState,
    Key,
    ObservedDeployment,
    ObservedState,
    Refusal,
)

if TYPE_CHECKING:
    from ..config.model import Backend


SKIP: Final = "skip"
SUFFIX: Final = "suffix"
JOIN: Final = "join"
_NAMED_ROWS: Final = 2
"""Rows that a message names."""


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
    for wanted in sorted(desired.deployments, key=lambda wanted: wanted.key):
        rule = rules[wanted.mark.backend]
        others = holders.others(wanted.key)
        if not others or rule.on_taken_name == JOIN or rule.may_join(wanted.key.name):
            kept.append(wanted)
        elif own_id := holders.own_row(wanted):
            kept.append(wanted)
            because = f"{others} the same public name; requests go to any of them"
            refusals.append(Refusal(wanted.key, "name_shared", because, own_id))
        elif rule.on_taken_name == SUFFIX and (suffixed := suffixes.renamed(wanted)):
            kept.append(suffixed)
        else:
            because = f"{others} this public name (on_taken_name: {rule.on_taken_name})"
            refusals.append(Refusal(wanted.key, "name_taken", because))
    if kept == list(desired.deployments) and len(refusals) == len(desired.refusals):
        return desired
    return replace(
        desired,
        deployments=tuple(sorted(kept, key=lambda wanted: wanted.key)),
        refusals=tuple(sorted(refusals)),
    )


class Holders:
    """Knows which rows that are not ours have a public name, and which of ours do."""

    def __init__(self, desired: DesiredState, observed: ObservedState) -> None:
        self._named = observed.holders
        self._wildcards = _Wildcards(observed.holders)
        self._endpoints = {endpoint.url: endpoint for endpoint in desired.endpoints}
        self._by_hand: defaultdict[str, list[ObservedDeployment]] = defaultdict(list)
        self._adoptable: dict[Key, str] = {}
        self._ours: dict[tuple[str, str], str] = {}
        claimed = {key for wanted in desired.deployments for key in _keys(wanted)}
        for seen in observed.deployments:
            if seen.mark is not None:
                if seen.mark.owner == desired.owner and not seen.read_only:
                    self._ours.setdefault((seen.key.endpoint, seen.key.name), seen.id)
                continue
            ownership = self._endpoints[seen.key.endpoint].ownership
            if not seen.read_only and ownership != "marked":
                self._adoptable.setdefault(seen.key, seen.id)
            # With `exclusive`, the engine has every row on the endpoint that can be edited.
            free = seen.read_only or ownership != "exclusive"
            if free and seen.key not in claimed and seen.read_only != TEAM_ROW:
                self._by_hand[seen.key.name].append(seen)
        self._texts: dict[tuple[str, str], str] = {}

    def others(self, key: Key) -> str:
        """Return a text such as "row 'x' (...) has", for the rows of others with a public name.

        It is "" if there are none. A row without a mark on the endpoint of another backend counts
        only if that backend's list is complete and no model in it explains the row: else the row
        may be adopted, and ``on_clash`` decides.
        """
        place = (key.endpoint, key.name)
        if place not in self._texts:
            self._texts[place] = _listed([*self._found(key)])
        return self._texts[place]

    def _found(self, key: Key) -> Iterator[str]:
        yield from self._named.get(key.name, ())
        yield from self._wildcards.matching(key.name)
        for seen in self._by_hand.get(key.name, ()):
            if seen.key.endpoint == key.endpoint or self._endpoints[seen.key.endpoint].complete:
                yield described(seen.id, seen.read_only)

    def in_wildcard(self, name: str) -> bool:
        """Tell whether a wildcard of others has a public name."""
        return next(self._wildcards.matching(name), None) is not None

    def own_row(self, wanted: DesiredDeployment) -> str:
        """Return the id of a row that is ours, or will be adopted, under this name; "" if none."""
        row_id = self._ours.get((wanted.key.endpoint, wanted.key.name), "")
        adoptable = (self._adoptable.get(key, "") for key in _keys(wanted))
        return row_id or next(filter(None, adoptable), "")


class Suffixes:
    """Finds free names of the form ``name@backend``, then ``name@backend-2`` and so on."""

    def __init__(self, desired: DesiredState, holders: Holders) -> None:
        self._used = {wanted.key.name for wanted in desired.deployments}
        self._holders = holders
        self._next: defaultdict[str, int] = defaultdict(lambda: 1)

    def renamed(self, wanted: DesiredDeployment) -> DesiredDeployment | None:
        """Return a deployment under a free name; its fingerprint stays that of what it serves.

        None if a wildcard of others has the suffixed name: it probably has all numbers of it.
        """
        base = f"{wanted.key.name}@{wanted.mark.backend}"
        while True:
            number = self._next[base]
            name = base if number == 1 else f"{base}-{number}"
            candidate = replace(wanted, key=replace(wanted.key, name=name))
            own = name not in self._used and self._holders.own_row(candidate) != ""
            if not own and self._holders.in_wildcard(name):
                return None
            self._next[base] += 1
            if own or not (name in self._used or self._holders.others(candidate.key)):
                self._used.add(name)
                return candidate


class _Wildcards:
    """The wildcards among public names; a bare ``*`` is a default route and has no name.

    LiteLLM matches ``*`` with any text. What lies between the first and the last of several is
    not looked at, so that looking a name up takes no longer for many wildcards than for a few.
    """

    def __init__(self, holders: Mapping[str, tuple[str, ...]]) -> None:
        self._rows: defaultdict[str, dict[str, list[str]]] = defaultdict(dict)
        for name, rows in holders.items():
            prefix, star, rest = name.partition("*")
            if prefix and star:
                ending = rest.rpartition("*")[2]
                self._rows[prefix].setdefault(ending, []).extend(rows)
        self._lengths = sorted({len(prefix) for prefix in self._rows})
        self._endings = {
            prefix: sorted({len(ending) for ending in rows}) for prefix, rows in self._rows.items()
        }

    def matching(self, name: str) -> Iterator[str]:
        """Yield descriptions of the rows whose wildcard matches a name."""
        for length in self._lengths:
            if length > len(name) or name[:length] not in self._rows:
                continue
            rows = self._rows[name[:length]]
            for ending in self._endings[name[:length]]:
                if length + ending <= len(name):
                    yield from rows.get(name[len(name) - ending :], ())


def _keys(wanted: DesiredDeployment) -> Iterator[Key]:
    """Yield the key, and those under which the Go program would have registered the model."""
    yield wanted.key
    for upstream in wanted.predecessors:
        yield replace(wanted.key, upstream=upstream)


def _listed(others: list[str]) -> str:
    if not others:
        return ""
    shown = sorted(others)[:_NAMED_ROWS]
    more = len(others) - len(shown)
    text = " and ".join(shown) + (f" and {more} more" if more else "")
    return f"{text} {'have' if len(others) > 1 else 'has'}"
