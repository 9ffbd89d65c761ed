"""What the board shows at one moment, as frozen values. Nothing in here is worked out yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from ..apply.result import Result
from ..plan.plan import Plan
from ..run.ended import Ended
from ..run.loop import ConfigState
from ..state.frozen import EMPTY
from ..state.reuse import Last
from .past import Past

OK: Final = "ok"
UNFINISHED: Final = "unfinished"
FAILED: Final = "failed"
RESULTS: Final = (OK, UNFINISHED, FAILED)
"""How cycles end: everything was done; an operation was not done; an error, so without a plan."""
DURATIONS: Final = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
"""Upper bounds of the classes in which durations of cycles are counted, in seconds."""


@dataclass(frozen=True, slots=True)
class Progress:
    """A plan that is being carried out.

    It was made at ``planned`` and has ``total`` operations, of which ``outcomes`` counts those that
    have ended; ``latest`` are the last few of them.
    """

    planned: datetime
    total: int
    outcomes: Mapping[str, int]
    latest: tuple[Result, ...]


@dataclass(frozen=True, slots=True)
class Counts:
    """What was counted since the start.

    ``cycles`` by result; ``operations`` by action and outcome; ``durations`` of cycles by their
    class, the last one for all above DURATIONS, and ``seconds`` as their sum.
    """

    cycles: Mapping[str, int] = field(default_factory=lambda: EMPTY)
    operations: Mapping[tuple[str, str], int] = field(default_factory=dict)
    durations: tuple[int, ...] = (0,) * (len(DURATIONS) + 1)
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What is known of the loop at the time ``now`` (UTC), as are all times.

    The loop runs since ``started``; its last sign of life is ``silence`` seconds old, and it is
    stuck if that is more than ``max_silence``. ``last`` is the last cycle that ended, ``good`` the
    last one that has a report: None before there is one. ``plan`` is the newest plan, made at
    ``planned``; it may still be being carried out, and then ``progress`` says how far. ``listed``
    is when the list of each configured backend was last read as a whole. ``past`` are the last
    cycles that had operations or news, the newest first. ``derived`` keeps what is worked out from
    the report of ``good`` until there is another one. ``standby`` is a text while another engine
    may lead, so that there are no cycles, and the last ones are out of date: "" if it is known who
    leads, else why not. None while this one works.
    """

    now: datetime
    started: datetime
    silence: float
    max_silence: float
    config: ConfigState = field(default_factory=ConfigState)
    last: Ended | None = None
    good: Ended | None = None
    plan: Plan | None = None
    planned: datetime | None = None
    progress: Progress | None = None
    listed: Mapping[str, datetime] = field(default_factory=lambda: EMPTY)
    past: tuple[Past, ...] = ()
    counts: Counts = field(default_factory=Counts)
    derived: Last = field(default_factory=Last)
    standby: str | None = None
