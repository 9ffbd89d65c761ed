"""Text that is safe to show: without secrets, unable to steer a terminal, not long. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

from .state.frozen import thaw
from .state.secret import PLACEHOLDER_KEY, SECRET, Secret

MAX_VALUE: Final = 100
"""Characters of a value that are shown; the rest is cut off."""
_SHORTEST_NUMBER: Final = 8
_BEGINNING: Final = 32
"""Characters of a longer secret by which it is known where a text was cut in the middle of it."""
_STRING: Final = re.compile(r'"(?:[^"\\]|\\.)*+"(?P<name>\s*:)?')
"""A string of a JSON text, with the colon behind it if it is the name of a member."""


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


def first_of(names: Sequence[str], most: int) -> str:
    """Return the first names in a row, and how many more there are: ``a, b and 4 more``."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")


def format_value(value: Any) -> str:
    """Return a JSON value as short, printable JSON; a secret as the beginning of its reference."""
    plain = thaw(value)
    if isinstance(plain, dict) and SECRET in plain:
        reference = str(plain[SECRET])
        return reference if reference.startswith("(") else f"(secret {reference[:6]})"
    return shortened(printable(json.dumps(plain, ensure_ascii=False)), MAX_VALUE)


def _without_beginning(text: str, secret: str) -> str:
    """Return ``text`` without what is left of a secret whose end was cut off."""
    while (start := text.find(secret[:_BEGINNING])) >= 0:
        end = start + _BEGINNING
        while end < len(text) and end - start < len(secret) and text[end] == secret[end - start]:
            end += 1
        text = f"{text[:start]}***{text[end:]}"
    return text


def describe_os_error(error: OSError) -> str:
    """Return why the system refused something, without a number and a path."""
    return (error.strerror or type(error).__name__).lower()


class Redactor:
    """Replaces the secrets that it has learned by ``***``.

    A secret of fewer than ``shortest`` characters, and a number of fewer than eight, is not looked
    for: it would tear words, ports and other numbers apart.
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
        found = {(secret.reveal(), secret.is_text) for secret in secrets}
        raw = {text for text, is_text in found if is_text or len(text) >= _SHORTEST_NUMBER}
        raw -= {PLACEHOLDER_KEY}
        forms = raw | {json.dumps(t, ensure_ascii=e)[1:-1] for t in raw for e in (False, True)}
        forms |= set(map(printable, raw))
        hidden = {form for form in forms if len(form) >= self._shortest}.union(self._hidden)
        self._hidden = tuple(sorted(hidden, key=len, reverse=True))

    def redact(self, text: str) -> str:
        """Return ``text`` without the secrets; the longest is replaced first."""
        for secret in self._hidden:
            text = text.replace(secret, "***")
            if len(secret) > _BEGINNING:
                text = _without_beginning(text, secret)
        return text

    def redact_json(self, text: str) -> str:
        """Return a JSON text, or a piece of one with whole strings, without secrets in its strings.

        Names of members, and numbers, stay, so the text stays the document that it was.
        """
        if any(secret[:_BEGINNING] in text for secret in self._hidden):
            return _STRING.sub(self._redact_string, text)
        return text

    def _redact_string(self, found: re.Match[str]) -> str:
        text = found[0]
        if found["name"]:
            return text
        plain = json.loads(text)
        redacted = self.redact(plain)
        return text if redacted == plain else json.dumps(redacted)
