"""Backends whose answer is not what it was in the cycle before: what is reported, and when.

What stays as it is, is not told again, so that a backend that is down for a day fills no log.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from ..bounds import MAX_EXCERPT
from ..state.endpoint_status import EndpointStatus
from ..state.listing import EMPTY_LIST, INVALID, NOT_READY, OK, UNAUTHORISED, UNREACHABLE
from ..text import printable, shortened

log = logging.getLogger(__name__)
OUTCOME_WORDS: Final = {
    OK: "ok",
    EMPTY_LIST: "answers with an empty list",
    NOT_READY: "is not ready",
    UNAUTHORISED: "needs a valid key",
    UNREACHABLE: "cannot be reached",
    INVALID: "sends no readable list",
}
_PARTIAL: Final = "sends a list that cannot be read in full"
_REMEDIES: Final = {
    EMPTY_LIST: "check that its models are installed and enabled there",
    NOT_READY: "wait until it has loaded; if that takes long, look at its own log",
    UNAUTHORISED: "put the key that it expects into the key file {backend!r}",
    UNREACHABLE: "check that it runs, and that this machine reaches its `url`",
    INVALID: "check that `url` and `type` are those of this server",
}
_PARTIAL_REMEDY: Final = "look at the list that the server sends"


@dataclass(frozen=True, slots=True)
class Change:
    """What is new about a backend; ``before`` is the outcome in the cycle before, "" if none.

    ``answer`` says that it answers otherwise than before, or answers badly from the start;
    ``unmatched`` are the expressions that match nothing since now.
    """

    status: EndpointStatus
    before: str
    answer: bool
    unmatched: tuple[str, ...]


def find_changes(
    statuses: Iterable[EndpointStatus], known: Mapping[str, EndpointStatus]
) -> tuple[Change, ...]:
    """Return what is new to somebody who knows the statuses ``known``, by backend.

    Counts and the wording of a cause change too often to be new.
    """
    changes = []
    for status in statuses:
        before = known.get(status.backend)
        answer = not status.is_ok
        if before is not None:
            answer = (status.outcome, status.answered) != (before.outcome, before.answered)
        told = before.unmatched if before else ()
        unmatched = tuple(text for text in status.unmatched if text not in told)
        if answer or unmatched:
            changes.append(Change(status, before.outcome if before else "", answer, unmatched))
    return tuple(changes)


def remember(
    statuses: Iterable[EndpointStatus], known: Mapping[str, EndpointStatus]
) -> dict[str, EndpointStatus]:
    """Return what is known after a cycle, by backend.

    A backend without a list matches nothing; what its last list left unmatched stays known, so
    that it is not told again after an outage.
    """
    return {
        status.backend: replace(status, unmatched=known[status.backend].unmatched)
        if not status.models and status.backend in known
        else status
        for status in statuses
    }


def state_in_words(status: EndpointStatus) -> str:
    """Return what a backend answered, as the predicate of a sentence: ``cannot be reached``."""
    if status.outcome == OK and not status.answered:
        return _PARTIAL
    return OUTCOME_WORDS[status.outcome]


def remedy(status: EndpointStatus) -> str:
    """Return what an operator can do about an answer; "" where nothing is wrong."""
    if status.outcome == OK:
        return "" if status.answered else _PARTIAL_REMEDY
    return _REMEDIES[status.outcome].format(backend=status.backend)


def format_count(number: int, noun: str) -> str:
    """Return ``1 model`` or ``2 models``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def counts(status: EndpointStatus) -> str:
    """Return how many models a backend lists: ``50 models, 36 filtered out``."""
    listed = format_count(status.models, "model")
    return f"{listed}, {status.filtered} filtered out" if status.filtered else listed


def unmatched_in_words(status: EndpointStatus, text: str) -> str:
    """Return a sentence about an expression that matches no listed model."""
    several = f"matches none of its {status.models} models"
    predicate = several if status.models > 1 else "does not match its only model"
    place, _, expression = printable(shortened(text, MAX_EXCERPT)).partition(": ")
    return f"{place} '{expression}' {predicate}"


def answer_in_words(status: EndpointStatus) -> str:
    """Return in a sentence that a backend is back, or how it answers, why, and what to do."""
    subject = _subject(status)
    if status.is_ok:
        return f"{subject} is back: {counts(status)}"
    cause = f": {status.detail}" if status.detail else ""
    return f"{subject} {state_in_words(status)}{cause}. Remedy: {remedy(status)}"


def _subject(status: EndpointStatus) -> str:
    return f"{status.backend} ({status.endpoint})"


def log_change(change: Change) -> None:
    """Write a change to the operator log."""
    status = change.status
    if change.answer:
        level = logging.INFO if status.is_ok else logging.WARNING
        log.log(level, "%s", answer_in_words(status))
    for text in change.unmatched:
        told = unmatched_in_words(status, text)
        log.warning("%s: %s; correct it, or remove it", _subject(status), told)
