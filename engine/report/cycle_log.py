"""Who is told of a cycle as it goes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Protocol

from ..apply import Result
from ..plan.plan import Plan
from ..state.deployment import DesiredState


def utc_now() -> datetime:
    """Return the time of day, for log lines and file names."""
    return datetime.now(UTC)


class CycleLog(Protocol):
    """Who is told of a cycle as it goes: the plan log, or a person at a terminal."""

    def plan(self, plan: Plan, desired: DesiredState) -> None:
        """Hear of the plan, before it is carried out."""

    def result(self, result: Result) -> None:
        """Hear what became of one operation."""

    def end(
        self, plan: Plan, results: tuple[Result, ...], outcomes: dict[str, str], seconds: float
    ) -> None:
        """Hear how the cycle ended, with the listing outcome of each endpoint."""

    def failed(self, error: str, seconds: float) -> None:
        """Hear that the cycle had no plan."""
