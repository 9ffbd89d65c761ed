"""Records Events in a thread of its own, so that nothing waits for the API server."""

from __future__ import annotations

import logging
import queue
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, Protocol

from ..errors import Rejected, TransportError
from ..text import printable
from .happening import Happening

log = logging.getLogger(__name__)
MOST_WAITING: Final = 100
"""Happenings that wait for the API server; more are dropped."""
SERIES_SECONDS: Final = 360.0
"""For how long the same happening counts as a repetition, which makes no further Event."""
BURST: Final = 25
REFILL_SECONDS: Final = 300.0
"""As client-go: of one source 25 Events at once, and then one every five minutes."""
_MOST_SERIES: Final = 200
_MOST_BYTES: Final = 1_000
"""Of a note; Kubernetes refuses more than 1,024."""
_RIGHTS: Final = (
    "Remedy: give its service account a Role with create and patch on events of events.k8s.io"
)


@dataclass(frozen=True, slots=True)
class Repeated:
    """An Event that was recorded, by name; how often its happening was seen, and when last."""

    name: str
    count: int
    last: float


class Events(Protocol):
    """Where Events are recorded; both methods raise TransportError."""

    def create(self, happening: Happening) -> str:
        """Record a new one and return its name."""
        ...

    def repeat(self, name: str, count: int) -> None:
        """Record that it was seen ``count`` times by now."""
        ...

    def close(self) -> None:
        """Close what is open."""


class Allowance:
    """How many Events may still be recorded."""

    def __init__(self) -> None:
        self._left = float(BURST)
        self._last = 0.0

    def take(self, now: float) -> bool:
        """Tell whether there may be one more, and count it; ``now`` in seconds."""
        self._left = min(BURST, self._left + (now - self._last) / REFILL_SECONDS)
        self._last = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


class Recorder:
    """Records what happens as Events, without secrets, the same one again as a repetition.

    ``connect`` is called in the thread, and may raise TransportError; ``redact`` takes out secrets.
    """

    def __init__(
        self,
        connect: Callable[[], Events],
        redact: Callable[[str], str],
        clock: Callable[[], float],
    ) -> None:
        self._connect = connect
        self._redact = redact
        self._clock = clock
        self._events: Events | None = None
        self._waiting: queue.Queue[Happening | None] = queue.Queue(MOST_WAITING)
        self._known: OrderedDict[Happening, Repeated] = OrderedDict()
        self._allowance = Allowance()
        self._dropping = ""
        self._trouble = ""
        self._thread = threading.Thread(target=self._run, name="events", daemon=True)

    def start(self) -> None:
        """Record from now on."""
        self._thread.start()

    def stop(self, patience: float) -> None:
        """Record what waits; return after a few times ``patience`` seconds at most."""
        try:
            self._waiting.put(None, timeout=patience)
        except queue.Full:
            return
        self._thread.join(patience)

    @property
    def waiting(self) -> int:
        """How many happenings wait, or are being recorded."""
        return self._waiting.unfinished_tasks

    def record(self, happening: Happening) -> None:
        """Have it recorded; never waits, and raises nothing."""
        note = _bounded(printable(self._redact(happening.note)))
        try:
            self._waiting.put_nowait(replace(happening, note=note))
        except queue.Full:
            self._drop("the API server does not take them in time")

    def _run(self) -> None:
        while (happening := self._waiting.get()) is not None:
            try:
                self._record(happening)
            except TransportError as error:
                self._tell(error)
            except Exception:
                log.exception("an Event was not recorded; this is a bug, please report it")
            self._waiting.task_done()
        if self._events is not None:
            self._events.close()

    def _record(self, happening: Happening) -> None:
        now = self._clock()
        if not self._allowance.take(now):
            self._drop("there are too many")
            return
        self._dropping = ""
        if self._events is None:
            self._events = self._connect()
        before = self._known.pop(happening, None)
        if before is None or now - before.last > SERIES_SECONDS or not self._repeat(before):
            before = Repeated(self._events.create(happening), 0, now)
        self._known[happening] = Repeated(before.name, before.count + 1, now)
        while len(self._known) > _MOST_SERIES:
            self._known.popitem(last=False)
        self._trouble = ""

    def _repeat(self, before: Repeated) -> bool:
        """Record a repetition; return False if the Event is there no longer."""
        assert self._events is not None
        try:
            self._events.repeat(before.name, before.count + 1)
        except Rejected as error:
            if error.status == 404:
                return False
            raise
        return True

    def _drop(self, why: str) -> None:
        if why != self._dropping:
            log.warning("Events of Kubernetes are dropped: %s", why)
        self._dropping = why

    def _tell(self, error: TransportError) -> None:
        refused = isinstance(error, Rejected) and error.status in (401, 403)
        text = f"{error}. {_RIGHTS}" if refused else str(error)
        if not self._trouble:
            log.warning("an Event was not recorded: %s", text)
        self._trouble = text


def _bounded(text: str) -> str:
    return text.encode()[:_MOST_BYTES].decode(errors="ignore")
