"""The plan log: one JSON object a line. The record of what was planned and what became of it.

The only writer of the log and of plan artifacts. ``schemas/planlog.schema.json`` describes each
line.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Any, Final, Protocol, TextIO

from .apply import OUTCOMES, Result
from .errors import Unrecorded
from .operations import Plan, Skip
from .state import State

LOG_VERSION: Final = 1
_AT_ONCE: Final = 64 * 1024
"""Characters that are written at once: nearly all lines, as a whole."""
_SkipKey = tuple[object, ...]


def utc_now() -> datetime:
    """Return the time of day, for log lines and file names."""
    return datetime.now(UTC)


class CycleLog(Protocol):
    """Who is told of a cycle as it goes: the plan log, or a person at a terminal."""

    def plan(self, plan: Plan, desired: State) -> None:
        """Hear of the plan, before it is carried out."""

    def result(self, result: Result) -> None:
        """Hear what became of one operation."""

    def end(
        self, plan: Plan, results: tuple[Result, ...], outcomes: dict[str, str], seconds: float
    ) -> None:
        """Hear how the cycle ended, with the listing outcome of each endpoint."""

    def failed(self, error: str, seconds: float) -> None:
        """Hear that the cycle had no plan."""


class PlanLog:
    """Writes the lines of one run to a stream; each method may raise Unrecorded.

    A skip is written when it is new; it is not repeated while it stays, so that a backend which
    is down for a day does not fill the log. A cycle without operations is one line.
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

    def plan(self, plan: Plan, desired: State) -> None:
        """Begin a cycle: write the plan if it has operations, and the skips that are new."""
        del desired
        self._cycle += 1
        if plan.operations:
            self._write("plan", chain([', "plan": '], plan.spelled(skips=False)))
        seen = {_identity(skip): skip for skip in plan.skips}
        for identity, skip in seen.items():
            if identity not in self._skips:
                self._write("skip", skip=skip.to_json())
        self._skips = frozenset(seen)

    def result(self, result: Result) -> None:
        """Write what became of one operation."""
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

    def end(
        self, plan: Plan, results: tuple[Result, ...], outcomes: dict[str, str], seconds: float
    ) -> None:
        """End a cycle: write its summary, with the listing outcome of each endpoint."""
        counts = Counter(result.outcome for result in results)
        self._write(
            "cycle",
            ok=all(result.done for result in results),
            digest=plan.digest,
            summary=plan.summary,
            results={outcome: counts[outcome] for outcome in OUTCOMES},
            endpoints=outcomes,
            seconds=round(seconds, 3),
        )

    def failed(self, error: str, seconds: float) -> None:
        """End a cycle that had no plan."""
        self._cycle += 1
        self._write("cycle", ok=False, error=error, seconds=round(seconds, 3))

    def _write(self, event: str, last: Iterable[str] = (), **fields: Any) -> None:
        """Write a line; ``last`` is the text of its last member, in pieces."""
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
                " more is done until it can. Remedy: see where the standard output goes"
            ) from None


def _identity(skip: Skip) -> _SkipKey:
    return skip.action, skip.key, skip.id, skip.reason


class Artifacts:
    """A folder of plans, one JSON file each, of which the newest ``keep`` stay.

    A plan is written when it differs from the one before it, whole or not at all.
    """

    def __init__(
        self, folder: Path, *, keep: int = 100, clock: Callable[[], datetime] = utc_now
    ) -> None:
        self._folder = folder
        self._keep = keep
        self._clock = clock
        self._last = ""

    def write(self, plan: Plan) -> Path | None:
        """Write a plan; return its path, or None if nothing is new.

        Raises:
            OSError: the folder cannot be written to; no half file is left behind.
        """
        digest = plan.digest
        if digest == self._last:
            return None
        self._folder.mkdir(parents=True, exist_ok=True)
        stamp = self._clock().strftime("%Y%m%dT%H%M%S.%fZ")
        path = self._folder / f"plan-{stamp}-{digest[:12]}.json"
        write_atomically(path, chain(plan.spelled(indent=2), "\n"))
        self._last = digest
        for old in sorted(self._folder.glob("plan-*.json"))[: -self._keep]:
            old.unlink(missing_ok=True)
        return path


def write_atomically(path: Path, pieces: Iterable[str]) -> None:
    """Write a file whole or not at all; raises OSError."""
    handle, name = tempfile.mkstemp(prefix=".", suffix=".tmp", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.writelines(pieces)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise
