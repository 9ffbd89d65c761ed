"""Plans and results as text for people, optionally with colours. Makes no decisions."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, TextIO

from ..apply import Result
from ..bounds import MAX_EXCERPT
from ..plan.plan import FieldChange, Operation, Plan, Skip
from ..state.deployment import DesiredState, Endpoint
from ..state.frozen import thaw
from ..state.secret import SECRET
from ..text import printable, shortened

_RESET: Final = "\x1b[0m"
_COLOURS: Final = {
    "create": "\x1b[32m",
    "update": "\x1b[33m",
    "replace": "\x1b[36m",
    "delete": "\x1b[31m",
    "dim": "\x1b[2m",
    "bold": "\x1b[1m",
}
_SIGNS: Final = {"create": "+", "update": "~", "replace": "±", "delete": "-"}
_CHANGE: Final = {"add": ("+", "create"), "replace": ("~", "update"), "remove": ("-", "delete")}
_OUTCOME_WORDS: Final = {
    "ok": "ok",
    "empty": "answers an empty list",
    "not_ready": "is not ready",
    "unauthorised": "refuses our key",
    "unreachable": "cannot be reached",
    "invalid": "sends no readable list",
}
MAX_VALUE: Final = 100
"""Characters of a value that are shown; the rest is cut off."""


class Renderer:
    """Turns plans and results into lines of text; ``colour`` adds ANSI colours."""

    def __init__(self, *, colour: bool) -> None:
        self._colour = colour

    def plan(self, plan: Plan, desired: DesiredState) -> str:
        """Return a plan, grouped by endpoint, with reasons and a summary line."""
        lines: list[str] = []
        for endpoint in sorted(desired.endpoints, key=lambda endpoint: endpoint.backends):
            lines += [*self._endpoint(endpoint), *self._on(plan, endpoint.url), ""]
        strays = [skip for skip in plan.skips if skip.reason == "stray"]
        if strays:
            lines += [self._paint("bold", "endpoints that are no longer configured")]
            lines += [*self._skips(strays), ""]
        return "\n".join([*lines, self.summary(plan, desired)])

    def summary(self, plan: Plan, desired: DesiredState) -> str:
        """Return a line that sums a plan up."""
        if not plan.operations:
            held = sum(skip.reason in ("held", "incomplete") for skip in plan.skips)
            if held:
                return f"Nothing to do; {held} kept although not listed."
            unknown = [
                f"{' and '.join(endpoint.backends)} {_OUTCOME_WORDS[endpoint.outcome]}"
                for endpoint in desired.endpoints
                if endpoint.outcome not in ("ok", "empty")
            ]
            if unknown:
                return f"Nothing to do for the backends that answered; {'; '.join(unknown)}."
            return "Nothing to do: LiteLLM is in step with the backends."
        counts = plan.summary
        parts = [
            self._paint(action, f"{counts[action]} to {action}")
            for action in _SIGNS
            if counts[action]
        ]
        return f"Plan: {', '.join(parts)}; {counts['skip']} left alone."

    def result(self, result: Result, number: int, total: int) -> str:
        """Return the line for a result: operation ``number`` of ``total``."""
        operation = result.operation
        colour = "create" if result.done else "delete"
        outcome = self._paint(colour, result.outcome)
        detail = f"  {printable(result.detail)}" if result.detail else ""
        name = format_name(operation.key.name)
        return f"[{number}/{total}] {operation.action} {name}: {outcome}{detail}"

    def _endpoint(self, endpoint: Endpoint) -> Iterator[str]:
        backends = ", ".join(endpoint.backends)
        state = _OUTCOME_WORDS[endpoint.outcome]
        if endpoint.outcome == "ok":
            state = format_count(len(endpoint.served), "model")
        yield f"{self._paint('bold', f'{backends}')}  {endpoint.url}  {state}"
        if endpoint.detail:
            yield self._paint("dim", f"    {printable(endpoint.detail)}")

    def _on(self, plan: Plan, url: str) -> Iterator[str]:
        for operation in plan.operations:
            if operation.key.endpoint == url:
                yield from self._operation(operation)
        here = [s for s in plan.skips if s.key.endpoint == url and s.reason != "stray"]
        yield from self._skips(here)

    def _operation(self, operation: Operation) -> Iterator[str]:
        sign = self._paint(operation.action, f"{_SIGNS[operation.action]} {operation.action}")
        name = self._paint("bold", format_name(operation.key.name))
        upstream = self._paint("dim", format_name(operation.key.upstream))
        yield f"  {sign} {name}  {upstream}"
        yield self._paint("dim", f"      {operation.reason}: {printable(operation.because)}")
        for change in operation.changes:
            yield f"      {self._change(change)}"

    def _change(self, change: FieldChange) -> str:
        sign, colour = _CHANGE[change.op]
        path = printable(change.path.lstrip("/").replace("/", "."))
        if change.op == "add":
            values = _format_value(change.after)
        elif change.op == "remove":
            values = _format_value(change.before)
        else:
            values = f"{_format_value(change.before)} -> {_format_value(change.after)}"
        return self._paint(colour, f"{sign} {path}: {values}")

    def _skips(self, skips: list[Skip]) -> Iterator[str]:
        """Yield the skips; names with the same reason share a line."""
        names: dict[tuple[str, str], list[str]] = {}
        for skip in skips:
            names.setdefault((skip.reason, skip.because), []).append(format_name(skip.key.name))
        for (reason, because), group in names.items():
            yield self._paint("dim", f"  . left alone: {', '.join(group)}")
            yield self._paint("dim", f"      {reason}: {printable(because)}")

    def _paint(self, colour: str, text: str) -> str:
        return f"{_COLOURS[colour]}{text}{_RESET}" if self._colour else text


def format_name(text: str) -> str:
    """Return a name, printable and cut off after MAX_EXCERPT characters."""
    return printable(shortened(text, MAX_EXCERPT))


def format_count(number: int, noun: str) -> str:
    """Return ``1 model`` or ``2 models``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _format_value(value: Any) -> str:
    plain = thaw(value)
    if isinstance(plain, dict) and SECRET in plain:
        reference = plain[SECRET]
        return reference if reference.startswith("(") else f"(secret {reference[:6]})"
    return shortened(printable(json.dumps(plain, ensure_ascii=False)), MAX_VALUE)


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
