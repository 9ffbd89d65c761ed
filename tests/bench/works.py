"""The works that are measured, each with what LiteLLM lists and which process does it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from .fleet import ALL, NONE, ONE, SAME


@dataclass(frozen=True, slots=True)
class Work:
    """A work of the engine.

    ``listing`` is what LiteLLM lists during it. With a ``command``, that command is a process of
    its own, measured from start to end; without, it is a cycle of a loop that has run before. In
    the cycle before it, LiteLLM listed the wanted rows. ``down``: the first backend answers 503.
    ``writers`` is what the engine is configured with.
    """

    name: str
    title: str
    listing: str = SAME
    command: tuple[str, ...] = ()
    down: bool = False
    writers: int = 1

    def writes(self, rows: int) -> int:
        """Return how many rows it writes, of so many rows."""
        return {SAME: 0, ONE: 1, ALL: rows, NONE: rows}[self.listing]


WORKS: Final = (
    Work("quiet", "quiet cycle of the loop"),
    Work("first", "first cycle, all rows created", NONE, ("run", "--once")),
    Work("first8", "the same, with 8 writers", NONE, ("run", "--once"), writers=8),
    Work("one", "one row changed", ONE),
    Work("all", "all rows changed", ALL),
    Work("down", "one backend down", down=True),
    Work("plan", "`plan` from a cold start", SAME, ("plan",)),
)
"""Every work of the table, in its order."""
