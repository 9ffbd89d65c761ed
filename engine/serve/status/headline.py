"""How it is, in a word, a title and a sentence. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

from ...bounds import MAX_EXCERPT
from ...report.news import format_count, remedy, state_in_words
from ...report.pace import in_words
from ...report.summary import DONE_WORDS
from ...text import shortened
from .deployments import FAILED, HELD, KEPT, Deployment

if TYPE_CHECKING:
    from ...reconcile import Report
    from ..snapshot import Snapshot

STARTING: Final = "starting"
STANDBY: Final = "standby"
WORKING: Final = "working"
STUCK: Final = "stuck"
BROKEN: Final = "failed"
ATTENTION: Final = "attention"
PLANNED: Final = "pending"
IN_STEP: Final = "in_step"
SUMMARIES: Final = (STARTING, STANDBY, WORKING, STUCK, BROKEN, ATTENTION, PLANNED, IN_STEP)
_MOST_NAMED: Final = 3


def headline(snapshot: Snapshot, deployments: Iterable[Deployment]) -> tuple[str, str, str]:
    """Return one of SUMMARIES, a title of a few words, and what there is to say, in lines."""
    last = snapshot.last
    if snapshot.silence > snapshot.max_silence:
        told = f"The loop has given no sign of life for {in_words(snapshot.silence)}."
        return STUCK, "Stuck", f"{told} Look at the log of `run`."
    if snapshot.standby is not None:
        return _standing_by(snapshot.standby)
    if snapshot.progress is not None and snapshot.progress.total:
        return WORKING, "Changing LiteLLM", "A plan is being carried out."
    if last is not None and last.error:
        return BROKEN, "The last cycle failed", shortened(last.error, 3 * MAX_EXCERPT)
    if last is None or last.report is None:
        return STARTING, "Starting", "The first cycle has not ended yet."
    counts = Counter(each.state for each in deployments)
    return _of_report(last.report, counts, dry_run=last.dry_run)


def _standing_by(doubt: str) -> tuple[str, str, str]:
    if doubt:
        told = f"It is not known who leads: {shortened(doubt, 3 * MAX_EXCERPT)}"
        return BROKEN, "Standing by without a leader", told
    return STANDBY, "Standing by", "Another replica leads; its page shows what happens."


def _of_report(report: Report, counts: Counter[str], *, dry_run: bool) -> tuple[str, str, str]:
    notes = "\n".join(_notes(report, counts))
    number = len(report.plan.operations)
    failed = sum(not result.done for result in report.results)
    if failed:
        verb = "was" if failed == 1 else "were"
        title = f"{format_count(failed, 'operation')} of {number} {verb} not carried out"
        return BROKEN, title, "\n".join([*_done(report), notes]).strip()
    if notes:
        return ATTENTION, _title(report), "\n".join([notes, *_done(report)])
    if dry_run and number:
        said = "This is a dry run: nothing is written to LiteLLM."
        return PLANNED, f"{format_count(number, 'change')} planned", said
    said = " ".join(_done(report)) or "Every model that should be registered is, as it should be."
    return IN_STEP, "In step", said


def _title(report: Report) -> str:
    unseen = sum(not status.is_ok for status in report.plan.endpoints)
    if not unseen:
        return "Waiting for proof"
    verb = "needs" if unseen == 1 else "need"
    return f"{format_count(unseen, 'backend')} {verb} attention"


def _done(report: Report) -> Iterator[str]:
    counts = Counter(result.operation.action for result in report.results if result.done)
    parts = [f"{counts[action]} {DONE_WORDS[action]}" for action in DONE_WORDS if counts[action]]
    if parts:
        yield f"This cycle: {', '.join(parts)}."


def _notes(report: Report, counts: Counter[str]) -> Iterator[str]:
    """Yield what is not as it should be."""
    unseen = [status for status in report.plan.endpoints if not status.is_ok]
    for status in unseen[:_MOST_NAMED]:
        yield f"{status.backend} {state_in_words(status)}; {remedy(status)}."
    if len(unseen) > _MOST_NAMED:
        yield f"So it is with {format_count(len(unseen) - _MOST_NAMED, 'more backend')}."
    if counts[KEPT]:
        verb = "is" if counts[KEPT] == 1 else "are"
        yield f"{format_count(counts[KEPT], 'model')} {verb} kept meanwhile."
    held = sum(skip.reason == HELD for skip in report.plan.skips)
    if held:
        verb = "is" if held == 1 else "are"
        yield f"{format_count(held, 'deletion')} {verb} held until the absence has lasted."
    if counts[FAILED]:
        yield "What failed is tried again in the next cycle."
