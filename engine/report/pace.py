"""How far an apply is, and how long the rest takes. Pure: the time comes as a number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from .columns import display_width, shorten_to

_BAR: Final = 24
"""Columns of the bar, without its brackets."""
_EARLY: Final = 3
"""Operations that must be done before the time of the rest is told."""


@dataclass(frozen=True, slots=True)
class Pace:
    """``done`` of ``total`` operations after ``seconds``."""

    done: int
    total: int
    seconds: float

    @property
    def left(self) -> float | None:
        """The seconds that the rest takes at this pace; None as long as too few are done."""
        if self.done < min(_EARLY, self.total):
            return None
        return self.seconds / self.done * (self.total - self.done)

    def sentence(self) -> str:
        """Return ``120 of 1000 operations done, about 3 min left``."""
        count = f"{self.done} of {self.total} operations done"
        return count if self.left is None else f"{count}, about {in_words(self.left)} left"

    def bar(self, width: int) -> str:
        """Return a line of at most ``width`` columns: a bar, the counts, the time that is left."""
        filled = round(_BAR * self.done / self.total)
        left = "" if self.left is None else f"  about {in_words(self.left)} left"
        counts = f"{self.done}/{self.total}{left}"
        whole = f"[{'#' * filled}{'.' * (_BAR - filled)}] {counts}"
        return whole if display_width(whole) <= width else shorten_to(counts, max(width, 3))


def in_words(seconds: float) -> str:
    """Return ``45 s``, ``3 min`` or ``2.5 h``."""
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5970 else f"{seconds / 3600:.1f} h"
