"""How a cycle of the loop ended: what those learn who show it, count it or tell others of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from ..reconcile import Report


@dataclass(frozen=True, slots=True)
class Ended:
    """One cycle that has ended.

    ``report`` is what it planned and did; None if it ended with ``error`` (a sentence, not yet
    redacted) or a stop interrupted its reading. It began at ``begun`` (UTC) and took ``seconds``.
    ``due`` is when the next one begins, if nothing wakes the loop before. ``dry_run`` says that
    nothing was to be written.
    """

    report: Report | None
    error: str
    begun: datetime
    seconds: float
    due: datetime
    dry_run: bool = False

    @property
    def ok(self) -> bool:
        """Whether there was no error, and every operation is done."""
        return not self.error and (self.report is None or self.report.converged)


Watch = Callable[[Ended], None]
"""Is called after each cycle, in the thread of the loop: it must return soon, and raise nothing."""


def watch_all(*watches: Watch) -> Watch:
    """Return what passes a cycle on to all of these, in their order."""

    def watch(ended: Ended) -> None:
        for each in watches:
            each(ended)

    return watch


def watch_nothing(ended: Ended) -> None:
    """Do nothing."""
