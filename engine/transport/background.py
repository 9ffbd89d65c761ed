"""Work in threads of its own: one whose result somebody waits for later, or several at once."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from functools import partial
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


def share_out(
    groups: Sequence[Sequence[T]], workers: Sequence[Callable[[T], None]], name: str
) -> None:
    """Give each group to a worker, which does its jobs in their order; return once all are done.

    What a worker raises is raised here; then the others end the group that they are at.
    """
    waiting: queue.SimpleQueue[Sequence[T]] = queue.SimpleQueue()
    for group in groups:
        waiting.put(group)
    stop = threading.Event()
    others = [
        Background(partial(_work, waiting, worker, stop), f"{name}-{number}")
        for number, worker in enumerate(workers[1 : len(groups)], 1)
    ]
    try:
        _work(waiting, workers[0], stop)
    finally:
        for other in others:
            other.wait()
    for other in others:
        other.result()


def _work(
    waiting: queue.SimpleQueue[Sequence[T]], worker: Callable[[T], None], stop: threading.Event
) -> None:
    try:
        while not stop.is_set():
            for job in waiting.get_nowait():
                worker(job)
    except queue.Empty:
        return
    except BaseException:
        stop.set()
        raise
