"""Reads the lists of models that servers send."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from ..bounds import MAX_ID, MAX_MODELS
from ..errors import Garbled, Rejected
from ..state.listing import ANY_ID
from .record import Record
from .server import Found, Quote, Server

_ID_KEYS: Final = ("id", "model", "name", "key")
_UNUSABLE: Final = ("\x00", "*")
"""PostgreSQL cannot store NUL in a text, and LiteLLM treats an asterisk as a wildcard route."""


@dataclass(slots=True)
class Entries:
    """The members of a list of models by id, and what could not be used of it (see Found)."""

    members: dict[str, dict[str, Any]]
    unread: int = 0
    unusable: int = 0
    overlong: int = 0
    paged: bool = False

    def __iter__(self) -> Iterator[tuple[str, dict[str, Any]]]:
        return iter(self.members.items())

    def found(self, records: list[Record], listed: str, *notes: str) -> Found:
        """Return ``records`` together with what could not be used of this list."""
        left_out = (self.unread, self.unusable, self.paged)
        return Found(tuple(records), listed, *left_out, notes, self.overlong)

    def add(self, page: Entries) -> None:
        """Add the next page of the list.

        Raises:
            Garbled: together they have more models than a list may have.
        """
        for name, entry in page:
            self.members.setdefault(name, entry)
        self.unread += page.unread
        self.unusable += page.unusable
        self.overlong += page.overlong
        self.paged = page.paged
        check_count(len(self.members) + self.unread)


def read_entries(document: object, quote: Quote) -> Entries:
    """Read a list of models.

    Accepts ``{"data": [...]}`` (OpenAI), ``{"models": [...]}`` (Ollama; some send both, then
    ``data`` counts), a bare array (Triton, Together), and null for an empty list (Ollama's
    ``/v1/models``). The members may be strings or objects; the first entry of an id counts.

    Raises:
        Garbled: it is not a list of models, or the list is too long. A status of 200 proves
            nothing: LM Studio answers any unknown path with an error object and status 200.
    """
    found = Entries({})
    members = _members(document, quote)
    check_count(len(members))
    for member in members:
        text = id_of(member)
        if not text:
            found.unread += 1
        elif len(text) > MAX_ID:
            found.overlong += 1
        elif not is_usable(text):
            found.unusable += 1
        else:
            found.members.setdefault(text, member if isinstance(member, dict) else {})
    if isinstance(document, dict):
        found.paged = bool(document.get("has_more") or document.get("nextPageToken"))
    return found


def matching_of(entries: Entries) -> str:
    """Return which ids the server of a list takes: llama.cpp with one model does not look at it.

    Its router does, and names the status of each model.
    """
    members = list(entries.members.values())
    alone = len(members) == 1 and members[0].get("owned_by") == "llamacpp"
    return ANY_ID if alone and "status" not in members[0] else ""


def read_list(server: Server, suffixes: tuple[str, ...]) -> tuple[Entries, str]:
    """Return the list and the address below which it was found.

    It is read at ``models_endpoint`` if that is configured, else at ``/models`` below the URL. If
    the URL has no ``/v1``, which people often leave out, each of ``suffixes`` is tried in turn.

    Raises:
        Garbled, Rejected: from the first place that was tried, if no place has a list.
        Unavailable: the server does not answer.
    """
    if server.models_endpoint:
        document = server.get(server.prefix + server.models_endpoint)
        return read_entries(document, server.quote), server.url
    first: Garbled | Rejected | None = None
    for suffix in ("",) if server.prefix else suffixes:
        try:
            document = server.get(f"{server.prefix}{suffix}/models")
            return read_entries(document, server.quote), server.url + suffix
        except (Garbled, Rejected) as error:
            if isinstance(error, Rejected) and error.status in (401, 403):
                raise
            first = first or error
    assert first is not None
    raise first


def id_of(member: object) -> str:
    """Return the id of a member of a list, "" if it has none."""
    if isinstance(member, str):
        return member
    if isinstance(member, dict):
        for name in _ID_KEYS:
            if name in member:
                return member[name] if isinstance(member[name], str) else ""
    return ""


def _members(document: object, quote: Quote) -> list[object]:
    if isinstance(document, list):
        return document
    if not isinstance(document, dict):
        raise Garbled(f"the answer is not a list of models but {_shape(document)}")
    if document.get("error"):
        raise Garbled(f"the answer is an error: {quote(document)}")
    for name in ("data", "models"):
        if isinstance(document.get(name), list):
            return list(document[name])
    if any(name in document and document[name] is None for name in ("data", "models")):
        return []
    keys = quote(", ".join(sorted(map(str, document))[:8])) or "none"
    raise Garbled(f"the answer has no list 'data' or 'models' (its keys: {keys})")


def _shape(value: object) -> str:
    names = {str: "a string", bool: "a boolean", type(None): "null"}
    return names.get(type(value), "a number")


def check_count(models: int) -> None:
    """Raise Garbled if a list has more models than any server serves."""
    if models > MAX_MODELS:
        raise Garbled(
            f"the list has over {MAX_MODELS} models, which is more than the engine reads; check"
            " that url and models_endpoint lead to the right list, or name the models that you want"
            " (type: static, models)"
        )


def is_usable(text: str) -> bool:
    """Return whether LiteLLM can store a text and use it as the name of a single model."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return not any(char in text for char in _UNUSABLE)
