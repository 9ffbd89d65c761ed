"""The plan log: one JSON object per line. The record of what was planned and what was done.

``schemas/planlog.schema.json`` describes the lines.
"""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from itertools import chain
from typing import Any, Final, TextIO

from ..apply.result import OUTCOMES, Result
from ..errors import Unrecorded
from ..plan.plan import Plan, Skip
from ..state.deployment import DesiredState
from .cycle_log import utc_now
from .news import Change, log_change, remedy
from .pace import Pace

log = logging.getLogger(__name__)
LOG_VERSION: Final = 1
TELL_AFTER: Final = timedelta(seconds=30)
_AT_ONCE: Final = 64 * 1024
"""Characters written in one call; nearly all lines are shorter."""
_SkipKey = tuple[object, ...]


class PlanLog:
    """Writes the events of each cycle to a stream. Without a stream, it writes nothing.

    A skip is written when it is new and not repeated while it remains, so that a backend that is
    down for a day does not fill the log. So is the answer of a backend, which is also a line of the
    operator log. A cycle in which nothing is new is one line. How far a long apply is, and how long
    the rest takes, is told in the operator log every 30 s.

    Raises:
        Unrecorded: by each method, if the stream cannot be written.
    """

    def __init__(
        self,
        stream: TextIO | None,
        clock: Callable[[], datetime] = utc_now,
        redact: Callable[[str], str] = str,
    ) -> None:
        self._stream = stream
        self._redact = redact
        self._clock = clock
        self._cycle = 0
        self._skips: frozenset[_SkipKey] = frozenset()
        self._total = self._done = 0
        self._begun = self._told = clock()

    def plan(self, plan: Plan, desired: DesiredState) -> None:
        """Begin a cycle: write the plan if it has operations, and the skips that are new."""
        del desired
        self._cycle += 1
        self._total, self._done = len(plan.operations), 0
        self._begun = self._told = self._clock()
        if plan.operations:
            self._write("plan", chain([', "plan": '], plan.iter_json(whole=False)))
        seen = {_identity(skip): skip for skip in plan.skips}
        for identity, skip in seen.items():
            if identity not in self._skips:
                self._write("skip", skip=skip.to_json())
        self._skips = frozenset(seen)

    def endpoint(self, change: Change) -> None:
        """Write what is new about a backend, here and to the operator log."""
        if self._stream is None:
            return
        status = change.status
        self._write("endpoint", **status.to_json(), before=change.before, remedy=remedy(status))
        log_change(change)

    def result(self, result: Result) -> None:
        """Write the result of one operation."""
        operation = result.operation
        self._write(
            "result",
            action=operation.action,
            id=operation.id,
            name=operation.key.name,
            endpoint=operation.key.endpoint,
            reason=operation.reason,
            outcome=result.outcome,
            detail=result.detail,
        )
        self._done += 1
        now = self._clock()
        if self._stream and self._done < self._total and now - self._told >= TELL_AFTER:
            self._told = now
            pace = Pace(self._done, self._total, (now - self._begun).total_seconds())
            log.info("%s", pace.sentence())

    def end(
        self, plan: Plan, results: tuple[Result, ...], outcomes: dict[str, str], seconds: float
    ) -> None:
        """End a cycle: write its summary, with the outcome of each endpoint and backend."""
        counts = Counter(result.outcome for result in results)
        self._write(
            "cycle",
            ok=all(result.done for result in results),
            digest=plan.digest,
            summary=plan.summary,
            results={outcome: counts[outcome] for outcome in OUTCOMES},
            endpoints=outcomes,
            backends={status.backend: status.outcome for status in plan.endpoints},
            degraded=plan.degraded,
            seconds=round(seconds, 3),
        )

    def failed(self, error: str, seconds: float) -> None:
        """End a cycle that had no plan."""
        self._cycle += 1
        self._write("cycle", ok=False, error=error, seconds=round(seconds, 3))

    def _write(self, event: str, last: Iterable[str] = (), **fields: Any) -> None:
        """Write a line; ``last`` is the JSON text of its last member, in pieces."""
        if self._stream is None:
            return
        head = {
            "version": LOG_VERSION,
            "time": self._clock().isoformat(timespec="milliseconds"),
            "cycle": self._cycle,
            "event": event,
        }
        text = ""
        try:
            for piece in chain([json.dumps(head | fields)[:-1]], last, ["}\n"]):
                text += self._redact(piece)
                if len(text) > _AT_ONCE:
                    self._stream.write(text)
                    text = ""
            self._stream.write(text)
            self._stream.flush()
        except OSError as error:
            raise Unrecorded(
                f"the plan log cannot be written: {(error.strerror or str(error)).lower()}. Nothing"
                " more is done until it can. Remedy: check where the standard output goes"
            ) from None


def _identity(skip: Skip) -> _SkipKey:
    return skip.action, skip.key, skip.id, skip.reason
