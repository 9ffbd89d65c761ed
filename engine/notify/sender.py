"""Delivers messages in a thread of its own, so that no webhook ever holds up the loop."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import Any, Final

from ..bounds import MAX_WAITING
from ..state.secret import Secret
from ..transport.timing import DEFAULT_TIMING, Timing
from .post import TIMEOUT, Receiver, host_of

log = logging.getLogger(__name__)
LAST_MOMENTS: Final = 3.0
"""Seconds that are left for what waits when the process stops."""


@dataclass(frozen=True, slots=True)
class Patience:
    """``timeout`` of one attempt and the ``pauses`` between attempts, in seconds."""

    timeout: float = TIMEOUT
    pauses: tuple[float, ...] = (1.0, 5.0)


DEFAULT_PATIENCE: Final = Patience()


class Sender:
    """A bounded queue of messages, and the thread that sends them.

    If it is full, the oldest message is dropped. A webhook whose last message failed in every
    attempt gets one attempt for each message until one is taken. The log says once that messages
    are lost, and once that they are taken again; of a URL it has the host only.
    """

    def __init__(
        self, timing: Timing = DEFAULT_TIMING, patience: Patience = DEFAULT_PATIENCE
    ) -> None:
        self._timing, self._patience = timing, patience
        self._waiting: deque[tuple[Secret, dict[str, Any]]] = deque()
        self._change = threading.Condition()
        self._closing = threading.Event()
        self._idle = True
        self._until = float("inf")
        self._receivers: dict[Secret, Receiver] = {}
        self._lost: set[Secret] = set()
        self._thread: threading.Thread | None = None

    def send(self, url: Secret, message: dict[str, Any]) -> None:
        """Let a message be sent; returns at once."""
        with self._change:
            if self._closing.is_set():
                return
            if len(self._waiting) >= MAX_WAITING:
                dropped, _ = self._waiting.popleft()
                self._tell_lost(dropped, "too many messages wait")
            self._waiting.append((url, message))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="notify", daemon=True)
                self._thread.start()
            self._change.notify_all()

    def keep(self, urls: set[Secret]) -> None:
        """Forget all webhooks but these, and what waits for the others."""
        with self._change:
            self._waiting = deque(entry for entry in self._waiting if entry[0] in urls)
            self._lost &= urls
            for url in self._receivers.keys() - urls:
                del self._receivers[url]

    def settle(self, seconds: float) -> int:
        """Wait until nothing waits, for so many seconds; return how many messages are left."""
        with self._change:
            self._change.wait_for(lambda: self._idle and not self._waiting, seconds)
            return len(self._waiting) + (not self._idle)

    def close(self, seconds: float = LAST_MOMENTS) -> None:
        """Send what waits within so many seconds, then give up."""
        with self._change:
            self._until = time.monotonic() + seconds
            self._closing.set()
            self._change.notify_all()
        if left := self.settle(seconds):
            log.warning("%d notifications were not delivered before the stop", left)

    def _run(self) -> None:
        while True:
            with self._change:
                self._idle = True
                self._change.notify_all()
                self._change.wait_for(lambda: self._waiting or self._closing.is_set())
                if not self._waiting or time.monotonic() > self._until:
                    return
                url, message = self._waiting.popleft()
                self._idle = False
            try:
                self._deliver(url, message)
            except Exception:
                log.exception("a notification failed; this is a bug, please report it")

    def _deliver(self, url: Secret, message: dict[str, Any]) -> None:
        receiver = self._receivers.get(url)
        if receiver is None:
            receiver = Receiver(url, self._timing, self._patience.timeout)
            self._receivers[url] = receiver
        failure = receiver.post(message)
        for pause in () if url in self._lost else self._patience.pauses:
            if failure is None or not failure.passing or self._closing.wait(pause):
                break
            failure = receiver.post(message)
        if failure is not None:
            self._tell_lost(url, failure.why)
        elif url in self._lost:
            self._lost.discard(url)
            log.info("notifications to %s are delivered again", receiver.host)

    def _tell_lost(self, url: Secret, why: str) -> None:
        """Say that a message is lost, if the one before was not."""
        if url not in self._lost:
            self._lost.add(url)
            log.warning("a notification to %s is lost: %s; more are not told", host_of(url), why)
