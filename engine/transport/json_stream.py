"""The bytes of an answer -> JSON; bounds are checked before large values are built. Pure.

Every function raises ValueError for text that is not JSON, and Garbled for what exceeds a bound.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, Protocol

from ..bounds import MAX_DEPTH, MAX_ROW, MAX_ROWS, MAX_SKIMMED
from ..errors import Garbled, OutOfBounds
from .json_text import TOO_DEEP, Source, Text
from .json_values import DECODER, contradiction

_WIDE: Final = re.compile(rb"[\xf0-\xff]")
_MIDDLE: Final = re.compile(rb"[\xc4-\xff]")
SKIMMED: Final = frozenset(
    {"model_name", "litellm_params", "model", "api_base", "model_info", "id", "db_model"}
)
"""Members of a row that are read although the row is beyond a bound."""
TOO_DEEP_ROW: Final = f"it is nested over {MAX_DEPTH} levels deep"
TOO_LARGE_ROW: Final = f"it has over {MAX_ROW} characters"


@dataclass(frozen=True, slots=True)
class Skimmed:
    """A member of a listing that is beyond a bound: its SKIMMED members, and beyond which bound."""

    fields: dict[str, Any]
    why: str


class Keeper(Protocol):
    """Decides what is kept of each member of a listing."""

    def recall(self, text: Text) -> list[Any]:
        """Return what is kept of the next members, and pass them over, if their text is known.

        [] if it is not; then nothing is read.
        """

    def keep(self, member: Any, source: str, end: int) -> Any:
        """Return what is kept of a member.

        ``source`` is its text, "" for a :class:`Skimmed`, and ``end`` the place where it ends.
        """


def values_in(content: bytes | bytearray) -> int:
    """Return an upper bound of the number of values in a JSON text, not counting the outermost.

    Signs in its strings count too. The results for the pieces of a text add up to that of the text.
    """
    return sum(map(content.count, (b",", b"[", b"{")))


def text_size(content: bytes | bytearray) -> int:
    """Return an upper bound of the bytes of memory that UTF-8 takes up once decoded.

    Python stores every character of a text in as many bytes as its widest character needs.
    """
    if content.isascii():
        return len(content)
    width = 4 if _WIDE.search(content) else 2 if _MIDDLE.search(content) else 1
    return width * len(content)


def document_of(content: bytearray) -> Any:
    """Return the JSON value of a text, and empty ``content`` to free its memory."""
    text = content.decode("utf-8-sig")
    content.clear()
    try:
        document = DECODER.decode(text)
    except RecursionError:
        raise Garbled(TOO_DEEP) from None
    if depth(document) > MAX_DEPTH:
        raise Garbled(TOO_DEEP)
    return document


def depth(value: Any) -> int:
    """Return how deeply maps and lists are nested, at most MAX_DEPTH + 1, without recursion."""
    found, level = 0, [value]
    while level and found <= MAX_DEPTH:
        found += 1
        level = [member for container in level for member in _members(container)]
    return found


def _members(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def rows_of(source: Source, keeper: Keeper) -> Any:
    """Read a map from ``source``; return its ``data``, with what is kept of each member.

    The text is read member by member, so that only one row at a time is in memory. Of the rest of
    the map only ``total_pages`` is returned. A document that is not a map is returned as it is.
    A member that is a map beyond a bound is given to ``keeper`` as :class:`Skimmed`.
    """
    text = Text(source)
    if text.next() != "{":
        return text.last(text.value())
    document: dict[str, Any] = {}
    for _ in text.members("{}"):
        if text.next() != '"':
            raise ValueError("not JSON")
        name = text.value()
        text.expect(":")
        if name in document:
            raise contradiction(name)
        value = _rows(text, keeper) if name == "data" and text.next() == "[" else text.value()
        if name in ("data", "total_pages"):
            document[name] = value
    return text.last({name: value for name, value in document.items() if value is not None})


def _rows(text: Text, keeper: Keeper) -> list[Any]:
    rows: list[Any] = []
    for _ in text.members("[]"):
        known = keeper.recall(text)
        if known:
            rows += known
        else:
            member = _row(text)
            source = "" if isinstance(member, Skimmed) else text.source
            rows.append(keeper.keep(member, source, text.place))
        if len(rows) > MAX_ROWS:
            raise Garbled(
                f"it lists over {MAX_ROWS} models, which is more than the engine reads;"
                " delete those that are not needed"
            )
    return rows


def _row(text: Text) -> Any:
    """Read a value; a map beyond a bound as :class:`Skimmed`.

    Raises:
        OutOfBounds: what is no map is beyond a bound, or a map is so far beyond it that it
            perhaps does not end.
    """
    try:
        return text.value()
    except OutOfBounds as beyond:
        if text.next() != "{":
            raise
        text.left = MAX_SKIMMED
        try:
            fields = _skimmed(text, levels=2)
        except (ValueError, OutOfBounds):
            raise beyond from None
        finally:
            text.left = math.inf
        return Skimmed(fields, TOO_DEEP_ROW if str(beyond) == TOO_DEEP else TOO_LARGE_ROW)


def _skimmed(text: Text, levels: int) -> dict[str, Any]:
    """Read a map; return its SKIMMED members, which are maps only above the last level."""
    found: dict[str, Any] = {}
    for _ in text.members("{}"):
        name = _scalar(text)
        text.expect(":")
        sign = text.next()
        if name not in SKIMMED or sign == "[" or (sign == "{" and levels == 1):
            text.pass_over()
        else:
            found[name] = _skimmed(text, levels - 1) if sign == "{" else _scalar(text)
    return found


def _scalar(text: Text) -> Any:
    """Read what is no map and no list; return "" for a text beyond a bound."""
    try:
        return text.value()
    except OutOfBounds:
        text.pass_over()
        return ""
