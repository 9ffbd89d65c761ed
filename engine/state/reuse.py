"""Results of pure functions that are used again for the same arguments. Pure.

All values that the stages pass on are frozen, so the same object always has the same result.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from operator import is_
from typing import Any, TypeVar

from .deployment import DesiredDeployment, ObservedDeployment

T = TypeVar("T")
Named = DesiredDeployment | ObservedDeployment
_Results = dict[int, tuple[Any, ...]]


class Reuse:
    """The results of one function for many arguments, recognised as the same objects.

    A use is what happens between :meth:`begin` and :meth:`end`; the results of the last use are
    kept. The first argument is another one for each result.
    """

    def __init__(self) -> None:
        self._now: _Results = {}
        self._before: _Results = {}

    def begin(self) -> None:
        """Begin a use: results that it does not ask for are forgotten at its end."""
        self._before, self._now = self._now, {}

    def end(self) -> None:
        """End a use."""
        self._before = {}

    def keep(self, result: T, *arguments: Any) -> T:
        """Keep the result for the arguments, and return it."""
        self._now[id(arguments[0])] = (*arguments, result)
        return result

    def of(self, function: Callable[..., T], *arguments: Any) -> T:
        """Return ``function(*arguments)``; it is not called for arguments that have a result."""
        known = self._find(arguments)
        if known is None:
            return self.keep(function(*arguments), *arguments)
        found: T = known[-1]
        return found

    def _find(self, arguments: tuple[Any, ...]) -> tuple[Any, ...] | None:
        place = id(arguments[0])  # nothing else has it, since the arguments of results stay alive
        known = self._now.get(place) or self._before.get(place)
        if known is None or not all(map(is_, known, arguments)):
            return None
        self._now[place] = known
        return known


class Settled:
    """What needed nothing when it was looked at last: values, told by their public names.

    It is forgotten as a whole when anything else changes on which that depends.
    """

    def __init__(self) -> None:
        self._values: dict[int, Named] = {}

    def others(self, values: Iterable[Named]) -> set[str]:
        """Return the names that are not settled, or of which a value came or went since then."""
        here = {id(value): value for value in values}  # values that are settled stay alive
        changed = here.keys() ^ self._values.keys()
        return {(here.get(place) or self._values[place]).key.name for place in changed}

    def renew(self, values: Iterable[Named], unsettled: Collection[str]) -> None:
        """Settle all values but those of some names."""
        self._values = {id(each): each for each in values if each.key.name not in unsettled}


class Last:
    """The last result of each of some functions."""

    def __init__(self) -> None:
        self._results: dict[Any, tuple[tuple[Any, ...], Any]] = {}

    def of(self, function: Callable[..., T], *arguments: Any) -> T:
        """Return ``function(*arguments)``.

        It is not called if it was called last with the same objects, or tuples of the same.
        """
        known = self._results.get(function)
        if known is not None and _is_same(known[0], arguments, _is_same):
            found: T = known[1]
            return found
        result = function(*arguments)
        self._results[function] = arguments, result
        return result


def _is_same(left: Any, right: Any, compare: Callable[[Any, Any], bool] = is_) -> bool:
    if isinstance(left, tuple) and isinstance(right, tuple):
        return len(left) == len(right) and all(map(compare, left, right))
    return left is right
