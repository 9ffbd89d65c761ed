"""One piece of news. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from ..state.frozen import EMPTY
from ..text import first_of, printable, shortened

CHANGES: Final = "changes"
HOLDS: Final = "holds"
FAILURES: Final = "failures"
BACKENDS: Final = "backends"
TEST: Final = "test"
_MOST_NAMED: Final = 3
"""Names in a sentence."""
_MOST_LISTED: Final = 20
"""Names in a document."""
_LONGEST_NAME: Final = 80
_LONGEST_TEXT: Final = 600


@dataclass(frozen=True, slots=True)
class Item:
    """One piece of news: its ``topic``, what happened (``event``), and a sentence for people.

    ``backend`` and ``endpoint`` say where, "" for everywhere. ``names`` are the first public names
    that it is about, ``counts`` how many operations there were of each action.
    """

    topic: str
    event: str
    text: str
    backend: str = ""
    endpoint: str = ""
    names: tuple[str, ...] = ()
    counts: Mapping[str, int] = field(default_factory=lambda: EMPTY)

    def without_secrets(self, redact: Callable[[str], str]) -> Item:
        """Return the item with its texts redacted, unable to steer a terminal, and short."""

        def safe(text: str, limit: int) -> str:
            return shortened(printable(redact(text)), limit)

        return replace(
            self,
            text=safe(self.text, _LONGEST_TEXT),
            backend=safe(self.backend, _LONGEST_NAME),
            endpoint=safe(self.endpoint, _LONGEST_TEXT),
            names=tuple(safe(name, _LONGEST_NAME) for name in self.names[:_MOST_LISTED]),
        )

    def to_json(self) -> dict[str, Any]:
        """Return the item as the schema of a notification has it."""
        return {
            "topic": self.topic,
            "event": self.event,
            "text": self.text,
            "backend": self.backend,
            "endpoint": self.endpoint,
            "names": list(self.names),
            "counts": dict(self.counts),
        }


def listed(names: Iterable[str]) -> str:
    """Return the first names for a sentence: ``a, b, c and 4 more``."""
    return first_of([shortened(name, _LONGEST_NAME) for name in names], _MOST_NAMED)
