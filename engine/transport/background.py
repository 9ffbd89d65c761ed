"""Work in a thread of its own, whose result somebody waits for later."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Background(Generic[T]):
    """Begins to do ``work`` at once. A process that ends does not wait for it."""

    def __init__(self, work: Callable[[], T], name: str) -> None:
        self._work = work
        self._results: list[T] = []
        self._errors: list[BaseException] = []
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._results.append(self._work())
        except BaseException as error:  # noqa: BLE001 - raised again in the waiting thread
            self._errors.append(error)

    def wait(self, seconds: float | None = None) -> bool:
        """Wait for its end, or so many seconds; return whether it has ended."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def result(self) -> T:
        """Wait for its end; return what it returned, or raise what it raised."""
        self._thread.join()
        if self._errors:
            raise self._errors[0]
        return self._results[0]
