"""What every kind of backend is asked with, and how the common shapes of a list are read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from ..errors import Garbled

Get = Callable[[str], Any]
"""GET a path below the endpoint and return its JSON; raises TransportError."""

_ID_KEYS: Final = ("id", "model", "name", "key")
_UNUSABLE: Final = ("\x00", "*")
"""PostgreSQL cannot store NUL in a text, and LiteLLM takes an asterisk for a wildcard route."""


@dataclass(frozen=True, slots=True)
class Site:
    """Where a backend lives, as configured.

    ``endpoint`` is its canonical address, ``url`` the configured one (with or without ``/v1``),
    ``models_endpoint`` the configured path of the list below ``url`` ("" for the usual one).
    """

    endpoint: str
    url: str
    models_endpoint: str

    @property
    def prefix(self) -> str:
        """The part of ``url`` below the endpoint: "" or "/v1"."""
        return self.url.removeprefix(self.endpoint)


@dataclass(frozen=True, slots=True)
class Ids:
    """The model ids of a list, in its order and once each.

    ``unread`` counts entries without an id; ``unusable`` ids that LiteLLM could not register.
    """

    ids: tuple[str, ...]
    unread: int
    unusable: int


def read_ids(document: object) -> Ids:
    """Read the ids out of a list of models, as servers write it.

    Accepts ``{"data": [...]}`` (OpenAI), ``{"models": [...]}`` (Ollama; some send both, then
    ``data`` counts), a bare array (Triton, Together), and null for an empty list (Ollama's
    ``/v1/models``). The members may be strings or objects.

    Raises:
        Garbled: it is no list of models. A status of 200 proves nothing: LM Studio answers an
            error object with 200 on any path.
    """
    entries = _entries(document)
    found: dict[str, None] = {}
    unread = unusable = 0
    for entry in entries:
        text = _id_of(entry)
        if not text:
            unread += 1
        elif any(char in text for char in _UNUSABLE) or not _encodable(text):
            unusable += 1
        else:
            found[text] = None
    return Ids(tuple(found), unread, unusable)


def _entries(document: object) -> list[object]:
    if isinstance(document, list):
        return document
    if not isinstance(document, dict):
        raise Garbled(f"the answer is no list of models but {_shape(document)}")
    for name in ("data", "models"):
        if isinstance(document.get(name), list):
            return list(document[name])
    if document.get("error"):
        raise Garbled(f"the answer is an error: {str(document['error'])[:200]}")
    if any(name in document and document[name] is None for name in ("data", "models")):
        return []
    keys = ", ".join(sorted(map(str, document))[:8])
    raise Garbled(f"the answer has no list 'data' or 'models' (its keys: {keys or 'none'})")


def _id_of(entry: object) -> str:
    if isinstance(entry, str):
        return entry
    if isinstance(entry, dict):
        for name in _ID_KEYS:
            if name in entry:
                return entry[name] if isinstance(entry[name], str) else ""
    return ""


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _shape(value: object) -> str:
    return {str: "a string", bool: "a boolean", type(None): "null"}.get(type(value), "a number")
