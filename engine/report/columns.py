"""Names in columns that fit a terminal. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

COLOUR: Final = re.compile(r"\x1b\[\d*m")
"""What sets a colour; see ECMA-48, SGR."""
PLAIN: Final = "\x1b[0m"
_GAP: Final = 2
_LEAST_WIDTH: Final = 20
"""A terminal that is narrower, or that says it has no width, wraps our lines."""
_WIDEST: Final = 24
"""The widest column. A longer name takes several, so that it leaves the others where they are."""
_CUT: Final = "..."
_JOINED_JAMO: Final = range(0x1160, 0x1200)
"""Vowels and final consonants of Hangul, which are drawn into the syllable before them."""


@dataclass(frozen=True, slots=True)
class Screen:
    """How many columns and rows of text are visible at once.

    ``wraps``: sentences that are wider go on in the next line. In a file or a pipe they do not, so
    that a search finds them.
    """

    width: int = 80
    height: int = 24
    wraps: bool = False


DEFAULT_SCREEN: Final = Screen()


def display_width(text: str) -> int:
    """Return how many columns of a terminal a printable text takes.

    Source of the rules: POSIX ``wcwidth`` as https://www.cl.cam.ac.uk/~mgk25/ucs/wcwidth.c has it.
    """
    return len(text) if text.isascii() else sum(map(_char_width, text))


def shorten_to(text: str, width: int) -> str:
    """Return a text that takes at most ``width`` columns, which are at least three."""
    if display_width(text) <= width:
        return text
    left = width - len(_CUT)
    kept = 0
    for char in text:
        left -= _char_width(char)
        if left < 0:
            break
        kept += 1
    return text[:kept] + _CUT


def in_columns(names: Sequence[str], width: int, most: int | None = None) -> list[str]:
    """Return rows of names, at most ``width`` columns wide and, but for a last line, ``most`` rows.

    The names, which are printable, go from left to right. The last line counts those for which
    there is no room.
    """
    width = max(width, _LEAST_WIDTH)
    step = _GAP + min(_WIDEST, max(map(display_width, names), default=0))
    columns = max(1, (width + _GAP) // step)
    rows: list[str] = []
    row, used = "", columns
    for index, name in enumerate(names):
        cell = shorten_to(name, width)
        taken = min(columns, -(-(display_width(cell) + _GAP) // step))
        if used + taken > columns:
            if most is not None and len(rows) >= most:
                return [*rows, f"... and {len(names) - index} more; -v shows all"]
            rows.append("")
            row, used = "", 0
        row += cell + " " * (taken * step - display_width(cell))
        used += taken
        rows[-1] = row.rstrip()
    return rows


def wrapped(line: str, width: int, hang: int = 2) -> list[str]:
    """Return a line as lines of at most ``width`` columns, split at blanks.

    The others begin ``hang`` columns further to the right than the first one. A word that is wider,
    such as a URL, stays whole. Colours take no room, and end with each line.
    """
    if display_width(COLOUR.sub("", line)) <= width:
        return [line]
    body = line.lstrip(" ")
    margin = " " * (len(line) - len(body))
    lines: list[str] = []
    row, used = margin, len(margin)
    for number, word in enumerate(body.split(" ")):
        room = display_width(COLOUR.sub("", word))
        if number and used + 1 + room > width:
            colour = (["", *COLOUR.findall(row)])[-1].replace(PLAIN, "")
            lines.append(row + (PLAIN if colour else ""))
            row, used = f"{margin}{' ' * hang}{colour}{word}", len(margin) + hang + room
        else:
            row += f" {word}" if number else word
            used += room + bool(number)
    return [*lines, row]


def count_rows(lines: Iterable[str], width: int) -> int:
    """Return how many rows of a terminal lines take; a longer line continues in the next row."""
    width = max(width, 1)
    return sum(max(1, -(-display_width(line) // width)) for line in lines)


def _char_width(char: str) -> int:
    if unicodedata.category(char) in ("Mn", "Me", "Cf") or ord(char) in _JOINED_JAMO:
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1
