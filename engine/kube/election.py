"""Who leads, by a Lease: the rule of Kubernetes' own controllers, as values. Pure.

It is the rule of client-go's ``tools/leaderelection``. Times in a Lease are only for people: clocks
of machines differ. A candidate takes a Lease over once it has seen it unchanged, by its own clock,
for as long as the Lease says. A leader counts from before it sent its last renewal, and only to
``renew``, which is less than that: so it stops before another can begin, whatever a clock shows.

All moments here are seconds of one clock of this process that only goes forward.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final

RELEASED_SECONDS: Final = 1
"""How long a released Lease says it holds; like client-go. Nobody waits for it."""


@dataclass(frozen=True, slots=True)
class Terms:
    """For how many seconds a Lease holds; the rest follows from it, in client-go's proportions.

    ``renew``: how long after a renewal its leader may still write. ``retry``: the pause between
    two requests.
    """

    lease: int = 15

    @property
    def renew(self) -> float:
        """Two thirds: 10 s of 15."""
        return self.lease * 2 / 3

    @property
    def retry(self) -> float:
        """Two fifteenths: 2 s of 15."""
        return self.lease * 2 / 15


@dataclass(frozen=True, slots=True)
class Record:
    """What a Lease says.

    ``holder`` is "" for nobody; it holds for ``seconds``. ``acquired`` and ``renewed`` are times as
    text, which are written for people and compared with nothing but themselves.
    """

    holder: str = ""
    seconds: int = 0
    transitions: int = 0
    acquired: str = ""
    renewed: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """A Lease as the API server has it; ``source`` is its own form, which the next write needs."""

    record: Record
    source: object = None


@dataclass(frozen=True, slots=True)
class Hold:
    """Until when we surely lead, and in which term of ours; none has the number 0."""

    term: int = 0
    until: float = float("-inf")


@dataclass(frozen=True, slots=True)
class Write:
    """The Lease is to be written: a new one where ``over`` is None, else in place of that one.

    The API server must refuse it if the Lease is no longer as in ``over``.
    """

    record: Record
    over: Found | None


@dataclass(slots=True)
class Election:
    """What one candidate, ``me``, knows of the Lease, and what follows from it."""

    me: str
    terms: Terms = field(default_factory=Terms)
    found: Found | None = None
    """The Lease as last seen or written; None before that, and where there is none."""
    since: float = 0.0
    """Since when it has been seen unchanged."""
    hold: Hold = field(default_factory=Hold)
    stale: bool = True
    """Whether the Lease may be another than ``found`` by now, so that it must be read again."""

    @property
    def leader(self) -> str:
        """The holder that was last seen, "" for nobody."""
        return self.found.record.holder if self.found else ""

    def term(self, now: float) -> int:
        """Return the number of our term, counted from 1; 0 where we do not surely lead."""
        hold = self.hold
        return hold.term if now < hold.until else 0

    def must_look(self, now: float) -> bool:
        """Tell whether the Lease must be read before a write: not for a renewal in time."""
        return self.stale or self.leader != self.me or not self.term(now)

    def saw(self, found: Found | None, now: float) -> None:
        """Learn what the API server has; ``now`` is after its answer."""
        known = self.found.record if self.found else None
        if known != (found.record if found else None):
            self.since = now
        self.found, self.stale = found, False
        if self.leader != self.me:
            self.hold = Hold(self.hold.term)

    def next_write(self, now: float, wall: str) -> Write | None:
        """Return what is to be written, as of what was last seen, or None: another one leads.

        ``wall`` is what time it is for people; no two that are passed may be the same.
        """
        new = Record(self.me, self.terms.lease, 0, wall, wall)
        if self.found is None:
            return Write(new, None)
        old = self.found.record
        if old.holder == self.me:
            new = replace(new, transitions=old.transitions, acquired=old.acquired or wall)
            return Write(new, self.found)
        if old.holder and now < self.since + (old.seconds or self.terms.lease):
            return None
        return Write(replace(new, transitions=old.transitions + 1), self.found)

    def wrote(self, found: Found, sent: float, now: float) -> None:
        """Learn that a write succeeded, whose request was begun at ``sent``."""
        term = self.term(now) or self.hold.term + 1
        self.found, self.since, self.stale = found, now, False
        self.hold = Hold(term, sent + self.terms.renew)

    def failed(self) -> None:
        """Learn that a write was refused, since somebody wrote before, or had no clear answer."""
        self.stale = True

    def release(self, wall: str) -> Write | None:
        """Lead no longer; return what is to be written so that another can begin at once."""
        self.hold = Hold(self.hold.term)
        if self.found is None or self.leader != self.me:
            return None
        free = Record("", RELEASED_SECONDS, self.found.record.transitions, wall, wall)
        return Write(free, self.found)
