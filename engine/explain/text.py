"""An explanation as text for people, optionally with colours. Makes no decisions."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Final

from ..bounds import MAX_EXCERPT
from ..report.columns import DEFAULT_SCREEN, Screen, wrapped
from ..report.field_changes import change_lines
from ..report.news import counts, state_in_words
from ..report.terminal import format_name
from ..state.frozen import thaw
from ..text import format_value, printable, shortened
from .explanation import WANTED, Entry, Explanation, LeftOut, Listed, Name, Row, Rule
from .verdict import sentences, unread_in_words

_BOLD: Final = "\x1b[1m"
_DIM: Final = "\x1b[2m"
_RESET: Final = "\x1b[0m"
_INDENT: Final = "    "
_MOST_TOLD: Final = 30
"""Fields that a backend reports, and that are shown."""
_MAX_SENTENCE: Final = 1_000
"""Characters of a sentence, which may hold the message of a server."""


class ExplanationText:
    """Turns explanations into lines of text.

    ``colour`` adds ANSI colours, ``screen`` is where the text is shown.
    """

    def __init__(self, *, colour: bool, screen: Screen = DEFAULT_SCREEN) -> None:
        self._colour = colour
        self._screen = screen

    def lines(self, explanation: Explanation) -> Iterator[str]:
        """Yield the answer first, then all that it is based on."""
        for line in self._lines(explanation):
            yield from wrapped(line, self._screen.width) if self._screen.wraps else [line]

    def _lines(self, explanation: Explanation) -> Iterator[str]:
        for text in sentences(explanation):
            yield self._paint(_BOLD, _sentence(text))
        for listed in explanation.listed:
            yield from ("", *self._listed(explanation, listed))
        for each in explanation.left_out:
            yield from ("", *self._left_out(each))
        about = [*self._rows(explanation), *self._plan(explanation)]
        yield from ["", *about] if any(about) else []
        if explanation.more:
            yield self._paint(_DIM, f"{explanation.more} more models and rows have this name")
        if explanation.unread and explanation.found:
            yield self._paint(_BOLD, "backends whose list could not be read")
            yield from (f"  {_sentence(unread_in_words(each))}" for each in explanation.unread)
        if explanation.nearest:
            names = ", ".join(map(format_name, explanation.nearest))
            yield f"names that are like it: {names}"

    def _listed(self, explanation: Explanation, listed: Listed) -> Iterator[str]:
        status = listed.status
        place = f"{printable(status.endpoint)}  {listed.kind}"
        head = f"{self._paint(_BOLD, status.backend)}  {place}  lists {format_name(listed.id)}"
        yield f"{head} ({counts(status)}{'' if status.is_ok else '; ' + state_in_words(status)})"
        yield from self._entries(listed.entries)
        told = sorted(listed.told.items())
        for name, value in told[:_MOST_TOLD]:
            source = self._paint(_DIM, f"  from {printable(str(listed.sources.get(name, '')))}")
            yield f"  tells {printable(name)}: {format_value(value)}{source}"
        for rule in listed.rules:
            yield f"  {_rule(explanation, rule)}"
        for each in listed.names:
            yield from self._name(each)

    def _entries(self, entries: Iterable[Entry]) -> Iterator[str]:
        for entry in entries:
            text = entry.value if entry.cut else json.dumps(thaw(entry.value), ensure_ascii=False)
            more = "..." if entry.cut else ""
            yield self._paint(_DIM, f"  {printable(f'{entry.request}: {text}')}{more}")

    def _name(self, name: Name) -> Iterator[str]:
        given = format_name(name.name)
        known = (
            "" if name.key.name == name.name else f", registered as {format_name(name.key.name)}"
        )
        wanted = "" if name.decision == WANTED else f": {name.decision}: {_sentence(name.because)}"
        yield f"  name {given}{known}  {format_name(name.key.upstream)}{wanted}"
        if name.remedy:
            yield f"    remedy: {name.remedy}"

    def _left_out(self, each: LeftOut) -> Iterator[str]:
        backend = self._paint(_BOLD, each.status.backend)
        yield f"{backend}  sends {format_name(each.id)}, which is not in its list as it is read"
        yield from self._entries(each.entries)

    def _rows(self, explanation: Explanation) -> Iterator[str]:
        if not explanation.rows:
            yield self._paint(_BOLD, "LiteLLM has no row for it") if explanation.found else ""
        for row in explanation.rows:
            yield from self._row(row)
        shown = {row.id for row in explanation.rows}
        for name, rows in explanation.holders.items():
            others = [row for row in rows if not any(f"{each!r}" in row for each in shown)]
            if others:
                more = f" and {len(others) - 3} more" if len(others) > 3 else ""
                also = _sentence(", ".join(others[:3]))
                yield f"  others have the name {format_name(name)}: {also}{more}"

    def _row(self, row: Row) -> Iterator[str]:
        address = printable(shortened(row.address, MAX_EXCERPT)) or "no address"
        yield (
            f"{self._paint(_BOLD, 'LiteLLM')}  row {format_name(row.id)}"
            f"  {format_name(row.name)}  {format_name(row.upstream)}  {address}"
        )
        whose = f"marked by owner {format_name(row.owner)}, backend {format_name(row.backend)}"
        blocked = "; paused by hand" if row.blocked else ""
        yield f"  {whose if row.owner else 'not marked'}{blocked}"
        yield f"  {row.outcome}: {_sentence(row.because)}"

    def _plan(self, explanation: Explanation) -> Iterator[str]:
        if explanation.operations:
            yield self._paint(_BOLD, "plan")
        for operation in explanation.operations:
            yield f"  {operation.action} {format_name(operation.key.name)}"
            yield f"    {operation.reason}: {_sentence(operation.because)}"
            width = self._screen.width - len(_INDENT)
            for line in change_lines(operation.changes, width, lambda _, text: text):
                yield f"{_INDENT}{line}"

    def _paint(self, colour: str, text: str) -> str:
        return f"{colour}{text}{_RESET}" if self._colour and text else text


def _rule(explanation: Explanation, rule: Rule) -> str:
    where = f"{explanation.config}:{rule.line}" if rule.line else "by default"
    text = f" '{rule.text}'" if rule.text else ""
    return _sentence(f"{where}: {rule.option}{text} {rule.effect}")


def _sentence(text: str) -> str:
    return printable(shortened(text, _MAX_SENTENCE))
