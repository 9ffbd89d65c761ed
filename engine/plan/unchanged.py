"""Rows that are known to be as they are wanted, so that they need not be compared again. Pure."""

from __future__ import annotations

from ..state.deployment import DesiredDeployment, ObservedDeployment
from ..state.frozen import identical

_Pairs = dict[int, tuple[DesiredDeployment, ObservedDeployment]]


class Unchanged:
    """Pairs of deployments between which nothing is to be done, recognised as the same objects.

    They never change, so what was found once holds.
    """

    def __init__(self) -> None:
        self._pairs: _Pairs = {}
        self._before: _Pairs = {}

    def has(self, wanted: DesiredDeployment, seen: ObservedDeployment) -> bool:
        """Tell whether a pair is known."""
        for pairs in (self._pairs, self._before):
            known = pairs.get(id(seen))
            if known is not None and known[0] is wanted and known[1] is seen:
                self._pairs[id(seen)] = known
                return True
        return False

    def add(self, wanted: DesiredDeployment, seen: ObservedDeployment) -> None:
        """Add a pair."""
        self._pairs[id(seen)] = wanted, seen

    def begin(self) -> None:
        """Begin another plan: the pairs that it does not meet are forgotten at its end."""
        self._before, self._pairs = self._pairs, {}

    def end(self) -> None:
        """End it."""
        self._before = {}


def is_listed_as_sent(wanted: DesiredDeployment, seen: ObservedDeployment) -> bool:
    """Tell whether we declared just what is wanted, and all of it is listed as it was sent.

    Nearly every row is; others are looked at more closely.
    """
    return seen.declared == wanted.mark.fields and all(
        name in seen.fields[part] and identical(value, seen.fields[part][name])
        for part, fields in wanted.fields.items()
        for name, value in fields.items()
    )
