"""LiteLLM's rows in little memory, and a bound for all of them. Pure.

There may be thousands of rows, which are much alike: three in four of the 200 fields of a row are
null, and most of the other names and texts are also in the row before.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, Final

from ..bounds import MAX_DEPTH, MAX_ID, MAX_ROWS_MEMORY
from ..errors import Garbled
from ..transport.json_stream import TOO_DEEP_ROW, Skimmed, depth
from ..transport.json_text import Text
from .known_rows import COMMA, START, UNKNOWN, KnownRows, Runs, known_row

_PARTS: Final = ("litellm_params", "model_info")
_READ: Final = ("model_name", *_PARTS)
_MANY, _FEW = 4, 100
"""More unknown rows than a fourth of the known ones, and this many, are many."""
_SLOT: Final = 100
"""Bytes that a text takes in the table of texts."""


class Rows:
    """Compacts the rows of one listing; those in ``before``, an earlier one, are taken from there.

    ``changing`` is called once if many are not known, before they are added, so that what was made
    of the earlier ones need not stay in memory.
    """

    def __init__(
        self, before: KnownRows | None = None, changing: Callable[[], None] = lambda: None
    ) -> None:
        self._before = KnownRows() if before is None else before
        self._runs = Runs()
        self._last = START
        self._changing = changing
        self._unknown = 0
        self._all: list[Any] = []
        self._is_exact = not self._before
        self._is_recounted = False
        self._texts: dict[str, str] = {}
        self._size = 0

    def recall(self, text: Text) -> list[Any]:
        """Return the known rows that are next in a text, and pass them over; [] for none."""
        found = self._recalled_runs(text)
        if found:
            return found
        known = self._before.find(text)
        if known is None:
            return []
        self._runs.add(known, text.ahead(known.length), text.place + known.length)
        text.at += known.length
        self._last = known.digest
        return self._recalled([known.row], known.size)

    def _recalled_runs(self, text: Text) -> list[Any]:
        """Pass over the runs that follow each other as before; return their rows."""
        found: list[Any] = []
        comma = COMMA
        while run := self._before.run_after(self._last):
            self._last = UNKNOWN
            if text.passes(run.length, run.digest, comma):
                self._runs.join(run)
                self._last = run.rows[-1].digest
                found += self._recalled(run.values, run.size)
                comma = b""
        self._last = UNKNOWN
        return found

    def _recalled(self, found: list[Any], size: int) -> list[Any]:
        if self._is_exact:
            for row in found:
                self._shared(row)
        else:
            self._size += size
        self._all += found
        self._check()
        return found

    def keep(self, member: Any, source: str, end: int) -> Any:
        """Return what is kept of a row, and remember it by its text.

        Raises:
            Garbled: as :meth:`kept`.
        """
        self._unknown += 1
        if self._unknown == len(self._before) // _MANY + _FEW:
            self._changing()
        size = self._size
        row = self.kept(member)
        known = known_row(row, source, self._size - size)
        if known is not None:
            self._runs.add(known, source, end)
        return row

    def kept(self, row: Any) -> Any:
        """Return a row without null fields and without unread ones; anything but a map, as it is.

        Of a row beyond a bound only what identifies it is returned, and ``unreadable`` says why.

        Raises:
            Garbled: a row beyond a bound has no id, or the rows so far take too much memory.
        """
        if isinstance(row, Skimmed):
            row = _identity(row.fields, row.why)
        elif isinstance(row, dict):
            row = {name: row[name] for name in _READ if name in row}
            for name in _PARTS:
                if isinstance(row.get(name), dict):
                    row[name] = {k: v for k, v in row[name].items() if v is not None}
            if depth(row) > MAX_DEPTH:
                row = _identity(row, TOO_DEEP_ROW)
        elif depth(row) > MAX_DEPTH:
            raise Garbled(f"LiteLLM lists an entry that is no row: {TOO_DEEP_ROW}")
        row = self._shared(row)
        self._all.append(row)
        self._check()
        return row

    def finish(self) -> KnownRows:
        """End the listing; return its rows for the next one.

        Raises:
            Garbled: they take too much memory.
        """
        read = self._before
        if not read.are(self._all):
            self._runs.close()
            read = KnownRows(self._runs.all)
            before = self._before
            read.spare = before.spare + before.size - read.shared_with(before)
        if not self._is_exact and self._size + read.spare > MAX_ROWS_MEMORY:
            self._count()
        self._check()
        # What each row adds is not what it added when it was read.
        return KnownRows() if self._is_recounted else read

    def _check(self) -> None:
        if self._size > MAX_ROWS_MEMORY and not self._is_exact:
            self._count()
        if self._size > MAX_ROWS_MEMORY:
            raise Garbled(
                f"LiteLLM's rows take over {MAX_ROWS_MEMORY >> 20} MiB of memory; see in LiteLLM"
                " which rows are not needed, or far larger than others"
            )

    def _count(self) -> None:
        """Count the memory of the rows so far, and from now on, as if none had been known."""
        self._texts.clear()
        self._size = 0
        self._is_exact = self._is_recounted = True
        for row in self._all:
            self._shared(row)

    def _shared(self, value: Any) -> Any:
        """Return a value in which equal texts share memory, and count the memory that it takes."""
        if isinstance(value, str):
            known = self._texts.get(value)
            if known is not None:
                return known
            self._size += sys.getsizeof(value) + _SLOT
            self._texts[value] = value
            return value
        if isinstance(value, dict):
            value = {
                self._shared(sys.intern(name)): self._shared(item) for name, item in value.items()
            }
        elif isinstance(value, list):
            value = [self._shared(item) for item in value]
        self._size += sys.getsizeof(value)
        return value


def _identity(row: dict[str, Any], why: str) -> dict[str, Any]:
    """Return the row with its name, upstream, address and id alone, and ``unreadable``.

    Texts that are longer than any of ours are cut off: they are shown and compared, never sent.
    """
    parts = {name: row.get(name) for name in _PARTS}
    params, info = (part if isinstance(part, dict) else {} for part in parts.values())
    if not isinstance(row_id := info.get("id"), str):
        raise Garbled(f"LiteLLM lists a row without an id: {why}")
    known = {"model": params.get("model"), "api_base": params.get("api_base")}
    return {
        "model_name": _cut(row.get("model_name")),
        "litellm_params": {name: _cut(text) for name, text in known.items()},
        "model_info": {"id": _cut(row_id), "db_model": info.get("db_model") is True},
        "unreadable": why,
    }


def _cut(text: Any) -> str:
    return text[:MAX_ID] if isinstance(text, str) else ""
