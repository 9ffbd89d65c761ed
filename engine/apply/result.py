"""How carrying out an operation ended. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ..plan.plan import Operation

APPLIED: Final = "applied"
ALREADY: Final = "already"
FAILED: Final = "failed"
UNKNOWN: Final = "unknown"
NOT_ATTEMPTED: Final = "not_attempted"
OUTCOMES: Final = (APPLIED, ALREADY, FAILED, UNKNOWN, NOT_ATTEMPTED)


@dataclass(frozen=True, slots=True)
class Result:
    """The outcome of one operation.

    ``applied``: done now; ``already``: found done, perhaps by an earlier attempt; ``failed``:
    LiteLLM refused it; ``unknown``: no clear answer, the next cycle finds out;
    ``not_attempted``: not started. ``detail`` explains the outcome, and may be empty.
    """

    operation: Operation
    outcome: str
    detail: str = ""

    @property
    def done(self) -> bool:
        """Whether LiteLLM is now in the state that the operation plans."""
        return self.outcome in (APPLIED, ALREADY)
