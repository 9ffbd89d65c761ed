"""Which rows that are not ours have a public name, and which of ours do. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Final

from ..litellm.observed import described
from ..state.deployment import (
    EXCLUSIVE,
    MARKED,
    SYNC,
    TEAM_ROW,
    DesiredDeployment,
    DesiredState,
    Endpoint,
    Key,
    ObservedDeployment,
    ObservedState,
)
from ..state.served import is_alias

_NAMED_ROWS: Final = 2
"""Rows that a message names."""


class Holders:
    """Knows which rows that are not ours have a public name, and which of ours do."""

    def __init__(self, desired: DesiredState, observed: ObservedState) -> None:
        self._desired, self._observed = desired, observed
        self._named = observed.holders
        self._endpoints = {endpoint.url: endpoint for endpoint in desired.endpoints}
        self._by_hand: defaultdict[str, list[ObservedDeployment]] = defaultdict(list)
        self._adoptable: dict[Key, str] = {}
        self._strays = _strays(desired, observed)
        unmarked = [seen for seen in observed.deployments if seen.mark is None]
        rows = desired.deployments if unmarked else ()
        claimed = {key for wanted in rows for key in wanted.row_keys()}
        for seen in unmarked:
            endpoint = self._endpoints[seen.key.endpoint]
            kept = seen.read_only or seen.released
            if not kept and endpoint.ownership != MARKED:
                self._adoptable.setdefault(seen.key, seen.id)
            stays = kept or _stays(seen.key, endpoint)
            if stays and seen.key not in claimed and seen.read_only != TEAM_ROW:
                self._by_hand[seen.key.name].append(seen)
        self._wildcards = _Wildcards([*_holding(observed.holders, self._by_hand)])
        self._texts: dict[tuple[str, str], str] = {}

    def others(self, key: Key) -> str:
        """Return a text such as "row 'x' (...) has", for the rows of others with a public name.

        It is "" if there are none. A row without a mark on the endpoint of another backend does
        not count if a model in that backend's list explains it: it may be adopted, and ``on_clash``
        decides. While there is no list, it counts.
        """
        if not (self._wildcards or key.name in self._named or key.name in self._by_hand):
            return ""
        place = (key.endpoint, key.name)
        if place not in self._texts:
            self._texts[place] = _listed([*self._found(key)])
        return self._texts[place]

    def _found(self, key: Key) -> Iterator[Sequence[str]]:
        """Yield groups of descriptions, each of which is sorted."""
        yield self._named.get(key.name, ())
        yield sorted(map(_described, self._by_hand.get(key.name, ())))
        yield from self._wildcards.matching(key)

    def in_wildcard(self, key: Key) -> bool:
        """Tell whether a wildcard of others has a public name."""
        return next(self._wildcards.matching(key), None) is not None

    @cached_property
    def _ours(self) -> dict[tuple[str, str], str]:
        """The ids of rows of ours, by endpoint and public name."""
        owner, ours = self._desired.owner, dict[tuple[str, str], str]()
        for seen in self._observed.deployments:
            if seen.belongs_to(owner) and seen.id:
                ours.setdefault((seen.key.endpoint, seen.key.name), seen.id)
        return ours

    def own_row(self, wanted: DesiredDeployment) -> str:
        """Return the id of a row that is ours, or will be adopted, under this name; "" if none."""
        key = wanted.key
        backends = self._endpoints[key.endpoint].backends
        homeless = [(backend, key.name, key.upstream) for backend in backends]
        found = (
            self._ours.get((key.endpoint, key.name), ""),
            *(self._adoptable.get(each, "") for each in wanted.row_keys()),
            *(self._strays.get(place, "") for place in [*homeless, key]),
        )
        return next(filter(None, found), "")


class _Wildcards:
    """The wildcards among public names; a bare ``*`` is a default route and has no name.

    LiteLLM matches ``*`` with any text. What lies between the first and the last of several is
    not looked at, so that looking a name up takes no longer for many wildcards than for a few.
    """

    def __init__(self, rows: Sequence[tuple[str, str, str]]) -> None:
        """Take the name, endpoint ("" for any that is not configured) and description of rows."""
        groups: defaultdict[tuple[str, str], dict[str, list[str]]] = defaultdict(dict)
        endings: defaultdict[str, set[int]] = defaultdict(set)
        for name, endpoint, row in sorted(rows, key=lambda row: row[-1]):
            prefix, star, rest = name.partition("*")
            if prefix and star:
                ending = rest.rpartition("*")[2]
                groups[prefix, ending].setdefault(endpoint, []).append(row)
                endings[prefix].add(len(ending))
        self._groups = dict(groups)
        self._endings = {prefix: sorted(lengths) for prefix, lengths in endings.items()}
        self._lengths = sorted({len(prefix) for prefix in endings})

    def __bool__(self) -> bool:
        return bool(self._groups)

    def matching(self, key: Key) -> Iterator[Sequence[str]]:
        """Yield sorted descriptions of the rows whose wildcard matches the name in ``key``.

        A wildcard to the same endpoint takes nothing from anybody.
        """
        name = key.name
        for length in self._lengths:
            for ending in self._endings.get(name[:length], ()) if length <= len(name) else ():
                if length + ending <= len(name):
                    group = self._groups.get((name[:length], name[len(name) - ending :]), {})
                    yield from (rows for place, rows in group.items() if place != key.endpoint)


def _stays(key: Key, endpoint: Endpoint) -> bool:
    """Tell whether a row without a mark that nothing desires stays on an endpoint.

    With ``ownership: exclusive`` the engine deletes it, unless the list of the endpoint does not
    show that it should, or its policy allows no delete.
    """
    deletes = endpoint.ownership == EXCLUSIVE and endpoint.policy == SYNC and endpoint.complete
    return not deletes or is_alias(key, endpoint)


def _strays(desired: DesiredState, observed: ObservedState) -> dict[tuple[str, str, str], str]:
    """Return ids of rows of ours that :func:`engine.plan.homes.with_homes` may give a place.

    They are by backend, or address, and by name and upstream.
    """
    found: dict[tuple[str, str, str], str] = {}
    for stray in observed.strays:
        if stray.mark is not None and stray.belongs_to(desired.owner):
            name, upstream = stray.key.name, stray.key.upstream
            for place in (stray.mark.backend, stray.key.endpoint):
                found.setdefault((place, name, upstream), stray.id)
    return found


def _holding(
    holders: Mapping[str, tuple[str, ...]], by_hand: Mapping[str, list[ObservedDeployment]]
) -> Iterator[tuple[str, str, str]]:
    """Yield the name, endpoint ("" for any that is not configured) and description of each row."""
    for name, rows in holders.items():
        yield from ((name, "", row) for row in rows)
    for name, seen_rows in by_hand.items():
        for seen in seen_rows:
            yield name, seen.key.endpoint, _described(seen)


def _described(seen: ObservedDeployment) -> str:
    return described(seen.id, seen.read_only)


def _listed(groups: Sequence[Sequence[str]]) -> str:
    """Name the first rows of all groups; there may be thousands in each."""
    total = sum(map(len, groups))
    if not total:
        return ""
    shown = sorted(row for group in groups for row in group[:_NAMED_ROWS])[:_NAMED_ROWS]
    more = total - len(shown)
    text = " and ".join(shown) + (f" and {more} more" if more else "")
    return f"{text} {'have' if total > 1 else 'has'}"
