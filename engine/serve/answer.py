"""What the server answers to a request. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ..state.frozen import EMPTY
from .snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Answer:
    """A status and a text. The server redacts the text, unless it ``is_redacted`` already.

    ``headers`` come beside those that every answer has.
    """

    status: int
    content_type: str
    body: str
    headers: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    is_redacted: bool = False


Route = Callable[[Snapshot], Answer]
"""What answers GET and HEAD for one path. What it raises is answered with 500, and logged."""
Post = Callable[[str], Answer]
"""What answers POST for one path; it is given the header Authorization, "" if there is none."""
Query = Mapping[str, str]
"""The parameters in an address, each with its last value."""
Search = Callable[[Snapshot, Query], Answer]
"""The same for a path whose answer depends on the parameters."""


def text(status: int, body: str) -> Answer:
    """Return one line of plain text."""
    return Answer(status, "text/plain; charset=utf-8", f"{body}\n")
