"""HTML in which every text is escaped: only what this module made is HTML. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from typing import Final

from ...bounds import MAX_EXCERPT
from ...text import printable, shortened

_VOID: Final = frozenset({"input", "link", "meta"})


@dataclass(frozen=True, slots=True)
class Html:
    """A piece of HTML, as it goes into a page."""

    text: str


Child = Html | str | None
"""What is inside an element: a text is escaped, None is nothing."""


def tag(name: str, /, *children: Child, **attributes: str | bool | None) -> Html:
    """Return an element.

    ``class_`` is the attribute ``class``, and ``data_x`` is ``data-x``. One that is None or False
    is left out, one that is True has no value.
    """
    parts = [f"<{name}"]
    for key, value in attributes.items():
        if value is None or value is False:
            continue
        parts.append(f" {key.rstrip('_').replace('_', '-')}")
        if value is not True:
            parts.append(f'="{escape(value)}"')
    parts.append(">")
    if name not in _VOID:
        parts += [*map(_inner, children), f"</{name}>"]
    return Html("".join(parts))


def joined(children: Iterable[Child]) -> Html:
    """Return pieces one after the other."""
    return Html("".join(map(_inner, children)))


def shown(text: str, limit: int = MAX_EXCERPT) -> Html:
    """Return a text of others: printable, cut off, and apart from the direction of what is around.

    What cannot be seen, such as a mark that turns the direction of reading, becomes an escape.
    """
    return tag("bdi", printable(shortened(text, limit)))


def sentence(text: str, limit: int = MAX_EXCERPT) -> Html:
    """Return the same of a sentence, in which what is between backticks is code."""
    parts = printable(shortened(text, limit)).split("`")
    if len(parts) % 2 == 0:
        return shown(text, limit)
    return tag("bdi", *(tag("code", part) if n % 2 else part for n, part in enumerate(parts)))


def _inner(child: Child) -> str:
    if child is None:
        return ""
    return child.text if isinstance(child, Html) else escape(child)
