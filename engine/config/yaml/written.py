"""JSON values -> the text of a YAML file that people can read. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final

_PLAIN: Final = re.compile(r"[A-Za-z][\w./-]*(:[\w./-]+)*", re.ASCII)
_WORDS: Final = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})
"""Words that some reader of YAML takes for something else than a text."""


def yaml_text(value: Any) -> str:
    """Return a map, a list or a scalar as YAML; read back, it is the same value."""
    return "\n".join(_lines(value)) + "\n"


def _lines(value: Any) -> Iterator[str]:
    if isinstance(value, dict) and value:
        for name, item in value.items():
            yield from _member(f"{_text(name)}:", item, indent=2)
    elif isinstance(value, list) and value:
        for item in value:
            yield from _member("-", item, indent=2)
    else:
        yield _scalar(value)


def _member(head: str, value: Any, *, indent: int) -> Iterator[str]:
    lines = list(_lines(value))
    if not (isinstance(value, dict | list) and value):
        yield f"{head} {lines[0]}"
        return
    margin = " " * indent
    if head == "-" and isinstance(value, dict):
        yield f"- {lines.pop(0)}"
    else:
        yield head
    yield from (margin + line for line in lines)


def _scalar(value: Any) -> str:
    return _text(value) if isinstance(value, str) else json.dumps(value)


def _text(text: str) -> str:
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        return text
    quoted = json.dumps(text, ensure_ascii=False)
    return "".join(char if char.isprintable() else f"\\U{ord(char):08x}" for char in quoted)
