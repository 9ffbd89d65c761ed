"""One cycle as text on a terminal."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Final, TextIO

from ..apply.result import Result
from ..plan.plan import Plan
from ..state.deployment import DesiredState
from .news import Change
from .pace import Pace
from .terminal import Renderer

MAX_LINES: Final = 10
"""Results that are shown each by itself where there is a bar for more."""
_BACK: Final = "\r\x1b[K"
"""Return to the beginning of the line, and clear it; see ECMA-48, EL."""


class Progress:
    """Prints one cycle as text; implements :class:`engine.report.cycle_log.CycleLog`.

    ``bar``: the stream is a terminal. Many results are then a bar that moves, and only those that
    need a word are lines.
    """

    def __init__(
        self,
        renderer: Renderer,
        stream: TextIO,
        redact: Callable[[str], str],
        *,
        bar: bool = False,
    ) -> None:
        self._renderer = renderer
        self._stream = stream
        self._redact = redact
        self._bar = bar
        self._total = self._number = 0
        self._begun = 0.0

    def plan(self, plan: Plan, desired: DesiredState) -> None:
        """Show the plan before it is applied."""
        self._total = len(plan.operations)
        self._show(self._renderer.plan(plan, desired))
        self._begun = time.monotonic()

    def endpoint(self, change: Change) -> None:
        """Show nothing: the plan shows the answer of each backend."""

    def result(self, result: Result) -> None:
        """Show the result of one operation."""
        self._number += 1
        with_bar = self._bar and self._total > MAX_LINES and not self._renderer.verbose
        if with_bar:
            self._stream.write(_BACK)
        if not with_bar or not result.done or result.detail:
            self._show(self._renderer.result(result, self._number, self._total))
        if with_bar and self._number < self._total:
            pace = Pace(self._number, self._total, time.monotonic() - self._begun)
            self._stream.write(pace.bar(self._renderer.screen.width - 1))
            self._stream.flush()

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
