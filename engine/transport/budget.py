"""Limits on the answers of backends: time and values for each, memory for all of them together.

Four backends that each answer ten megabytes of ``[{},{},...]`` would otherwise take a gigabyte.
"""

from __future__ import annotations

import math
import threading
import time
from typing import Self

from ..bounds import FREE_MEMORY, MAX_BODY, MAX_MEMORY, MAX_VALUES, VALUE_COST
from ..errors import Garbled


class Pool:
    """The memory in bytes that the answers of all backends share. For use by many threads."""

    def __init__(self, size: int = MAX_MEMORY) -> None:
        self._left = size
        self._lock = threading.Lock()

    def draw(self, size: int) -> bool:
        """Take ``size`` bytes out of the pool, return them if negative; False if it has too few."""
        with self._lock:
            if size > self._left:
                return False
            self._left -= size
            return True


class Allowance:
    """What may still be spent on reading one backend; on exit its memory is given back.

    ``until`` is when the reading has to be over, on the monotonic clock.
    """

    def __init__(self, pool: Pool | None = None, seconds: float = math.inf) -> None:
        self.until = time.monotonic() + seconds
        self._pool = Pool() if pool is None else pool
        self._size = self._values = self._drawn = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.restore((0, 0))

    def spent(self) -> tuple[int, int]:
        """Return the bytes and values that are in use, for :meth:`restore`."""
        return self._size, self._values

    def spend(self, size: int, values: int = 0) -> None:
        """Take ``size`` more bytes of text and ``values`` more values.

        Raises:
            Garbled: that is more than a backend, or than all of them together, may answer.
        """
        if self._size + size > MAX_BODY:
            raise Garbled(
                f"the answer has over {MAX_BODY} bytes as text; see what is at that address"
            )
        if self._values + values > MAX_VALUES:
            raise Garbled(
                f"the answer holds over {MAX_VALUES} values, too many for a list of models;"
                " check that url and models_endpoint lead to one"
            )
        if not self._set(self._size + size, self._values + values):
            raise Garbled(
                f"the answers of all backends together take over {MAX_MEMORY >> 20} MiB; this one"
                " is left out, look for the backends whose answers are too large"
            )

    def restore(self, before: tuple[int, int]) -> None:
        """Give back what was taken since :meth:`spent` returned ``before``."""
        self._set(*before)

    def _set(self, size: int, values: int) -> bool:
        wanted = max(0, size + values * VALUE_COST - FREE_MEMORY)
        if not self._pool.draw(wanted - self._drawn):
            return False
        self._size, self._values, self._drawn = size, values, wanted
        return True
