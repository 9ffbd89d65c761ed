"""The events of a cycle, passed on to several receivers."""

from __future__ import annotations

from ..apply.result import Result
from ..plan.plan import Plan
from ..state.deployment import DesiredState
from .cycle_log import CycleLog
from .news import Change


class FanOut:
    """Passes each event on to each of ``logs``, in their order.

    What a receiver raises ends the cycle as if there were no other; those after it learn nothing
    of that event. So the plan log, whose failure must stop all writing, comes first.
    """

    def __init__(self, *logs: CycleLog) -> None:
        self._logs = logs

    def plan(self, plan: Plan, desired: DesiredState) -> None:
        """Pass on the plan, before it is applied."""
        for log in self._logs:
            log.plan(plan, desired)

    def endpoint(self, change: Change) -> None:
        """Pass on what is new about a backend."""
        for log in self._logs:
            log.endpoint(change)

    def result(self, result: Result) -> None:
        """Pass on the result of one operation."""
        for log in self._logs:
            log.result(result)

    def end(
        self, plan: Plan, results: tuple[Result, ...], outcomes: dict[str, str], seconds: float
    ) -> None:
        """Pass on the end of a cycle."""
        for log in self._logs:
            log.end(plan, results, outcomes, seconds)

    def failed(self, error: str, seconds: float) -> None:
        """Pass on the error of a cycle that ended before it had a plan."""
        for log in self._logs:
            log.failed(error, seconds)
