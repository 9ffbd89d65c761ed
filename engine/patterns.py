"""Regular expressions in the RE2 dialect, which is Go's: linear time, no look-around.

Configurations that were written for the Go program keep their meaning: POSIX classes and flags in
mid-pattern work, and ``$`` is the very end of the text. The only importer of re2.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Final

import re2

from .bounds import MAX_PATTERN, MAX_PATTERN_MEMORY, MAX_REASON

_LOOK_AROUND: Final = re.compile(r"\(\?<?[=!]")
_BACK_REFERENCE: Final = re.compile(r"\\[1-9]|\\k[<{']|\(\?P=")


@dataclass(frozen=True, slots=True)
class Pattern:
    """A compiled pattern; two of the same text are equal."""

    text: str
    _compiled: Any = field(repr=False, compare=False)

    def search(self, subject: str) -> bool:
        """Tell whether the pattern matches anywhere in ``subject``."""
        return self._compiled.search(_encodable(subject)) is not None


def compile_pattern(text: str) -> Pattern:
    """Return the pattern for an RE2 expression.

    Raises:
        ValueError: RE2 cannot read it; the message says why and, where it can, what to do.
    """
    if len(text) > MAX_PATTERN:
        raise ValueError(f"longer than {MAX_PATTERN} characters; shorten it")
    options = re2.Options()
    options.log_errors = False
    options.max_mem = MAX_PATTERN_MEMORY
    try:
        return Pattern(text, re2.compile(text, options))
    except UnicodeEncodeError:
        raise ValueError("not a regular expression (RE2): it is no valid Unicode text") from None
    except re2.error as error:
        raise ValueError(f"not a regular expression (RE2): {_reason(text, error)}") from None


def _reason(text: str, error: Exception) -> str:
    if _LOOK_AROUND.search(text):
        return (
            "RE2 has no look-around, such as (?=...) or (?!...); "
            "say what to leave out with exclude_regex"
        )
    if _BACK_REFERENCE.search(text):
        return (
            r"RE2 has no back-references, such as \1; list the alternatives, "
            "or say what to leave out with exclude_regex"
        )
    said = error.args[0] if error.args else ""
    reason = said.decode(errors="replace") if isinstance(said, bytes) else str(said)
    return reason if len(reason) <= MAX_REASON else f"{reason[:MAX_REASON]}..."


def _encodable(subject: str) -> str:
    """Return ``subject`` with lone surrogates, which UTF-8 cannot hold, replaced as Go does."""
    return subject.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
