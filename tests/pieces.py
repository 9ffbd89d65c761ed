"""A text that arrives in pieces, as the network brings it."""

from __future__ import annotations

import io


class Pieces:
    """A body that arrives ``size`` bytes at a time; a Source of engine.transport.json_text."""

    def __init__(self, body: bytes, size: int) -> None:
        self._stream = io.BytesIO(body)
        self._size = size

    def read(self, size: int) -> bytes:
        return self._stream.read(size)

    def read1(self, size: int) -> bytes:
        return self._stream.read(min(size, self._size))
