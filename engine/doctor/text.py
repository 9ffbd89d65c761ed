"""A diagnosis as text for people, by area, with a summary as its last line. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Final

from ..report.columns import PLAIN, Screen, wrapped
from ..text import printable
from .finding import ERROR, NOTE, OK, UNCHECKED, WARNING, Diagnosis, Finding

_COLOURS: Final = {
    ERROR: "\x1b[31m",
    WARNING: "\x1b[33m",
    NOTE: "\x1b[36m",
    UNCHECKED: "\x1b[2m",
    OK: "\x1b[32m",
}
_BOLD: Final = "\x1b[1m"
_LABELS: Final = {UNCHECKED: "not checked"}
_COUNTED: Final = {
    ERROR: ("error", "errors"),
    WARNING: ("warning", "warnings"),
    NOTE: ("note", "notes"),
    UNCHECKED: ("not checked", "not checked"),
    OK: ("ok", "ok"),
}
_COLUMN: Final = 13
"""Where the texts begin, behind the margin and the longest label."""
_NARROW: Final = 50
"""On a screen that is narrower, texts go on below their labels."""


def text_of(diagnosis: Diagnosis, screen: Screen, *, colour: bool) -> str:
    """Return a diagnosis as lines; the sentences wrap if the screen asks for that."""
    lines: list[str] = []
    for area, findings in groupby(diagnosis.findings, key=lambda finding: finding.area):
        lines.append(_painted(_BOLD, area, colour=colour))
        for finding in findings:
            lines += _rows(_finding(finding, colour=colour), screen)
        lines.append("")
    return "\n".join([*lines, summary_of(diagnosis, colour=colour)])


def summary_of(diagnosis: Diagnosis, *, colour: bool = False) -> str:
    """Return how many findings there are: ``Doctor: 1 error, 2 warnings, 12 ok.``."""
    parts = [
        _painted(
            _COLOURS[severity] if count else "", f"{count} {_noun(severity, count)}", colour=colour
        )
        for severity, count in diagnosis.summary.items()
        if count or severity in (ERROR, WARNING)
    ]
    return f"Doctor: {', '.join(parts)}."


def _noun(severity: str, count: int) -> str:
    return _COUNTED[severity][count != 1]


def _finding(finding: Finding, *, colour: bool) -> Iterator[str]:
    label = _LABELS.get(finding.severity, finding.severity)
    painted = _painted(_COLOURS[finding.severity], label, colour=colour)
    gap = " " * (_COLUMN - len(label))
    yield f"  {painted}{gap}{printable(finding.subject)}: {printable(finding.what)}"
    for name, text in (("why", finding.why), ("fix", finding.fix)):
        if text:
            yield f"  {' ' * _COLUMN}{name}: {printable(text)}"


def _rows(lines: Iterable[str], screen: Screen) -> Iterator[str]:
    if not screen.wraps:
        yield from lines
        return
    narrow = screen.width < _NARROW
    for number, line in enumerate(lines):
        shown = f"    {line.lstrip(' ')}" if narrow and number else line
        hang = 2 if narrow else _COLUMN if number == 0 else 5
        yield from wrapped(shown, screen.width, hang)


def _painted(paint: str, text: str, *, colour: bool) -> str:
    return f"{paint}{text}{PLAIN}" if paint and colour else text
