"""The changed fields of an operation as lines of text: aligned, old -> new, at any width. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from ..state.field_change import FieldChange
from ..text import format_value, printable
from .columns import display_width

_WIDEST_PATH: Final = 40
"""Columns beyond which a longer path does not push the values of the others to the right."""
_CHANGE: Final = {"add": ("+", "create"), "replace": ("~", "update"), "remove": ("-", "delete")}


def change_lines(
    changes: Sequence[FieldChange], width: int, paint: Callable[[str, str], str]
) -> Iterator[str]:
    """Yield the lines of the changes of one operation, which begin at column 0.

    Where the old and the new value do not fit into ``width`` columns side by side, they stand one
    below the other. ``paint(colour, text)`` adds colours.
    """
    paths = [f"{format_path(change)}:" for change in changes]
    widest = max((w for w in map(display_width, paths) if w <= _WIDEST_PATH), default=0)
    for change, path in zip(changes, paths, strict=True):
        sign, colour = _CHANGE[change.op]
        head = f"{sign} {path}{' ' * max(0, widest - display_width(path))} "
        values = [
            ("-", change.before, change.op != "add"),
            ("+", change.after, change.op != "remove"),
        ]
        shown = [(mark, format_value(value)) for mark, value, there in values if there]
        line = head + " -> ".join(text for _, text in shown)
        if display_width(line) <= width:
            yield paint(colour, line)
            continue
        yield paint(colour, head.rstrip())
        for mark, text in shown:
            yield paint("create" if mark == "+" else "delete", f"    {mark} {text}")


def format_path(change: FieldChange) -> str:
    """Return the path of a field with dots: ``litellm_params.rpm``."""
    return printable(change.path.lstrip("/").replace("/", "."))
