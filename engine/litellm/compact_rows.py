"""LiteLLM's rows in little memory, and a bound for all of them. Pure.

There may be thousands of rows, which are much alike: three in four of the 200 fields of a row are
null, and most of the other names and texts are also in the row before.
"""

from __future__ import annotations

import sys
from typing import Any, Final

from ..bounds import MAX_DEPTH, MAX_ROWS_MEMORY
from ..errors import Garbled
from ..transport.json_stream import depth

_PARTS: Final = ("litellm_params", "model_info")
_READ: Final = ("model_name", *_PARTS)
_SLOT: Final = 100
"""Bytes that a text takes in the table of texts."""


class Rows:
    """Compacts the rows of one listing."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}
        self._size = 0

    def kept(self, row: Any) -> Any:
        """Return a row without null fields and without unread ones; anything but a map, as it is.

        Raises:
            Garbled: it is nested too deeply, or the rows so far take too much memory.
        """
        if isinstance(row, dict):
            row = {name: row[name] for name in _READ if name in row}
            for name in _PARTS:
                if isinstance(row.get(name), dict):
                    row[name] = {k: v for k, v in row[name].items() if v is not None}
        if depth(row) > MAX_DEPTH:
            raise Garbled(f"LiteLLM lists a row that is nested over {MAX_DEPTH} levels deep")
        row = self._shared(row)
        if self._size > MAX_ROWS_MEMORY:
            raise Garbled(
                f"LiteLLM's rows take over {MAX_ROWS_MEMORY >> 20} MiB of memory; see in LiteLLM"
                " which rows are not needed, or far larger than others"
            )
        return row

    def _shared(self, value: Any) -> Any:
        """Return a value in which equal texts share memory, and count the memory that it takes."""
        if isinstance(value, str):
            if value not in self._texts:
                self._size += sys.getsizeof(value) + _SLOT
            return self._texts.setdefault(value, value)
        if isinstance(value, dict):
            value = {self._shared(name): self._shared(item) for name, item in value.items()}
        elif isinstance(value, list):
            value = [self._shared(item) for item in value]
        self._size += sys.getsizeof(value)
        return value
