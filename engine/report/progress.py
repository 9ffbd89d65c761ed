"""One cycle as text on a terminal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TextIO

from ..apply import Result
from ..plan.plan import Plan
from ..state.deployment import DesiredState
from .news import Change
from .terminal import Renderer


class Progress:
    """Prints one cycle as text; implements :class:`engine.report.cycle_log.CycleLog`."""

    def __init__(self, renderer: Renderer, stream: TextIO, redact: Callable[[str], str]) -> None:
        self._renderer = renderer
        self._stream = stream
        self._redact = redact
        self._total = self._number = 0

    def plan(self, plan: Plan, desired: DesiredState) -> None:
        """Show the plan before it is applied."""
        self._total = len(plan.operations)
        self._show(self._renderer.plan(plan, desired))

    def endpoint(self, change: Change) -> None:
        """Show nothing: the plan shows the answer of each backend."""

    def result(self, result: Result) -> None:
        """Show the result of one operation."""
        self._number += 1
        self._show(self._renderer.result(result, self._number, self._total))

    def end(
        self,
        plan: Plan,
        results: tuple[Result, ...],
        outcomes: Mapping[str, str],
        seconds: float,
    ) -> None:
        """Show how many operations are done, if there were any."""
        del plan, outcomes
        if results:
            done = sum(result.done for result in results)
            self._show(f"{done} of {len(results)} done in {seconds:.1f} s.")

    def failed(self, error: str, seconds: float) -> None:
        """Show nothing: the command prints the error."""

    def _show(self, text: str) -> None:
        print(self._redact(text), file=self._stream, flush=True)
