"""LiteLLM's rows in little memory, and a bound for all of them. Pure.

There may be thousands of rows, which are much alike: three in four of the 200 fields of a row are
null, and most of the other names and texts are also in the row before.
"""

from __future__ import annotations

import sys
from typing import Any, Final

from ..bounds import MAX_DEPTH, MAX_ID, MAX_ROWS_MEMORY
from ..errors import Garbled
from ..transport.json_stream import TOO_DEEP_ROW, Skimmed, depth

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
