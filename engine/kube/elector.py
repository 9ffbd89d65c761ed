"""Takes part in an election: a thread that reads and renews the Lease until it is told to stop."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

from ..errors import Rejected, TransportError
from ..text import printable
from .election import Election, Found, Write

log = logging.getLogger(__name__)
JITTER: Final = 1.2
"""Candidates wait up to so much longer, in parts of the pause, so that they do not ask in step."""
_RIGHTS: Final = (
    "Remedy: give its service account a Role with get, create and update on leases of"
    " coordination.k8s.io in that namespace"
)


class Leases(Protocol):
    """The one Lease, as the API server has it; both methods raise TransportError."""

    def read(self) -> Found | None:
        """Return it, or None where there is none."""
        ...

    def write(self, write: Write) -> Found | None:
        """Write and return it; None where it is not as in ``write.over`` any more."""
        ...

    def close(self) -> None:
        """Close what is open."""


def clock() -> float:
    """Return seconds that only go forward, also while the machine sleeps."""
    return time.clock_gettime(_CLOCK)


_CLOCK: Final = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class WallTimes:
    """What time it is, as text for people; never the same twice, also if the clock is set back.

    A renewal must differ from the one before: a change is all by which others know of it.
    """

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._now = now
        self._last = datetime.min.replace(tzinfo=UTC)

    def next(self) -> str:
        """Return the time in UTC, in microseconds."""
        now = self._now()
        self._last = self._last + timedelta(microseconds=1) if now == self._last else now
        return self._last.isoformat(timespec="microseconds")


class Elector:
    """One candidate; ``name`` is what the log calls the Lease.

    ``changed`` is called in its thread with the number of a term that began, 0 where one ended.
    """

    def __init__(
        self, leases: Leases, election: Election, name: str, changed: Callable[[int], None]
    ) -> None:
        self._leases = leases
        self._election = election
        self._name = name
        self._changed = changed
        self._wall = WallTimes()
        self._closing = threading.Event()
        self._releases = False
        self._thread = threading.Thread(target=self._run, name="election", daemon=True)
        self._told: tuple[int, str] | None = None
        self._trouble = ""
        self._doubt = "the Lease was not read yet"

    def start(self) -> None:
        """Take part from now on."""
        self._thread.start()

    def stop(self, *, release: bool) -> None:
        """Take part no longer; with ``release`` another can begin at once.

        Then nothing may be written any more. Returns after at most the time for which a Lease is
        renewed.
        """
        self._releases = release
        self._closing.set()
        self._thread.join(self._election.terms.renew)

    def term(self) -> int:
        """Return the number of our term, counted from 1; 0 where we do not surely lead."""
        return self._election.term(clock())

    def doubt(self) -> str:
        """Return why it cannot be known who leads; "" where the API server has just told."""
        return self._doubt

    def _run(self) -> None:
        while not self._closing.is_set():
            try:
                self._take_part()
                self._tell_trouble("")
            except TransportError as error:
                self._election.failed()
                self._tell_trouble(self._explained(error))
            except Exception as bug:
                self._election.failed()
                self._doubt = type(bug).__name__
                log.exception("the election failed; this is a bug, please report it")
            self._tell_news()
            self._closing.wait(self._pause())
        if self._releases:
            self._release()
        self._leases.close()

    def _take_part(self) -> None:
        """Renew the Lease, or read it and take it where that is allowed.

        Where somebody else has just written it, it is read and tried once more.
        """
        election = self._election
        for _ in range(2):
            if election.must_look(clock()):
                election.saw(self._leases.read(), clock())
            write = election.next_write(clock(), self._wall.next())
            if write is None:
                return
            sent = clock()
            found = self._leases.write(write)
            if found is not None:
                election.wrote(found, sent, clock())
                return
            election.failed()

    def _pause(self) -> float:
        """Return the seconds until the next request."""
        retry = self._election.terms.retry
        jitter = 0.0 if self.term() else JITTER * random.random()  # noqa: S311 - no secret
        return retry * (1 + jitter)

    def _release(self) -> None:
        election = self._election
        try:
            if election.stale and election.leader == election.me:
                election.saw(self._leases.read(), clock())
            write = election.release(self._wall.next())
            if write is not None and self._leases.write(write):
                log.info("lease %s is released", self._name)
        except TransportError as error:
            log.warning("lease %s is not released, and ends by itself: %s", self._name, error)

    def _tell_news(self) -> None:
        """Say in the log who leads, where that is new; tell of a term that began or ended."""
        news = (self.term(), self._election.leader)
        before, self._told = self._told, news
        if news == before:
            return
        (term, leader), led = news, before[0] if before else 0
        ours = leader == self._election.me
        if led and term != led:
            why = "was not renewed in time" if ours else "has another holder"
            log.warning("leading no longer: lease %s %s", self._name, why)
        if term and term != led:
            log.info("leading from now on, as %s, by lease %s", self._election.me, self._name)
        if not term:
            known = f"leader is {printable(leader)}" if leader else "nobody leads"
            who = "it is still in our name" if ours else known
            log.info("standing by for lease %s: %s", self._name, who)
        if term != led:
            self._changed(term)

    def _tell_trouble(self, text: str) -> None:
        if text and not self._trouble:
            log.warning("%s", text)
        elif self._trouble and not text:
            log.info("the API server of Kubernetes answers again")
        self._trouble = self._doubt = text

    def _explained(self, error: TransportError) -> str:
        refused = isinstance(error, Rejected) and error.status in (401, 403)
        return f"{error}. {_RIGHTS}" if refused else f"{error}; trying again"
