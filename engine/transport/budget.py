"""What the answers of backends may cost: in time and values each, in memory all of them together.

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
    """The memory that readings share, in bytes. For use by many threads."""

    def __init__(self, size: int = MAX_MEMORY) -> None:
        self._left = size
        self._lock = threading.Lock()

    def draw(self, size: int) -> bool:
        """Take so much out of the pool, or put it back if it is negative; False if it is empty."""
        with self._lock:
            if size > self._left:
                return False
            self._left -= size
            return True


class Allowance:
    """What one reading of a backend may still cost; what it took is given back at its end.

    ``until`` is when it has to be over, on the monotonic clock.
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
        """Take so many bytes of text and so many values more.

        Raises:
            Garbled: that is more than a backend may answer, or than all of them together may.
        """
        if self._size + size > MAX_BODY:
            raise Garbled(
                f"the answer has over {MAX_BODY} bytes as text; see what is at that address"
            )
        if self._values + values > MAX_VALUES:
            raise Garbled(
                f"the answer holds over {MAX_VALUES} values, which is no list of models;"
                " check that url and models_endpoint lead to one"
            )
        if not self._set(self._size + size, self._values + values):
            raise Garbled(
                f"all backends together answer what takes over {MAX_MEMORY >> 20} MiB; this one is"
                " left out, look for those whose answers are too large"
            )

    def restore(self, before: tuple[int, int]) -> None:
        """Give back what was taken since ``before``: its answer is no longer in memory."""
        self._set(*before)

    def _set(self, size: int, values: int) -> bool:
        wanted = max(0, size + values * VALUE_COST - FREE_MEMORY)
        if not self._pool.draw(wanted - self._drawn):
            return False
        self._size, self._values, self._drawn = size, values, wanted
        return True
