"""Text that is safe to show: without secrets, unable to steer a terminal, not long. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable

from .state.secret import PLACEHOLDER_KEY, Secret


def printable(text: str, *, kept: str = "") -> str:
    r"""Return text that cannot steer a terminal.

    What is not printable becomes an escape such as ``\x1b``, except the characters in ``kept``.
    """
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() or char in kept else char.encode("unicode_escape").decode()
        for char in text
    )


def shortened(text: str, limit: int) -> str:
    """Return text of at most ``limit`` characters; of a longer one its beginning and ``...``."""
    return text if len(text) <= limit else f"{text[:limit]}..."


class Redactor:
    """Replaces the secrets that it has learned by ``***``.

    A secret of fewer than ``shortest`` characters is not looked for: it would tear the words of a
    text apart.
    """

    def __init__(self, *, shortest: int = 1) -> None:
        self._shortest = shortest
        self._hidden: tuple[str, ...] = ()

    @property
    def longest(self) -> int:
        """The length of the longest text that is hidden, 0 for none."""
        return len(self._hidden[0]) if self._hidden else 0

    def learn(self, secrets: Iterable[Secret]) -> None:
        """Hide these from now on, as they are and as JSON writes them, beside those from before."""
        raw = {secret.reveal() for secret in secrets} - {PLACEHOLDER_KEY}
        forms = raw | {json.dumps(t, ensure_ascii=e)[1:-1] for t in raw for e in (False, True)}
        hidden = {form for form in forms if len(form) >= self._shortest}.union(self._hidden)
        self._hidden = tuple(sorted(hidden, key=len, reverse=True))

    def redact(self, text: str) -> str:
        """Return ``text`` without the secrets; the longest is replaced first."""
        for secret in self._hidden:
            text = text.replace(secret, "***")
        return text
