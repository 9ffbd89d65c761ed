"""Since when rows are paused, and which have been so for long enough to be deleted.

The time of a pause is in the mark of the row, since an engine remembers nothing. It is judged by
two clocks, LiteLLM's and that of this machine: of a pause the later time is written down, and
later on the earlier one counts. So a clock that is wrong, or another one in another engine, can
only make a row stay longer. The whole seconds of LiteLLM's clock are rounded in the same sense.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from ..state.deployment import ObservedDeployment, ObservedState
from ..state.mark import LADDER

_AHEAD: Final = 86400.0
"""Seconds by which a pause may be in the future. Beyond that a clock was wrong, and the row would
stay for years: the pause is written down anew."""


Dated = tuple[str, float]
"""The ``Date`` of a server's last answer ("" for none), and when it came by the monotonic clock."""


@dataclass(frozen=True, slots=True)
class Now:
    """The present by two clocks, in seconds since 1970."""

    earlier: float
    later: float


def stamp_of(dated: Dated) -> str:
    """Return the time of a pause that is written now: ``2026-11-28T18:08:42Z``."""
    later = max(time.time(), _told(dated) or 0.0)
    return datetime.fromtimestamp(int(later) + 1, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def now_by(dated: Dated) -> Now | None:
    """Return the present; None if LiteLLM tells no time, so that nothing is due."""
    theirs, ours = _told(dated), time.time()
    return None if theirs is None else Now(min(theirs, ours), max(theirs, ours))


def with_overdue(
    observed: ObservedState, graces: Mapping[str, float], now: Now | None
) -> ObservedState:
    """Return the state with the ids of the rows whose grace is over as ``overdue``.

    ``graces`` are the seconds of ``removal_grace`` by endpoint. A time that is no time, or too far
    in the future, is taken out of the mark. If there is neither, ``observed`` itself is returned.
    """
    overdue: set[str] = set()
    undated: dict[str, ObservedDeployment] = {}
    for seen in observed.deployments:
        if not seen.blocked:
            continue  # most rows, in each cycle
        if seen.mark is None or seen.paused != LADDER or not seen.belongs_to(observed.owner):
            continue
        since = _seconds(seen.mark.paused_at)
        if since is None or (now is not None and since > now.later + _AHEAD):
            if seen.mark.paused_at:
                undated[seen.id] = replace(seen, mark=replace(seen.mark, paused_at=""))
        elif now is not None and now.earlier - since >= graces.get(seen.key.endpoint, float("inf")):
            overdue.add(seen.id)
    if not overdue and not undated:
        return observed
    rows = tuple(undated.get(seen.id, seen) for seen in observed.deployments)
    return replace(observed, deployments=rows, overdue=frozenset(overdue))


def _told(dated: Dated) -> float | None:
    """Return what time it is for the server (RFC 9110: UTC, whole seconds); None if not told."""
    date, heard = dated
    try:
        told = parsedate_to_datetime(date).timestamp()
    except (ValueError, OverflowError):
        return None
    return told + (time.monotonic() - heard)


def _seconds(text: str) -> float | None:
    try:
        told = datetime.fromisoformat(text)
    except ValueError:
        return None
    return told.timestamp() if told.tzinfo else None
