"""What a person who waits sees of a cycle: the plan, then each result as it comes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TextIO

from .apply import Result
from .operations import Plan
from .render import Renderer
from .state import State


class Progress:
    """Shows one cycle as text; stands where a :class:`engine.planlog.PlanLog` stands in a loop."""

    def __init__(self, renderer: Renderer, stream: TextIO, redact: Callable[[str], str]) -> None:
        self._renderer = renderer
        self._stream = stream
        self._redact = redact
        self._total = self._number = 0

    def plan(self, plan: Plan, desired: State) -> None:
        """Show the plan before it is carried out."""
        self._total = len(plan.operations)
        self._show(self._renderer.plan(plan, desired))

    def result(self, result: Result) -> None:
        """Show what became of one operation."""
        self._number += 1
        self._show(self._renderer.result(result, self._number, self._total))

    def end(
        self,
        plan: Plan,
        results: tuple[Result, ...],
        outcomes: Mapping[str, str],
        seconds: float,
    ) -> None:
        """Show how it ended, if there was something to do."""
        del plan, outcomes
        if results:
            done = sum(result.done for result in results)
            self._show(f"{done} of {len(results)} done in {seconds:.1f} s.")

    def failed(self, error: str, seconds: float) -> None:
        """Show nothing: the error itself is on its way to the reader."""

    def _show(self, text: str) -> None:
        print(self._redact(text), file=self._stream, flush=True)
