"""Plans and results as text for people, optionally with colours. Makes no decisions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from ..apply.result import Result
from ..bounds import MAX_EXCERPT
from ..plan.plan import CREATE, Operation, Plan, Skip
from ..state.deployment import DesiredState, Endpoint
from ..state.endpoint_status import EndpointStatus
from ..state.listing import OK
from ..text import printable, shortened
from .columns import COLOUR, DEFAULT_SCREEN, PLAIN, Screen, count_rows, in_columns, wrapped
from .field_changes import change_lines
from .news import counts, format_count, remedy, state_in_words, unmatched_in_words
from .summary import summary_of

_COLOURS: Final = {
    "create": "\x1b[32m",
    "update": "\x1b[33m",
    "replace": "\x1b[36m",
    "unblock": "\x1b[32m",
    "block": "\x1b[35m",
    "delete": "\x1b[31m",
    "dim": "\x1b[2m",
    "bold": "\x1b[1m",
}
_SIGNS: Final = {
    "create": "+",
    "update": "~",
    "replace": "±",
    "unblock": ">",
    "block": "|",
    "delete": "-",
}
MAX_SINGLE: Final = 3
"""Creates, names and causes of one kind that are shown each by itself; more are folded."""
MAX_FOLDED: Final = 10
"""Rows of names that are shown of what is folded."""
_INDENT: Final = " " * 6


class Renderer:
    """Turns plans and results into lines of text.

    ``colour`` adds ANSI colours, ``screen`` is where the text is shown, and ``verbose`` shows what
    would be folded or counted.
    """

    def __init__(
        self, *, colour: bool, screen: Screen = DEFAULT_SCREEN, verbose: bool = False
    ) -> None:
        self._colour = colour
        self.screen = screen
        self.verbose = verbose

    def plan(self, plan: Plan, desired: DesiredState) -> str:
        """Return a plan, grouped by endpoint, with reasons and a summary line.

        The summary is the last line and, where the plan is longer than the screen, also the first.
        """
        lines: list[str] = []
        for endpoint in sorted(desired.endpoints, key=lambda endpoint: endpoint.backends):
            lines += [*self._answers(plan, endpoint), *self._on(plan, endpoint.url), ""]
        strays = [skip for skip in plan.skips if skip.reason == "stray"]
        if strays:
            lines += [self._paint("bold", "endpoints that are no longer configured")]
            lines += [*self._skips(strays), ""]
        summary = self._fitted([summary_of(plan, self._paint)])
        lines = [*self._fitted(lines), *summary]
        if count_rows(map(_without_colour, lines), self.screen.width) > self.screen.height:
            lines = [*summary, "", *lines]
        return "\n".join(lines)

    def result(self, result: Result, number: int, total: int) -> str:
        """Return the line for a result: operation ``number`` of ``total``."""
        operation = result.operation
        colour = "create" if result.done else "delete"
        outcome = self._paint(colour, result.outcome)
        detail = f"  {printable(result.detail)}" if result.detail else ""
        name = format_name(operation.key.name)
        return f"[{number}/{total}] {operation.action} {name}: {outcome}{detail}"

    def _answers(self, plan: Plan, endpoint: Endpoint) -> Iterator[str]:
        """Yield what each backend of an endpoint answered."""
        asked = [status for status in plan.endpoints if status.endpoint == endpoint.url]
        url = printable(endpoint.url)
        for status in asked:
            yield f"{self._paint('bold', status.backend)}  {url}  {_state(status)}"
            for note in _notes(status):
                yield self._paint("dim", f"    {printable(note)}")
        if not asked:
            backends = ", ".join(endpoint.backends)
            yield f"{self._paint('bold', backends)}  {url}  is not asked"

    def _on(self, plan: Plan, url: str) -> Iterator[str]:
        operations = [operation for operation in plan.operations if operation.key.endpoint == url]
        creates = Counter(op.because for op in operations if op.action == CREATE)
        shown: set[str] = set()
        for operation in operations:
            because = operation.because
            if operation.action != CREATE or self.verbose or creates[because] <= MAX_SINGLE:
                yield from self._operation(operation)
            elif because not in shown:
                shown.add(because)
                group = [op for op in operations if (op.action, op.because) == (CREATE, because)]
                yield from self._creates(group)
        yield from self._skips(
            [skip for skip in plan.skips if skip.key.endpoint == url and skip.reason != "stray"]
        )

    def _creates(self, group: list[Operation]) -> Iterator[str]:
        """Yield many creates of one backend, as columns of their names."""
        sign = self._paint(CREATE, f"{_SIGNS[CREATE]} {CREATE} {format_count(len(group), 'model')}")
        yield f"  {sign}"
        yield self._paint("dim", f"      {group[0].reason}: {printable(group[0].because)}")
        yield from self._names(group)

    def _names(self, group: Sequence[Operation | Skip]) -> Iterator[str]:
        names = [format_name(member.key.name) for member in group]
        most = None if self.verbose else MAX_FOLDED
        for row in in_columns(names, self.screen.width - len(_INDENT), most):
            yield f"{_INDENT}{row}"

    def _operation(self, operation: Operation) -> Iterator[str]:
        sign = self._paint(operation.action, f"{_SIGNS[operation.action]} {operation.action}")
        name = self._paint("bold", format_name(operation.key.name))
        upstream = self._paint("dim", format_name(operation.key.upstream))
        yield f"  {sign} {name}  {upstream}"
        yield self._paint("dim", f"      {operation.reason}: {printable(operation.because)}")
        width = self.screen.width - len(_INDENT)
        for line in change_lines(operation.changes, width, self._paint):
            yield f"{_INDENT}{line}"

    def _skips(self, skips: list[Skip]) -> Iterator[str]:
        """Yield the skips; those with the same reason and cause share their lines."""
        causes = Counter(reason for reason, _ in {(skip.reason, skip.because) for skip in skips})
        groups: dict[tuple[str, str], list[Skip]] = {}
        for skip in skips:
            few = self.verbose or causes[skip.reason] <= MAX_SINGLE
            groups.setdefault((skip.reason, skip.because if few else ""), []).append(skip)
        for (reason, because), group in groups.items():
            cause = because or f"{group[0].because}; -v shows {causes[reason] - 1} other causes"
            names = ", ".join(format_name(skip.key.name) for skip in group)
            folded = len(group) > MAX_SINGLE
            who = format_count(len(group), "model") if folded else names
            yield self._paint("dim", f"  . left alone: {who}")
            yield self._paint("dim", f"      {reason}: {printable(cause)}")
            for row in self._names(group) if folded else ():
                yield self._paint("dim", row)

    def _fitted(self, lines: Iterable[str]) -> list[str]:
        if not self.screen.wraps:
            return list(lines)
        return [part for line in lines for part in wrapped(line, self.screen.width)]

    def _paint(self, colour: str, text: str) -> str:
        return f"{_COLOURS[colour]}{text}{PLAIN}" if self._colour else text


def format_name(text: str) -> str:
    """Return a name, printable and cut off after MAX_EXCERPT characters."""
    return printable(shortened(text, MAX_EXCERPT))


def _state(status: EndpointStatus) -> str:
    if status.outcome != OK:
        return state_in_words(status)
    return counts(status) if status.answered else f"{counts(status)}; {state_in_words(status)}"


def _notes(status: EndpointStatus) -> Iterator[str]:
    if status.detail:
        yield status.detail
    if remedy(status):
        yield f"remedy: {remedy(status)}"
    for text in status.unmatched:
        yield unmatched_in_words(status, text)


def _without_colour(line: str) -> str:
    return COLOUR.sub("", line)
