"""A plan in one sentence. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Final

from ..plan.caps import LIMIT
from ..plan.plan import ACTIONS, BLOCK, CREATE, DELETE, REPLACE, UNBLOCK, UPDATE, Plan
from ..plan.stale import STALE
from .news import format_count, state_in_words

DONE_WORDS: Final = {
    CREATE: "created",
    UPDATE: "updated",
    REPLACE: "replaced",
    UNBLOCK: "unblocked",
    BLOCK: "blocked",
    DELETE: "deleted",
}
"""What is done with a row, by action."""
_MOST_NAMED: Final = 3
"""Backends that the sentence names; of more it says how many."""


def summary_of(plan: Plan, paint: Callable[[str, str], str] = lambda _, text: text) -> str:
    """Return what a plan does and what it could not see; ``paint`` colours text by action."""
    counts = plan.summary
    parts = [paint(action, f"{counts[action]} to {action}") for action in ACTIONS if counts[action]]
    notes = "; ".join(_notes(plan))
    if parts:
        done = f"Plan: {', '.join(parts)}; {counts['skip']} left alone"
    elif plan.degraded:
        done = "Nothing to do for the backends that answered"
    elif notes:
        done = "Nothing to do now"
    else:
        return _in_step(plan)
    return f"{done}; {notes}." if notes else f"{done}."


def _in_step(plan: Plan) -> str:
    """Return that nothing is to be done; a plan that asked no backend claims nothing of them."""
    names = [status.backend for status in plan.endpoints]
    if not names:
        return f"Nothing to do; {len(plan.skips)} left alone."
    backends = " and ".join(names) if 0 < len(names) < _MOST_NAMED else "the backends"
    return f"Nothing to do: LiteLLM is in step with {backends}."


def _notes(plan: Plan) -> Iterator[str]:
    reasons = Counter(skip.reason for skip in plan.skips)
    held = reasons["held"] + reasons[LIMIT]
    if held:
        yield f"{held} held back by a limit"
    if reasons[STALE]:
        yield f"{reasons[STALE]} refused, since LiteLLM or a key changed"
    if reasons["incomplete"] and not plan.operations:
        yield f"{format_count(reasons['incomplete'], 'model')} kept"
    unseen = [status for status in plan.endpoints if not status.answered]
    for status in unseen[:_MOST_NAMED]:
        yield f"{status.backend} {state_in_words(status)}"
    if len(unseen) > _MOST_NAMED:
        yield f"{format_count(len(unseen) - _MOST_NAMED, 'more backend')} not read in full"
