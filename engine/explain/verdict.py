"""An explanation in a few sentences: is the model in LiteLLM, and if not, why not. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ..bounds import MAX_EXCERPT
from ..report.news import state_in_words
from ..text import shortened
from .explanation import FOREIGN, IN_STEP, WANTED, Explanation, Listed, Name, Row, Unread

_WILL: Final = {
    "create": "is not in LiteLLM yet; the plan creates it",
    "update": "is in LiteLLM; the plan changes it",
    "replace": "is in LiteLLM; the plan replaces its row",
    "unblock": "is in LiteLLM, blocked; the plan brings it back into service",
    "block": "is in LiteLLM; the plan takes it out of service",
    "delete": "is in LiteLLM; the plan deletes it",
    IN_STEP: "is in LiteLLM, as it should be",
    FOREIGN: "is in LiteLLM, and is not managed here",
}


def sentences(explanation: Explanation) -> Iterator[str]:
    """Yield what there is to say about each name, and about rows that no listed model explains.

    The name that was asked for comes first.
    """
    shown = {row for listed in explanation.listed for n in listed.names for row in n.rows}
    pairs = [(listed, name) for listed in explanation.listed for name in listed.names]
    for listed, name in sorted(pairs, key=lambda pair: pair[1].name != explanation.asked):
        yield _of_name(explanation, listed, name)
    for each in explanation.left_out:
        backend = each.status.backend
        yield f"{_short(each.id)} is not registered: {each.because} ({backend} sends it)"
    yield from (_of_row(row) for row in explanation.rows if row.id not in shown)
    if not explanation.found:
        yield from _nothing(explanation)


def _of_name(explanation: Explanation, listed: Listed, name: Name) -> str:
    """Return what became of a name, with the reason and, if it is a rule, its line."""
    backend = listed.status.backend
    if name.decision != WANTED:
        where = _places(explanation, listed, name)
        also = "; a row with its name is there" if name.rows else ""
        return f"{_short(name.name)} of {backend} is not registered: {name.because}{where}{also}"
    subject = _short(name.name)
    if name.key.name != name.name:
        subject = f"{subject} of {backend}, registered as {name.key.name} since {name.because},"
    if name.outcome in _WILL:
        because = next((o.because for o in explanation.operations if o.key == name.key), "")
        return f"{subject} {_WILL[name.outcome]}{f': {because}' if because else ''}"
    because = next((s.because for s in explanation.skips if s.key == name.key), "")
    there = "is in LiteLLM, and is left as it is" if name.rows else "is not in LiteLLM"
    return f"{subject} {there}: {name.outcome}: {because}"


def _places(explanation: Explanation, listed: Listed, name: Name) -> str:
    """Return where the rule stands that decided against a name."""
    decided = ("leaves it out", "leaves no usable upstream", f"decides: {name.decision}")
    for rule in listed.rules:
        if rule.line and any(words in rule.effect for words in decided):
            shown = f": {rule.text}" if rule.text else ""
            return f" ({explanation.config}:{rule.line}{shown})"
    return ""


def _of_row(row: Row) -> str:
    subject = f"{_short(row.name)} (row {_short(row.id)})"
    if row.outcome in _WILL:
        return f"{subject} {_WILL[row.outcome]}: {row.because}"
    return f"{subject} is in LiteLLM, and is left alone: {row.outcome}: {row.because}"


def _short(text: str) -> str:
    return shortened(text, MAX_EXCERPT)


def _nothing(explanation: Explanation) -> Iterator[str]:
    lists = "no list that could be read" if explanation.unread else "no list of a backend"
    asked = _short(explanation.asked)
    yield f"nothing has the name {asked}: it is in {lists}, and in no row of LiteLLM"
    for unread in explanation.unread:
        yield f"{unread.status.backend} may serve it: {unread_in_words(unread)}"


def unread_in_words(unread: Unread) -> str:
    """Return why a list could not be read, and what to do."""
    status = unread.status
    detail = f": {status.detail}" if status.detail else ""
    return f"{status.backend} {state_in_words(status)}{detail}; remedy: {unread.remedy}"
