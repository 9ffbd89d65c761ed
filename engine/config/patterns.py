"""Regular expressions in the RE2 dialect, which is Go's: linear time, no look-around.

Configurations that were written for the Go program keep their meaning: POSIX classes and flags in
the middle of a pattern work, ``$`` matches only at the very end of the text, and replacements
follow Go's rules. Pure. The only importer of re2.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import re2

from ..bounds import MAX_PATTERN, MAX_PATTERN_MEMORY, MAX_REASON, MAX_RENAMED
from ..text import shortened

_LOOK_AROUND: Final = re.compile(r"\(\?<?[=!]")
_BACK_REFERENCE: Final = re.compile(r"\\[1-9]|\\k[<{']|\(\?P=")
_REFERENCE: Final = re2.compile(r"\$(?:(\$)|([\pL\p{Nd}_]+)|\{([\pL\p{Nd}_]+)\})")
"""The references in a template: ``$$``, ``$name`` (as long as possible) and ``${name}``."""
_PLAIN_NAME: Final = re.compile(r"[\w.:/@-]+")
_TOO_LONG: Final = f"longer than {MAX_RENAMED} characters"
_MAX_NUMBER: Final = 9
"""Digits of the number of a group; in Go, more digits are a name."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """A compiled pattern; two of the same text are equal. ``compiled`` is RE2's own object."""

    text: str
    compiled: Any = field(repr=False, compare=False)

    def search(self, subject: str) -> bool:
        """Return whether the pattern matches anywhere in ``subject``."""
        return self.compiled.search(_encodable(subject)) is not None


@dataclass(frozen=True, slots=True)
class NamePattern:
    """A public name, or an expression for several; then ``pattern`` is not None."""

    text: str
    pattern: Pattern | None

    def matches(self, name: str) -> bool:
        """Tell whether this is the name, or the expression matches anywhere in it."""
        return name == self.text if self.pattern is None else self.pattern.search(name)


@dataclass(frozen=True, slots=True)
class Traced:
    """A text, and where each of its characters is from.

    ``origin`` is as long as ``text``: ``o`` for a character that is ours, from the configuration
    or the kind of a backend, ``t`` for one that a backend sent.
    """

    text: str
    origin: str

    def part(self, start: int, stop: int) -> Traced:
        """Return a slice; that of a group without a match, (-1, -1), is empty."""
        return Traced(self.text[start:stop], self.origin[start:stop])


def ours(text: str) -> Traced:
    """Return a text that is ours."""
    return Traced(known := _encodable(text), "o" * len(known))


def theirs(text: str) -> Traced:
    """Return a text that a backend sent."""
    return Traced(known := _encodable(text), "t" * len(known))


def joined(pieces: Iterable[Traced]) -> Traced:
    """Return the pieces as one text."""
    known = list(pieces)
    return Traced("".join(piece.text for piece in known), "".join(piece.origin for piece in known))


@dataclass(frozen=True, slots=True)
class Replacement:
    """Replaces every match of a pattern by a template, as Go's ``Regexp.ReplaceAllString``.

    ``parts`` is the template in pieces: texts, and numbers of groups (0 is the whole match).
    ``has_unknown`` is true if it refers to a group that the pattern does not have.
    """

    pattern: Pattern
    template: str
    parts: tuple[str | int, ...] = field(repr=False, compare=False)
    has_unknown: bool = field(repr=False, compare=False)

    def apply(self, subject: Traced) -> Traced:
        """Return ``subject`` with every match replaced; the template's texts are ours.

        As in Go, an empty match right after another match does not count.

        Raises:
            ValueError: the subject or the result has more than MAX_RENAMED characters.
        """
        if len(subject.text) > MAX_RENAMED:
            raise ValueError(_TOO_LONG)
        pieces: list[Traced] = []
        length = end = 0
        for match in self.pattern.compiled.finditer(subject.text):
            start, stop = match.span()
            new = [subject.part(end, start)]
            if stop > end or start == 0:
                new += [
                    ours(part) if isinstance(part, str) else subject.part(*match.span(part))
                    for part in self.parts
                ]
            pieces += new
            length += sum(len(piece.text) for piece in new)
            end = stop
            if length > MAX_RENAMED:
                break
        if length + len(subject.text) - end > MAX_RENAMED:
            raise ValueError(_TOO_LONG)
        return joined([*pieces, subject.part(end, len(subject.text))])


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
        raise ValueError("not a regular expression (RE2): it is not valid Unicode text") from None
    except re2.error as error:
        raise ValueError(f"not a regular expression (RE2): {_reason(text, error)}") from None


def name_pattern(text: str) -> NamePattern:
    """Return what names a text stands for.

    A dot is far more often part of a name (``gpt-4.1``) than meant as any character, so a text of
    letters, digits and ``. _ : / @ -`` is a name.

    Raises:
        ValueError: as :func:`compile_pattern`.
    """
    return NamePattern(text, None if _PLAIN_NAME.fullmatch(text) else compile_pattern(text))


def replacement(pattern: Pattern, template: str) -> Replacement:
    """Return the replacement of ``pattern`` by ``template``.

    Source of the rules: https://pkg.go.dev/regexp#Regexp.Expand. ``$1`` and ``${1}`` are the text
    of a group, by number or name; ``$$`` is a dollar; ``$1x`` is the group that is named ``1x``; a
    group that the pattern does not have, or that took no part in the match, is empty; any other
    dollar is itself.

    Raises:
        ValueError: the template has more than MAX_RENAMED characters.
    """
    if len(template) > MAX_RENAMED:
        raise ValueError(f"{_TOO_LONG}; shorten it")
    parts = list(_parts(_encodable(template), pattern.compiled))
    known = tuple(part for part in parts if part is not None)
    return Replacement(pattern, template, known, has_unknown=None in parts)


def _parts(template: str, compiled: Any) -> Iterator[str | int | None]:
    """Yield the texts of a template and the numbers of its groups, None for an unknown group."""
    end = 0
    for found in _REFERENCE.finditer(template):
        yield template[end : found.start()]
        end = found.end()
        name = found[2] or found[3]
        yield _group(name, compiled) if name else "$"
    yield template[end:]


def _group(name: str, compiled: Any) -> int | None:
    """Return the number of a group, None if the pattern has none of this number or name.

    As in Go, a number has no leading zero and at most nine digits; anything else is a name.
    """
    is_number = name.isascii() and name.isdigit() and len(name) <= _MAX_NUMBER
    if is_number and (name == "0" or name[0] != "0"):
        return int(name) if int(name) <= compiled.groups else None
    found: int | None = compiled.groupindex.get(name)
    return found


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
    detail = error.args[0] if error.args else ""
    reason = detail.decode(errors="replace") if isinstance(detail, bytes) else str(detail)
    return shortened(reason, MAX_REASON)


def _encodable(subject: str) -> str:
    """Return ``subject`` with lone surrogates, which UTF-8 cannot hold, replaced as Go does."""
    return subject.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
