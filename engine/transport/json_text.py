"""A JSON text that is received bit by bit, read value by value. Pure.

Every function raises ValueError for text that is not JSON, and Garbled for what exceeds a bound.
"""

from __future__ import annotations

import codecs
import json
import math
import re
from collections.abc import Iterator
from typing import Any, Final, Protocol

from ..bounds import MAX_DEPTH, MAX_ROW
from ..errors import OutOfBounds
from .json_values import DECODER

_WINDOW: Final = 256 * 1024
"""Characters of a listing that are read at once: about thirty rows."""
_SPACE: Final = re.compile(r"[ \t\n\r]*")
_IN_STRING: Final = re.compile(r'[^"\\]*')
_BETWEEN_SIGNS: Final = re.compile(r'[^"{}\[\]]*')
_TOO_LARGE: Final = (
    f"a row of it has over {MAX_ROW} characters, or does not end; look for it in LiteLLM, and"
    " check what is between LiteLLM and the engine"
)
TOO_DEEP: Final = (
    f"the answer is nested too deeply (over {MAX_DEPTH} levels); see what is at that address"
)


class Source(Protocol):
    """The bytes of a text, as :class:`io.BufferedIOBase` has them; b"" is their end."""

    def read(self, size: int, /) -> bytes:
        """Return the next bytes: ``size`` of them, or fewer before the end."""

    def read1(self, size: int, /) -> bytes:
        """Return the next bytes as they come, at most ``size``."""


class Text:
    """A JSON text that is received bit by bit.

    ``at`` is the place up to which it is read, ``left`` how many characters may still be read.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")()
        self._scan = DECODER.raw_decode
        self._window = ""
        self._ahead = b""
        self._ended = False
        self._from = self._dropped = 0
        self.left = math.inf
        self.at = 0

    @property
    def source(self) -> str:
        """The text of the value that was read last, until the next one is read."""
        return self._window[self._from : self.at]

    @property
    def place(self) -> int:
        """How many characters come before ``at``, of which :meth:`passes` counts the bytes."""
        return self._dropped + self.at

    def passes(self, length: int, digest: int, begun: bytes = b"") -> bool:
        """Pass over the next bytes if they have this length and hash; return whether they have.

        ``begun`` has those of them that were read already. The others are neither decoded nor, once
        nothing is left of the window, copied, so it takes little more than to receive them.
        """
        undecoded, _ = self._decoder.getstate()
        start = begun + self._window[self.at :].encode() + undecoded + self._ahead
        block = start + self._source.read(max(0, length - len(start)))
        same = len(block) >= length and hash(block[:length]) == digest
        self._ahead = block[length if same else len(begun) :]
        self._dropped += self.at + (length - len(begun) if same else 0)
        self._window, self.at, self._ended = "", 0, False
        self._decoder.setstate((b"", 0))
        return same

    def ahead(self, length: int) -> str:
        """Return the next characters without reading them: ``length`` of them, or all that come.

        Raises:
            OutOfBounds: more than MAX_ROW were asked for.
        """
        while len(self._window) - self.at < length and self._more():
            pass
        return self._window[self.at : self.at + length]

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
        """Read a value.

        Raises:
            OutOfBounds: it is beyond a bound, and nothing of it is read.
        """
        self.next()
        while True:
            try:
                found, end = self._scan(self._window, self.at)
            except RecursionError:
                raise OutOfBounds(TOO_DEEP) from None
            except json.JSONDecodeError:
                if not self._more():
                    raise
                continue
            if len(self._window) - end > 2 or not self._more():  # else a number might continue: 1e-
                if end - self.at > MAX_ROW:
                    raise OutOfBounds(_TOO_LARGE)
                self._from, self.at = self.at, end
                return found

    def pass_over(self) -> None:
        """Read a value without making anything of it, however large or deep it is."""
        if self.next() not in ('"', "{", "["):
            self.value()
            return
        level = 0
        while True:
            sign = self._sign()
            self.at += 1
            if sign == '"':
                self._pass_over_string()
            else:
                level += 1 if sign in "{[" else -1
            if level == 0:
                return

    def _sign(self) -> str:
        """Pass over all but brackets and quotation marks; return the next of these."""
        while True:
            between = _BETWEEN_SIGNS.match(self._window, self.at)
            assert between is not None
            self.at = between.end()
            if self.at < len(self._window):
                return self._window[self.at]
            if not self._more():
                raise ValueError("not JSON")

    def _pass_over_string(self) -> None:
        """Pass over the rest of a string."""
        while True:
            within = _IN_STRING.match(self._window, self.at)
            assert within is not None
            self.at = within.end()
            if self._window[self.at : self.at + 1] == '"':
                self.at += 1
                return
            if self.at + 2 <= len(self._window):
                self.at += 2  # a backslash, and what it escapes
            elif not self._more():
                raise ValueError("not JSON")

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
        size = len(self._window) - self.at
        if size > MAX_ROW or self.left < 0:
            raise OutOfBounds(_TOO_LARGE)
        pieces = [self._window[self.at :]]
        self.left -= self.at
        self._dropped += self.at
        self.at = 0
        wanted = _WINDOW + min(2 * size, MAX_ROW)
        while size < wanted and not self._ended:
            chunk = self._ahead or self._source.read1(_WINDOW)
            self._ahead = b""
            self._ended = not chunk
            pieces.append(self._decoder.decode(chunk, self._ended))
            size += len(pieces[-1])
        self._window = "".join(pieces)
        return True
