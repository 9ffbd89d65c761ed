"""Reads a Dockerfile into its instructions, and says what they mean to a build."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

_VARIABLE: Final = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
_LINE_END: Final = re.compile(r"\\\n")


@dataclass(frozen=True, slots=True)
class Instruction:
    """A word such as ``RUN``, its options (``--from=build``) and the rest of its line."""

    word: str
    options: Mapping[str, str]
    rest: str

    def words(self) -> list[str]:
        """Return the rest as the list of words that it is, in JSON."""
        found = json.loads(self.rest)
        assert isinstance(found, list)
        return [str(word) for word in found]


def instructions(text: str) -> Iterator[Instruction]:
    """Yield the instructions of a Dockerfile in their order, without comments."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    for line in _LINE_END.sub("", "\n".join(lines)).splitlines():
        if line.strip():
            word, _, rest = line.strip().partition(" ")
            options = {}
            while match := re.match(r"\s*--([\w-]+)=(\S+)\s*", rest):
                options[match[1]] = match[2]
                rest = rest[match.end() :]
            yield Instruction(word.upper(), options, rest.strip())


def assignments(text: str) -> dict[str, str]:
    """Return the names and values of ``ENV`` or ``LABEL``: ``a=1 b="two words"``."""
    found = re.findall(r'([\w.]+)=("[^"]*"|\S+)', text)
    return {name: value.strip('"') for name, value in found}


def expanded(text: str, variables: Mapping[str, str]) -> str:
    """Return a text with variables in place of ``$NAME`` and ``${NAME}``; an unset one is empty."""
    return _VARIABLE.sub(lambda match: variables.get(match[1] or match[2], ""), text)
