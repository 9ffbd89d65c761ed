"""What backends send about each model, kept while a cycle asks them; without secrets, bounded."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from ..bounds import MAX_VALUES
from ..errors import Garbled
from ..litellm.fields import is_secret, is_secret_text
from ..transport.json_stream import document_of, values_in
from .explanation import Entry

if TYPE_CHECKING:
    from ..transport.request import Asked, Taped

MAX_ENTRY: Final = 4_000
"""Characters of the JSON text of an entry."""
MAX_ENTRIES: Final = 4
"""Entries of one model that are kept."""
_MAX_KEPT: Final = 4 * 2**20
"""Characters that are kept of one backend."""
_MAX_LEVELS: Final = 4
"""Maps and lists in which entries are looked for."""
_ID_KEYS: Final = ("id", "model", "name", "key", "model_name", "model_id", "served_model_name")
_HIDDEN: Final = "***"
_ARGUMENT: Final = re.compile(r"(?P<name>--?[\w-]{1,80})(?P<gap>=|\s+)(?P<value>[^\s=]\S*)")


class Entries:
    """A tape that asks the network, and keeps what each backend sends about each model id.

    See :class:`Tape`. Each backend is asked in a thread of its own.
    """

    def __init__(self) -> None:
        self._entries: defaultdict[str, dict[str, list[Entry]]] = defaultdict(dict)
        self._kept: defaultdict[str, int] = defaultdict(int)

    def recall(self, asked: Asked) -> None:
        """Return None: everything is asked for."""

    def begin(self, asked: Asked) -> None:
        """Do nothing: only answers count."""

    def keep(self, asked: Asked, taped: Taped) -> None:
        """Keep the parts of an answer that are about a model."""
        if not asked.backend or taped.error is not None or not 200 <= taped.status < 300:
            return
        if values_in(taped.content) > MAX_VALUES:
            return
        try:
            body, document = json.loads(asked.body or b"{}"), document_of(taped.content[:])
        except (ValueError, Garbled):
            return
        where = f"{asked.method} {urlsplit(asked.url).path}"
        model = body.get("model") if isinstance(body, dict) else None
        if isinstance(model, str):
            self._keep(asked.backend, model, where, document)
            return
        for ids, member in _members(document, 0):
            for model_id in ids:
                self._keep(asked.backend, model_id, where, member)

    def about(self, backend: str, model_id: str) -> tuple[Entry, ...]:
        """Return what a backend sent about a model."""
        return tuple(self._entries.get(backend, {}).get(model_id, ()))

    def backends(self, model_id: str) -> Iterator[str]:
        """Yield the backends that sent something about a model."""
        yield from (name for name, models in self._entries.items() if model_id in models)

    def _keep(self, backend: str, model_id: str, request: str, value: Any) -> None:
        known = self._entries[backend].setdefault(model_id, [])
        if len(known) >= MAX_ENTRIES or self._kept[backend] > _MAX_KEPT:
            return
        entry = _entry(request, without_secrets(value, model_id))
        if entry not in known:
            known.append(entry)
            self._kept[backend] += min(len(json.dumps(entry.value)), MAX_ENTRY)


def _members(value: Any, level: int) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield the outermost parts of an answer that name models, with the ids that they name."""
    if isinstance(value, dict):
        named = [value[key] for key in _ID_KEYS if key in value]
        ids = tuple(dict.fromkeys(name for name in named if isinstance(name, str) and name))
        if ids:
            yield ids, value
            return
    elif isinstance(value, str):
        yield (value,), value
        return
    if level < _MAX_LEVELS:
        inner = value.values() if isinstance(value, dict) else value
        for member in inner if isinstance(inner, list) or isinstance(value, dict) else ():
            if not isinstance(value, dict) or not isinstance(member, str):
                yield from _members(member, level + 1)


def _entry(request: str, value: Any) -> Entry:
    text = json.dumps(value)
    if len(text) <= MAX_ENTRY:
        return Entry(request, value)
    return Entry(request, text[:MAX_ENTRY], cut=True)


def without_secrets(value: Any, model_id: str, *, secret: bool = False) -> Any:
    """Return a JSON value with ``***`` in place of what is, or looks like, a secret.

    ``model_id``, which may be under the name ``key``, stays. In a list of arguments the one after
    ``--api-key`` is a secret.
    """
    if isinstance(value, dict):
        return {
            name: without_secrets(item, model_id, secret=is_secret(name))
            for name, item in value.items()
        }
    if isinstance(value, list):
        before = [False, *(isinstance(item, str) and _is_flag(item) for item in value)]
        return [
            without_secrets(item, model_id, secret=secret or after)
            for item, after in zip(value, before, strict=False)
        ]
    if isinstance(value, str) and value != model_id:
        if secret or is_secret_text(value):
            return _HIDDEN if value else value
        return _ARGUMENT.sub(_without_argument, value)
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return _HIDDEN if secret and number else value


def _is_flag(text: str) -> bool:
    return text.startswith("-") and "=" not in text and is_secret(text.lstrip("-"))


def _without_argument(found: re.Match[str]) -> str:
    hidden = is_secret(found["name"].lstrip("-"))
    return f"{found['name']}{found['gap']}{_HIDDEN}" if hidden else found[0]
