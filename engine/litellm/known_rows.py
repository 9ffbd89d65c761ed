"""The rows of LiteLLM's last listing, known by their text, so that they need not be parsed. Pure.

The text itself is not kept: a row is known by its length and its digest.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from ..transport.json_text import Text

_START: Final = 128
"""Characters by which a row is looked for. LiteLLM begins it with the public name; a shorter row
is parsed each time."""
_LENGTHS: Final = 8
"""Lengths that are tried for a row; few rows begin alike and have different lengths."""


@dataclass(frozen=True, slots=True)
class KnownRow:
    """What is kept of a row: the digest and the length of its text, and the memory it added."""

    row: Any
    digest: bytes
    length: int
    size: int


class KnownRows:
    """The rows of one listing.

    ``size`` is the memory that they added when they were read. ``spare`` is at least the memory of
    texts that they share with rows of earlier listings, which is not part of it.
    """

    def __init__(self) -> None:
        self._rows: dict[bytes, KnownRow] = {}
        self._lengths: dict[int, tuple[int, ...]] = {}
        self.size = self.spare = 0

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[KnownRow]:
        return iter(self._rows.values())

    def find(self, text: Text) -> KnownRow | None:
        """Return the row that is next in a text, without reading it; None if it is not known."""
        for length in self._lengths.get(hash(text.ahead(_START)), ()):
            known = self._rows.get(_digest(text.ahead(length)))
            if known is not None:
                return known
        return None

    def add(self, known: KnownRow, start: str) -> bool:
        """Add a row whose text begins with ``start``; return whether it is new."""
        is_new = known.digest not in self._rows
        if is_new:
            self.size += known.size
            self._rows[known.digest] = known
        place = hash(start[:_START])
        lengths = self._lengths.get(place, ())
        if known.length not in lengths:
            self._lengths[place] = (known.length, *lengths)[:_LENGTHS]
        return is_new

    def clear(self) -> None:
        """Forget all rows."""
        self._rows.clear()
        self._lengths.clear()
        self.size = self.spare = 0


def known_row(row: Any, source: str, size: int) -> KnownRow | None:
    """Return a row as it is recognised by its text; None where it cannot be.

    A map ends where its text ends; a number might go on behind it.
    """
    if len(source) < _START or not source.startswith("{"):
        return None
    return KnownRow(row, _digest(source), len(source), size)


def _digest(source: str) -> bytes:
    return sha256(source.encode()).digest()
