"""Which of many names somebody means. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Final, TypeVar

from ..bounds import MAX_QUOTED
from ..state.deployment import without_provider
from .names import Offered

T = TypeVar("T")
MOST_NEAR: Final = 5
"""Names that are suggested."""


def names_of(offered: Offered) -> Iterator[str]:
    """Yield what a listed model can be called: its ids, its public names, its upstream."""
    offer = offered.offer
    yield from (offer.model.id, *offer.model.aliases, *offer.names, offer.upstream)
    yield without_provider(offer.upstream)


def called(
    asked: str, things: Iterable[T], names: Callable[[T], Iterable[str]], *, exact: bool
) -> list[T]:
    """Return the things of which a name is ``asked``; if not ``exact``, case does not count."""
    if exact:
        return [thing for thing in things if asked in names(thing)]
    folded = asked.casefold()
    return [thing for thing in things if any(folded == n.casefold() for n in names(thing))]


def nearest_names(asked: str, known: Iterable[str]) -> tuple[str, ...]:
    """Return the names that ``asked`` may have meant: those that hold it, then those like it."""
    folded = asked.casefold()
    names = {name.casefold(): name for name in sorted(known) if name}
    holding = sorted((name for name in names if folded in name), key=lambda n: (len(n), n))
    like = difflib.get_close_matches(folded[:MAX_QUOTED], names, n=MOST_NEAR)
    found = dict.fromkeys([*holding, *like])
    return tuple(names[name] for name in islice(found, MOST_NEAR))
