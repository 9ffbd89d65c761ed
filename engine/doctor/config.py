"""Findings about the configuration: what the loader says of it, and where YAML surprises. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from ..config.loader import Examined
from ..config.yaml.document import Document
from ..config.yaml.tree import Steps
from ..litellm.fields import is_secret
from ..report.news import format_count
from ..text import shortened
from ..validate import path_text
from .finding import CONFIGURATION, ERROR, NOTE, OK, WARNING, Finding

_PLAIN_BOOLEANS: Final = ("true", "false")
_MOST: Final = 40
"""Characters of a value that are shown."""
_REFUSED: Final = (
    "no cycle runs with it: a running loop keeps the last good configuration, a new one does not"
    " start"
)
_GO_QUERY: Final = (
    "the Go program accepted this; here a query is refused, since messages show the address:"
    " put a key into the key file of the backend"
)
_GO_UNKNOWN: Final = (
    "the Go program ignores keys that it does not know, so a misspelt one had no effect there"
)
_GO_EXPRESSION: Final = (
    "the Go program skipped the backend, and deleted all its models, when it could not read an"
    " expression"
)
_DIALECTS: Final = (
    ("must not hold a query", _GO_QUERY),
    ("unknown; ", _GO_UNKNOWN),
    ("not a regular expression", _GO_EXPRESSION),
)
"""What the text of a problem shows, and how the Go program differs there."""


def check_configuration(examined: Examined, path: Path) -> Iterator[Finding]:
    """Yield what is to say about a configuration; problems of key files are told elsewhere."""
    problems = [problem for problem in examined.problems if _is_in(problem.where, path)]
    for problem in problems:
        why = next((why for sign, why in _DIALECTS if sign in problem.what), _REFUSED)
        fix = f"correct it in {path}"
        what = problem.what
        yield Finding(ERROR, CONFIGURATION, "invalid", problem.where, what, why, fix)
    if examined.config is not None:
        for text in examined.config.notices:
            yield _warning(text, path)
    yield from _surprises(examined)
    yield from _go_differences(examined)
    if examined.config is not None and not problems:
        backends = format_count(len(examined.config.backends), "backend")
        owner = examined.config.owner
        text = f"valid: {backends}, owner {owner}, LiteLLM at {examined.config.litellm.url}"
        yield Finding(OK, CONFIGURATION, "valid", str(path), text)


def _is_in(where: str, path: Path) -> bool:
    """Tell whether a problem is one of the file itself, and not of a key file."""
    return where == str(path) or where.partition(":")[0] == path.name


def _warning(text: str, path: Path) -> Finding:
    """Return a warning of the loader, whose text has place, mistake and remedy."""
    place, colon, what = text.partition(": ")
    if colon and place.startswith(path.name):
        why = "it is allowed, but probably not what is meant"
        fix = f"correct it in {path}, unless it is meant"
        return Finding(WARNING, CONFIGURATION, "suspect", place, what, why, fix)
    return Finding(NOTE, CONFIGURATION, "notice", path.name, text)


def _surprises(examined: Examined) -> Iterator[Finding]:
    """Yield the values that are read as YAML 1.1 has them, as the Go program does."""
    document = examined.document
    if document is None:
        return
    for steps, raw in document.raw.items():
        value = _value_at(examined.given, steps)
        if not _is_surprising(raw, value):
            continue
        place = _place(document, steps)
        read = json.dumps(value)
        shown = shortened(raw, _MOST)
        if any(is_secret(str(step)) for step in steps):
            read, shown = "another value", "it"
        yield Finding(
            NOTE,
            CONFIGURATION,
            "yaml",
            place,
            f"{shown} is read as {read}",
            "the file is read as YAML 1.1, as the Go program reads it; in YAML 1.2 it would be a"
            " text, or another number",
            f"write {read} if that is meant; if it is a text, put it into quotes",
        )


def _go_differences(examined: Examined) -> Iterator[Finding]:
    """Yield where a setting means something else than for the Go program."""
    document = examined.document
    if document is None:
        return
    for steps in document.raw:
        if len(steps) == 3 and steps[2] == "discovery":
            if _value_at(examined.given, steps) is not True:
                continue
            what = "reads what the server tells of its models, and sends no chat"
            why = "the Go program asked each model by a chat, which loads it, whether it has tools"
            fix = "`discovery: probe` also asks models that are loaded already"
            yield Finding(NOTE, CONFIGURATION, "go", _place(document, steps), what, why, fix)


def _place(document: Document, steps: Steps) -> str:
    return f"{document.name}:{document.lines.get(steps, 1)}: {path_text(steps)}"


def _is_surprising(raw: str, value: Any) -> bool:
    if isinstance(value, bool):
        return raw.lower() not in _PLAIN_BOOLEANS
    if isinstance(value, int):
        return raw.removeprefix("+") != str(value)
    return False


def _value_at(value: Any, steps: Steps) -> Any:
    for step in steps:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return None
    return value
