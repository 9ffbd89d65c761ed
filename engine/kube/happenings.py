"""What of a cycle is worth an Event: only what is new, as few sentences as possible."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from ..plan.plan import DELETE
from ..reconcile import Report
from ..report.news import Change, answer_in_words, find_changes, format_count, remember
from ..run.ended import Ended
from ..state.endpoint_status import EndpointStatus
from ..text import first_of
from .happening import Happening

_MOST_NAMED = 10


class CycleNews:
    """Remembers what was told of the cycles before."""

    def __init__(self) -> None:
        self._statuses: Mapping[str, EndpointStatus] = {}
        self._held: frozenset[tuple[str, str]] = frozenset()

    def of(self, ended: Ended) -> list[Happening]:
        """Return what is new since the cycle before; nothing of one that has no report."""
        report = ended.report
        if report is None:
            return []
        changes = find_changes(report.plan.endpoints, self._statuses)
        self._statuses = remember(report.plan.endpoints, self._statuses)
        backends = [_backend(change) for change in changes if change.answer]
        return [*backends, *_done(report), *self._newly_held(report)]

    def _newly_held(self, report: Report) -> Iterator[Happening]:
        held = {(skip.key.endpoint, skip.id): skip for skip in report.plan.skips}
        held = {place: skip for place, skip in held.items() if skip.reason == "held"}
        new = [skip for place, skip in held.items() if place not in self._held]
        self._held = frozenset(held)
        if new:
            count = format_count(len(new), "deletion")
            note = f"{count} held back: {_named(skip.key.name for skip in new)} ({new[0].because})"
            yield Happening("DeletionsHeld", "Hold", note, warning=True)


def _backend(change: Change) -> Happening:
    note = f"backend {answer_in_words(change.status)}"
    if change.status.is_ok:
        return Happening("BackendBack", "Ask", note)
    return Happening("BackendDown", "Ask", note, warning=True)


def _done(report: Report) -> Iterator[Happening]:
    done = [result.operation for result in report.results if result.done]
    adopted = [operation.key.name for operation in done if operation.reason == "adopted"]
    deleted = [operation.key.name for operation in done if operation.action == DELETE]
    if adopted:
        note = f"{format_count(len(adopted), 'row')} adopted: {_named(adopted)}"
        yield Happening("ModelsAdopted", "Adopt", note)
    if deleted:
        note = f"{format_count(len(deleted), 'row')} deleted: {_named(deleted)}"
        yield Happening("ModelsDeleted", "Delete", note)


def _named(names: Iterable[str]) -> str:
    return first_of(sorted(set(names)), _MOST_NAMED)
