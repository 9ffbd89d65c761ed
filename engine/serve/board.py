"""The board: what the loop does, noted by its threads, and read by those of the server.

To note a cycle in which nothing happens takes a few assignments. What is shown is worked out when
somebody asks, from the values that the loop has anyway.
"""

from __future__ import annotations

import threading
import time
from bisect import bisect_left
from collections import Counter, deque
from collections.abc import Callable, Mapping
from datetime import datetime
from operator import is_
from typing import Final

from ..apply.result import Result
from ..plan.plan import Plan
from ..reconcile import Report
from ..report.cycle_log import utc_now
from ..report.news import Change
from ..run.ended import Ended
from ..run.loop import ConfigState
from ..state.deployment import DesiredState
from ..state.reuse import Last
from .past import MAX_TOLD, Past, remembered
from .snapshot import DURATIONS, FAILED, OK, UNFINISHED, Counts, Progress, Snapshot

MAX_PAST: Final = 20
"""Cycles with operations or news that are kept."""


class Board:
    """Receives the events of each cycle, as a CycleLog, and how it ended; safe for threads.

    ``config`` tells which configuration is in force. The loop counts as stuck after ``max_silence``
    seconds without a sign of life. While ``standby`` returns a text, another engine may lead, and
    nothing is shown of cycles: what is known of them is out of date.
    """

    def __init__(
        self,
        config: Callable[[], ConfigState],
        max_silence: float,
        clock: Callable[[], datetime] = utc_now,
        standby: Callable[[], str | None] = lambda: None,
    ) -> None:
        self._config = config
        self._max_silence = max_silence
        self._clock = clock
        self._standby = standby
        self._lock = threading.Lock()
        self._started = clock()
        self._beat = time.monotonic()
        self._last: Ended | None = None
        self._good: Ended | None = None
        self._plan: Plan | None = None
        self._planned = self._started
        self._applying = False
        self._listed: dict[str, datetime] = {}
        self._changes: list[Change] = []
        self._done: Counter[str] = Counter()
        self._latest: deque[Result] = deque(maxlen=MAX_TOLD)
        self._past: deque[Past] = deque(maxlen=MAX_PAST)
        self._skips: Mapping[str, int] = {}
        self._cycles: Counter[str] = Counter()
        self._operations: Counter[tuple[str, str]] = Counter()
        self._durations = [0] * (len(DURATIONS) + 1)
        self._seconds = 0.0
        self._derived = Last()

    def beat(self) -> None:
        """Note a sign of life of the loop."""
        self._beat = time.monotonic()

    def plan(self, plan: Plan, desired: DesiredState) -> None:
        """Note the plan of a cycle."""
        del desired
        with self._lock:
            before = self._plan
            if before is not None and before.endpoints is not plan.endpoints:
                self._listed = self._times_listed(plan)
            self._plan, self._planned = plan, self._clock()
            self._applying = bool(plan.operations)
            self._done.clear()
            self._latest.clear()
            self._changes.clear()

    def endpoint(self, change: Change) -> None:
        """Note what is new about a backend."""
        with self._lock:
            self._changes.append(change)

    def result(self, result: Result) -> None:
        """Note the result of one operation."""
        with self._lock:
            self._operations[result.operation.action, result.outcome] += 1
            self._done[result.outcome] += 1
            self._latest.append(result)

    def end(
        self, plan: Plan, results: tuple[Result, ...], outcomes: dict[str, str], seconds: float
    ) -> None:
        """Note nothing: :meth:`ended` follows."""

    def failed(self, error: str, seconds: float) -> None:
        """Note nothing: :meth:`ended` follows."""

    def ended(self, ended: Ended) -> None:
        """Note how a cycle ended; to be given to the loop as its watch."""
        with self._lock:
            self._applying = False
            if ended.report is None and not ended.error:
                return  # a stop interrupted it
            last, self._last = self._last, ended
            self._cycles[_result(ended)] += 1
            self._durations[bisect_left(DURATIONS, ended.seconds)] += 1
            self._seconds += ended.seconds
            if self._is_news(ended, last):
                self._past.appendleft(remembered(ended, self._changes, self._skips))
            self._changes.clear()
            if ended.report is not None:
                if not _is_as_before(ended.report, self._good):
                    self._derived = Last()
                self._good = ended

    def _is_news(self, ended: Ended, last: Ended | None) -> bool:
        """Tell whether something happened, and count the skips of a plan that is a new one."""
        is_news = bool(self._changes) or ended.error != (last.error if last else "")
        if ended.report is None:
            return is_news
        plan, good = ended.report.plan, self._good
        if good is None or good.report is None or good.report.plan is not plan:
            before, self._skips = self._skips, Counter(skip.reason for skip in plan.skips)
            is_news |= before != self._skips
        if ended.dry_run and self._past and self._past[0].digest == plan.digest:
            return is_news  # a dry run plans the same in every cycle
        return is_news or bool(plan.operations)

    def _times_listed(self, plan: Plan) -> dict[str, datetime]:
        """Return when the list of each backend of ``plan`` was last read, the last plan included.

        So nothing is noted while all backends answer as in the cycle before.
        """
        times = dict(self._listed)
        if self._plan is not None:
            now = {status.backend for status in self._plan.endpoints if status.answered}
            times |= dict.fromkeys(now, self._planned)
        names = {status.backend for status in plan.endpoints}
        return {backend: time for backend, time in times.items() if backend in names}

    def snapshot(self) -> Snapshot:
        """Return what is known now."""
        config = self._config()
        with self._lock:
            of_loop = (
                self._clock(),
                self._started,
                time.monotonic() - self._beat,
                self._max_silence,
                config,
            )
            standby = self._standby()
            if standby is not None:
                past, counts = tuple(self._past), self._counts()
                return Snapshot(*of_loop, past=past, counts=counts, standby=standby)
            return Snapshot(
                *of_loop,
                self._last,
                self._good,
                self._plan,
                self._planned if self._plan else None,
                self._progress(),
                self._times_listed(self._plan) if self._plan else {},
                tuple(self._past),
                self._counts(),
                self._derived,
            )

    def _progress(self) -> Progress | None:
        if self._plan is None or not self._applying:
            return None
        total = len(self._plan.operations)
        return Progress(self._planned, total, dict(self._done), tuple(self._latest))

    def _counts(self) -> Counts:
        durations = tuple(self._durations)
        return Counts(dict(self._cycles), dict(self._operations), durations, self._seconds)


def _result(ended: Ended) -> str:
    if ended.error:
        return FAILED
    return OK if ended.ok else UNFINISHED


def _is_as_before(report: Report, good: Ended | None) -> bool:
    """Tell whether a report has the very same plan and states as that of another cycle."""
    last = good.report if good else None
    if last is None or last.basis is None or report.basis is None:
        return False
    ours = report.plan, report.desired, report.basis.observed
    return all(map(is_, ours, (last.plan, last.desired, last.basis.observed)))
