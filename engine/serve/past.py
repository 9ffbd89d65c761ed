"""What is kept of a cycle in which something happened: bounded, whatever its plan holds. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from ..apply.result import Result
from ..bounds import MAX_EXCERPT
from ..plan.plan import Operation, Plan
from ..report.news import Change
from ..run.ended import Ended
from ..state.field_change import FieldChange
from ..state.frozen import EMPTY
from ..text import format_value, shortened

MAX_TOLD: Final = 50
"""Operations, and changes of backends, that are kept of one cycle."""
_MOST_FIELDS: Final = 20
"""Changed fields that are kept of one operation."""


@dataclass(frozen=True, slots=True)
class Told:
    """One operation and how it ended; ``outcome`` is "" if it was not to be carried out.

    The operation is without its row and the row before it; of its changed fields the first few are
    kept, with a short text in place of a long value.
    """

    operation: Operation
    outcome: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Past:
    """A cycle that had operations or news.

    It began at ``begun`` and took ``seconds``; ``error`` is why it has no plan, "" if it has one.
    ``planned`` counts its operations by action, ``outcomes`` by how they ended, ``skips`` what was
    left out by reason. ``told`` are at most MAX_TOLD of the operations, in their order: what failed
    is among them if there is room for it. ``changes`` are what was new about backends. ``digest``
    is that of a plan with operations, "" for any other.
    """

    begun: datetime
    seconds: float
    error: str
    dry_run: bool
    digest: str = ""
    planned: Mapping[str, int] = field(default_factory=lambda: EMPTY)
    outcomes: Mapping[str, int] = field(default_factory=lambda: EMPTY)
    skips: Mapping[str, int] = field(default_factory=lambda: EMPTY)
    told: tuple[Told, ...] = ()
    changes: tuple[Change, ...] = ()


def remembered(ended: Ended, changes: Iterable[Change], skips: Mapping[str, int]) -> Past:
    """Return what is kept of a cycle; ``skips`` are those of its plan by reason."""
    past = Past(
        ended.begun,
        ended.seconds,
        shortened(ended.error, 10 * MAX_EXCERPT),
        ended.dry_run,
        changes=tuple(_short_change(change) for change in list(changes)[:MAX_TOLD]),
    )
    if ended.report is None:
        return past
    plan, results = ended.report.plan, ended.report.results
    return replace(
        past,
        digest=plan.digest if plan.operations else "",
        planned=Counter(operation.action for operation in plan.operations),
        outcomes=Counter(result.outcome for result in results),
        skips=skips,
        told=tuple(_told(plan, results)),
    )


def _told(plan: Plan, results: tuple[Result, ...]) -> Iterable[Told]:
    if not results:
        return (Told(_short(operation)) for operation in plan.operations[:MAX_TOLD])
    failed_first = sorted(range(len(results)), key=lambda index: results[index].done)
    chosen = [results[index] for index in sorted(failed_first[:MAX_TOLD])]
    return (Told(_short(r.operation), r.outcome, _excerpt(r.detail)) for r in chosen)


def _short(operation: Operation) -> Operation:
    changes = tuple(map(_short_field, operation.changes[:_MOST_FIELDS]))
    because = _excerpt(operation.because)
    return replace(operation, row=EMPTY, before=EMPTY, changes=changes, because=because)


def _short_field(change: FieldChange) -> FieldChange:
    before, after = _short_value(change.before), _short_value(change.after)
    return replace(change, before=before, after=after)


def _short_value(value: Any) -> Any:
    """Return a number or a short text as it is, of anything else a short text."""
    if value is None or isinstance(value, bool | int | float):
        return value
    return _excerpt(value) if isinstance(value, str) else format_value(value)


def _short_change(change: Change) -> Change:
    status = replace(change.status, detail=_excerpt(change.status.detail), unmatched=())
    return replace(change, status=status, unmatched=tuple(map(_excerpt, change.unmatched[:10])))


def _excerpt(text: str) -> str:
    return shortened(text, MAX_EXCERPT)
