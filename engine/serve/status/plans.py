"""The last cycles in which something happened, as a JSON document. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from ...bounds import MAX_ID
from ...plan.plan import ACTIONS
from ...report.news import Change, format_count, remedy, state_in_words
from ...report.summary import DONE_WORDS
from ...text import shortened
from .document import moment

if TYPE_CHECKING:
    from ..past import Past, Told
    from ..snapshot import Snapshot

PLANS_VERSION: Final = 1
Json = dict[str, Any]


def plans_document(snapshot: Snapshot) -> Json:
    """Return the last cycles with operations or news, the newest first.

    The shape is that of ``schemas/plans.schema.json``.
    """
    return {
        "version": PLANS_VERSION,
        "time": moment(snapshot.now),
        "plans": [_past(past) for past in snapshot.past],
    }


def plan_document(snapshot: Snapshot, digest: str) -> Json | None:
    """Return what is kept of the plan with a digest, or its first characters; None without one.

    Of the newest plan, which the loop has anyway, ``plan`` is the whole; of an earlier one None.
    """
    plan = snapshot.plan
    found = next((past for past in snapshot.past if past.digest.startswith(digest)), None)
    whole = plan if plan is not None and plan.digest.startswith(digest) else None
    if found is None and whole is None:
        return None
    return {
        "version": PLANS_VERSION,
        "time": moment(snapshot.now),
        "kept": None if found is None else _past(found),
        "plan": None if whole is None else whole.to_json(),
    }


def _past(past: Past) -> Json:
    return {
        "begun": moment(past.begun),
        "seconds": round(past.seconds, 3),
        "dry_run": past.dry_run,
        "error": past.error,
        "digest": past.digest,
        "sentence": sentence_of(past),
        "planned": dict(past.planned),
        "outcomes": dict(past.outcomes),
        "skips": dict(past.skips),
        "operations": [_told(told) for told in past.told],
        "more": max(0, sum(past.planned.values()) - len(past.told)),
        "backends": [_change(change) for change in past.changes],
    }


def sentence_of(past: Past) -> str:
    """Return what happened in a cycle: ``2 created, 1 deleted; ollama cannot be reached``."""
    if past.error:
        return "failed before there was a plan"
    parts = [_counted(past.planned, past), *(_news(change) for change in past.changes)]
    told = "; ".join(part for part in parts if part)
    return told or f"{format_count(sum(past.skips.values()), 'model')} left alone"


def _counted(planned: Mapping[str, int], past: Past) -> str:
    total = sum(planned.values())
    done = sum(past.outcomes.get(outcome, 0) for outcome in ("applied", "already"))
    to_do = not past.outcomes
    words = [
        f"{planned[action]} to {action}" if to_do else f"{planned[action]} {DONE_WORDS[action]}"
        for action in ACTIONS
        if planned.get(action)
    ]
    if to_do or done == total:
        return ", ".join(words)
    return f"{done} of {format_count(total, 'operation')} done"


def _news(change: Change) -> str:
    if not change.answer:
        return f"an expression of {change.status.backend} matches nothing"
    predicate = "is back" if change.status.is_ok else state_in_words(change.status)
    return f"{change.status.backend} {predicate}"


def _told(told: Told) -> Json:
    operation = told.operation
    return {
        "action": operation.action,
        **{name: shortened(text, MAX_ID) for name, text in operation.key._asdict().items()},
        "id": shortened(operation.id, MAX_ID),
        "reason": operation.reason,
        "because": operation.because,
        "changes": [change.to_json() for change in operation.changes],
        "outcome": told.outcome,
        "detail": told.detail,
    }


def _change(change: Change) -> Json:
    status = change.status
    return {
        "backend": status.backend,
        "before": change.before,
        "outcome": status.outcome,
        "answered": status.answered,
        "words": "is back" if change.answer and status.is_ok else state_in_words(status),
        "detail": status.detail,
        "remedy": remedy(status),
        "unmatched": list(change.unmatched),
    }
