"""Results of pure functions that are used again for the same arguments. Pure.

All values that the stages pass on are frozen, so the same object always has the same result.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from operator import is_
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from .deployment import Named

T = TypeVar("T")


class Reuse:
    """The results of a function for many values, recognised as the same objects.

    Those of the last use are kept.
    """

    def __init__(self) -> None:
        self._others: tuple[Any, ...] = ()
        self._known: dict[int, tuple[Any, Any]] = {}

    def each(self, function: Callable[..., T], values: Sequence[Any], *others: Any) -> list[T]:
        """Return ``function(value, *others)`` for each value.

        It is not called for values of the last use if the others are the same.
        """
        if not _is_same(others, self._others):
            self._known = {}
        # Known values are alive, so nothing else has their ids.
        found = map(self._known.get, map(id, values))
        pairs = [
            known or (value, function(value, *others))
            for value, known in zip(values, found, strict=True)
        ]
        self._others, self._known = others, dict(zip(map(id, values), pairs, strict=True))
        return [result for _, result in pairs]


class Settled:
    """What needed nothing when it was looked at last: values, told by their public names.

    It is forgotten as a whole when anything else changes on which that depends.
    """

    def __init__(self) -> None:
        self._values: dict[int, Named] = {}

    def others(self, values: Iterable[Named]) -> set[str]:
        """Return the names that are not settled, or of which a value came or went since then."""
        here = {id(value): value for value in values}
        changed = here.keys() ^ self._values.keys()
        return {(here.get(place) or self._values[place]).key.name for place in changed}

    def renew(self, values: Iterable[Named], unsettled: Iterable[Named]) -> None:
        """Settle the values but for some of them."""
        self._values = {id(value): value for value in values}
        for value in unsettled:
            del self._values[id(value)]


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
