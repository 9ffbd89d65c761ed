"""The rows of LiteLLM's last listing, known by their text, so that they need not be parsed. Pure.

The text itself is not kept: a row is known by its length and its digest. Rows that follow each
other are a run, which is passed over as a whole as long as none of them has changed. It is known by
its length and Python's own hash of its bytes: 64 bits of SipHash, under a key that each process
draws for itself. So nobody can make a text that passes for another one, and by chance one changed
run in 2**64 does. A sha256 would take longer than to receive the text.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from operator import is_
from typing import Any, Final

from ..transport.json_text import Text

_START: Final = 128
"""Characters by which a row is looked for. LiteLLM begins it with the public name; a shorter row
is parsed each time."""
_LENGTHS: Final = 8
"""Lengths that are tried for a row; few rows begin alike and have different lengths."""
_RUN: Final = 512 * 1024
"""Bytes after which a run ends. If one of its rows has changed, each of them is looked for."""
_SHORT: Final = _RUN // 2
"""A run with fewer bytes is not looked for: its rows may join what comes before or after them."""
COMMA: Final = b","
"""What is between two rows of a run, and counts as its first byte."""
START: Final = b""
UNKNOWN: Final = b"?"
"""In place of the digest of a row: at the start of a listing, and of one that is not known."""


@dataclass(frozen=True, slots=True)
class KnownRow:
    """What is kept of a row: the digest and the length of its text, and the memory it added.

    ``start`` is the hash of the characters by which it is looked for.
    """

    row: Any
    digest: bytes
    length: int
    start: int
    size: int


@dataclass(frozen=True, slots=True)
class Run:
    """Rows with a comma before each, and nothing else: ``length`` bytes with a hash.

    ``values`` is what is kept of each row, ``size`` the memory that all of them added.
    """

    rows: tuple[KnownRow, ...]
    values: list[Any]
    size: int
    length: int
    digest: int


class Runs:
    """Collects the known rows of a listing as runs."""

    def __init__(self) -> None:
        self.all: list[Run] = []
        self._begin()

    def _begin(self) -> None:
        self._rows: list[KnownRow] = []
        self._text = bytearray()
        self._end = -1

    def add(self, known: KnownRow, source: str, end: int) -> None:
        """Add a row with its text, which ends ``end`` characters after the start of the listing."""
        if end - len(source) != self._end + 1 or len(self._text) >= _RUN:
            self.close()
        self._text += COMMA
        self._text += source.encode()
        self._rows.append(known)
        self._end = end

    def join(self, run: Run) -> None:
        """Add the rows of a run that comes next."""
        self.close()
        self.all.append(run)

    def close(self) -> None:
        """End a run."""
        if self._rows:
            values = [known.row for known in self._rows]
            size = sum(known.size for known in self._rows)
            text = len(self._text), hash(bytes(self._text))
            self.all.append(Run(tuple(self._rows), values, size, *text))
            self._begin()


class KnownRows:
    """The rows of one listing.

    ``size`` is the memory that they added when they were read. ``spare`` is at least the memory of
    texts that they share with rows of earlier listings, which is not part of it.
    """

    def __init__(self, runs: Iterable[Run] = ()) -> None:
        self._rows: dict[bytes, KnownRow] = {}
        self._lengths: dict[int, tuple[int, ...]] = {}
        self._runs: dict[bytes, Run] = {}
        self._listed: list[Any] = []
        self.size = self.spare = 0
        last = START
        for run in runs:
            if run.length >= _SHORT:
                self._runs[last] = run
            for known in run.rows:
                self._add(known)
            last = run.rows[-1].digest

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

    def run_after(self, digest: bytes) -> Run | None:
        """Return the run that followed a row with a digest, or the first one after START."""
        return self._runs.get(digest)

    def are(self, listed: list[Any]) -> bool:
        """Tell whether a listing has these rows and no others, in the same order."""
        return len(listed) == len(self._listed) and all(map(is_, listed, self._listed))

    def shared_with(self, others: KnownRows) -> int:
        """Return the memory that was added by the rows that ``others`` has too."""
        rows = others._rows
        return sum(known.size for known in self if rows.get(known.digest) is known)

    def _add(self, known: KnownRow) -> None:
        self._listed.append(known.row)
        if known.digest not in self._rows:
            self.size += known.size
            self._rows[known.digest] = known
        lengths = self._lengths.get(known.start, ())
        if known.length not in lengths:
            self._lengths[known.start] = (known.length, *lengths)[:_LENGTHS]


def known_row(row: Any, source: str, size: int) -> KnownRow | None:
    """Return a row as it is recognised by its text; None where it cannot be.

    A map ends where its text ends; a number might go on behind it.
    """
    if len(source) < _START or not source.startswith("{"):
        return None
    return KnownRow(row, _digest(source), len(source), hash(source[:_START]), size)


def _digest(source: str) -> bytes:
    return sha256(source.encode()).digest()
