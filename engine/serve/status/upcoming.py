"""What happens next, and when. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from ...report.news import format_count
from .deployments import HELD, PENDING, Deployment

if TYPE_CHECKING:
    from ..snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happens at a time, or in the first cycle after it, in a sentence."""

    at: datetime
    what: str


def upcoming(snapshot: Snapshot, deployments: Iterable[Deployment]) -> tuple[Event, ...]:
    """Return what happens next, the earliest first; nothing before the first cycle has ended."""
    if snapshot.last is None:
        return ()
    events = [*_next_cycle(snapshot, deployments), *_holds(deployments)]
    return tuple(sorted(events, key=lambda event: event.at))


def _next_cycle(snapshot: Snapshot, deployments: Iterable[Deployment]) -> Iterator[Event]:
    last = snapshot.last
    if last is None or snapshot.progress is not None or last.due < snapshot.now:
        return  # it runs already
    pending = any(each.state == PENDING for each in deployments)
    what = "The next cycle asks LiteLLM and all backends again"
    if not last.ok:
        what = "The next cycle tries again"
    elif last.dry_run and pending:
        what = "The next cycle plans again; a dry run changes nothing"
    yield Event(last.due, what)


def _holds(deployments: Iterable[Deployment]) -> Iterator[Event]:
    """Yield when what is held, or blocked for a while, is believed to be gone."""
    groups: defaultdict[tuple[datetime, str, str], int] = defaultdict(int)
    for each in deployments:
        if each.state == HELD and each.until is not None:
            groups[each.until, each.reason, each.backend] += 1
    for (at, reason, backend), number in groups.items():
        models = format_count(number, "model")
        if reason == HELD:
            what = f"{models} of {backend}, held now, may go if still not listed"
        else:
            what = f"{models} of {backend}, blocked now, may be deleted if still not wanted"
        yield Event(at, what)
