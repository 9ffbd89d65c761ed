"""Times, states and numbers as HTML. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from ...report.pace import in_words
from .markup import Html, tag

_DAY: Final = 172_800
"""Seconds from which on a time is told in days."""


def parsed(moment: str) -> datetime:
    """Return a time of a document."""
    return datetime.fromisoformat(moment)


def relative(moment: str, now: str) -> Html:
    """Return ``12 s ago`` or ``in 3 min``, with the time itself; the script keeps it right."""
    seconds = (parsed(moment) - parsed(now)).total_seconds()
    return tag("time", relative_words(seconds), datetime=moment, title=clock(moment))


def relative_words(seconds: float) -> str:
    """Return how far a time is away; below zero it is over."""
    if abs(seconds) < 1:
        return "now"
    words = span(abs(seconds))
    return f"{words} ago" if seconds < 0 else f"in {words}"


def span(seconds: float) -> str:
    """Return ``45 s``, ``3 min``, ``2.5 h`` or ``3 days``."""
    return in_words(seconds) if seconds < _DAY else f"{seconds / 86_400:.0f} days"


def took(seconds: float) -> str:
    """Return ``took 0.3 s``."""
    if seconds < 0.1:
        return "took under 0.1 s"
    return f"took {seconds:.1f} s" if seconds < 10 else f"took {span(seconds)}"


def clock(moment: str) -> str:
    """Return ``2026-11-28 18:08:42 UTC``."""
    return moment.replace("T", " ").replace("Z", " UTC")


def badge(kind: str, label: str) -> Html:
    """Return a state: a word with a mark of a colour and shape of its own."""
    return tag("span", label, class_=f"badge {kind}")


def code(text: str | Html) -> Html:
    """Return something that is to be read letter by letter."""
    return tag("code", text)
