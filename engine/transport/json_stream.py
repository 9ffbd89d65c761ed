"""The bytes of an answer -> JSON; bounds are checked before large values are built. Pure.

Every function raises ValueError for text that is not JSON, and Garbled for what exceeds a bound.
"""

from __future__ import annotations

import codecs
import json
import math
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from ..bounds import MAX_DEPTH, MAX_INTEGER, MAX_QUOTED, MAX_ROW, MAX_ROWS
from ..errors import Garbled

_WINDOW: Final = 256 * 1024
"""Characters of a listing that are read at once: about thirty rows."""
_SPACE: Final = re.compile(r"[ \t\n\r]*")
_WIDE: Final = re.compile(rb"[\xf0-\xff]")
_MIDDLE: Final = re.compile(rb"[\xc4-\xff]")
_TOO_LARGE: Final = (
    f"a row of it has over {MAX_ROW} characters, or does not end; look for it in LiteLLM, and"
    " check what is between LiteLLM and the engine"
)
_TOO_DEEP: Final = (
    f"the answer is nested too deeply (over {MAX_DEPTH} levels); see what is at that address"
)


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
        document = _DECODER.decode(text)
    except RecursionError:
        raise Garbled(_TOO_DEEP) from None
    if depth(document) > MAX_DEPTH:
        raise Garbled(_TOO_DEEP)
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


def number(text: str) -> float:
    """Return a number; NaN and infinity are not JSON."""
    if math.isfinite(found := float(text)):
        return found
    raise ValueError(f"{text} is not JSON")


def integer(text: str) -> int | float | str:
    """Return a whole number; for one that is too long, a float, or a text if no float holds it."""
    if len(text) <= MAX_INTEGER:
        return int(text)
    found = float(text)
    return found if math.isfinite(found) else text[:MAX_QUOTED]


def unambiguous(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return a map of JSON.

    Raises:
        Garbled: a name has two different values. RFC 8259, section 4, does not say which of them
            counts, and an answer with a list of models and an empty list proves nothing.
    """
    found = dict(pairs)
    if len(found) < len(pairs):
        for name, value in pairs:
            if json.dumps(value) != json.dumps(found[name]):
                raise _contradiction(name)
    return found


def _contradiction(name: str) -> Garbled:
    return Garbled(
        f"the answer contradicts itself, it gives {name[:MAX_QUOTED]!r} two values; see what is at"
        " that address"
    )


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=unambiguous, parse_constant=number, parse_float=number, parse_int=integer
)


def rows_of(chunks: Iterable[bytes], keep: Callable[[Any], Any]) -> Any:
    """Read a map from ``chunks``; return its ``data``, with what ``keep`` makes of each member.

    The text is read member by member, so that only one row at a time is in memory. Of the rest of
    the map only ``total_pages`` is returned. A document that is not a map is returned as it is.
    """
    text = _Text(iter(chunks))
    if text.next() != "{":
        return text.last(text.value())
    document: dict[str, Any] = {}
    for _ in text.members("{}"):
        if text.next() != '"':
            raise ValueError("not JSON")
        name = text.value()
        text.expect(":")
        if name in document:
            raise _contradiction(name)
        value = list(_rows(text, keep)) if name == "data" and text.next() == "[" else text.value()
        if name in ("data", "total_pages"):
            document[name] = value
    return text.last({name: value for name, value in document.items() if value is not None})


def _rows(text: _Text, keep: Callable[[Any], Any]) -> Iterator[Any]:
    for count in text.members("[]"):
        if count > MAX_ROWS:
            raise Garbled(
                f"it lists over {MAX_ROWS} models, which is more than the engine reads;"
                " delete those that are not needed"
            )
        yield keep(text.value())


class _Text:
    """A JSON text that arrives in pieces; ``at`` is the position in the window to read next."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._decode = codecs.getincrementaldecoder("utf-8-sig")().decode
        self._scan = _DECODER.raw_decode
        self._window = ""
        self._ended = False
        self.at = 0

    def next(self) -> str:
        """Return the next character that is not white space, without reading it; "" at the end."""
        while True:
            space = _SPACE.match(self._window, self.at)
            assert space is not None
            self.at = space.end()
            if self.at < len(self._window):
                return self._window[self.at]
            if not self._more():
                return ""

    def expect(self, char: str) -> None:
        """Read the given character.

        Raises:
            ValueError: another one is next.
        """
        if self.next() != char:
            raise ValueError("not JSON")
        self.at += 1

    def value(self) -> Any:
        """Read a value."""
        self.next()
        while True:
            try:
                found, end = self._scan(self._window, self.at)
            except RecursionError:
                raise Garbled(_TOO_DEEP) from None
            except json.JSONDecodeError:
                if not self._more():
                    raise
                continue
            if len(self._window) - end > 2 or not self._more():  # else a number might continue: 1e-
                if end - self.at > MAX_ROW:
                    raise Garbled(_TOO_LARGE)
                self.at = end
                return found

    def members(self, brackets: str) -> Iterator[int]:
        """Read the brackets and commas of a map or list.

        Yields the number of each member, from 1; the caller then reads that member.
        """
        self.expect(brackets[0])
        count = 0
        while self.next() != brackets[1] or count:
            count += 1
            yield count
            if self.next() == brackets[1]:
                break
            self.expect(",")
        self.at += 1

    def last(self, document: Any) -> Any:
        """Return the document.

        Raises:
            ValueError: it is followed by more than white space.
        """
        if self.next():
            raise ValueError("not JSON")
        return document

    def _more(self) -> bool:
        """Drop what was read, and read at least a window more; return False at the end.

        Raises:
            Garbled: a value does not end.
        """
        if self._ended:
            return False
        pieces = [self._window[self.at :]]
        self.at, size = 0, len(pieces[0])
        if size > MAX_ROW:
            raise Garbled(_TOO_LARGE)
        wanted = _WINDOW + min(2 * size, MAX_ROW)
        while size < wanted and not self._ended:
            chunk = next(self._chunks, b"")
            self._ended = not chunk
            pieces.append(self._decode(chunk, self._ended))
            size += len(pieces[-1])
        self._window = "".join(pieces)
        return True
