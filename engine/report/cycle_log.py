"""The interface through which a cycle reports its progress."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Protocol

from ..apply.result import Result
from ..plan.plan import Plan
from ..state.deployment import DesiredState
from .news import Change


def utc_now() -> datetime:
    """Return the current time in UTC, for log lines and file names."""
    return datetime.now(UTC)


class CycleLog(Protocol):
    """Receives the events of a cycle: the plan log, or the output on a terminal."""

    def plan(self, plan: Plan, desired: DesiredState) -> None:
        """Receive the plan, before it is applied."""

    def endpoint(self, change: Change) -> None:
        """Receive what is new about a backend, after the plan."""

    def result(self, result: Result) -> None:
        """Receive the result of one operation."""

    def end(
        self, plan: Plan, results: tuple[Result, ...], outcomes: dict[str, str], seconds: float
    ) -> None:
        """Receive the end of a cycle.

        ``outcomes``: the listing outcome by endpoint; ``seconds``: the duration of the cycle.
        """

    def failed(self, error: str, seconds: float) -> None:
        """Receive the error of a cycle that ended before it had a plan."""
