"""Ollama: ``/api/tags``, what older versions tell only in ``/api/show``, and what is loaded.

The ``context_length`` of a model is what it was trained for. The window it runs with is another,
by default far smaller, and Ollama cuts longer prompts off without a word: only a loaded model's
``/api/ps`` and a ``num_ctx`` in its parameters tell it. None of these requests loads a model.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any, Final

from ...bounds import MAX_SHOWN
from ...errors import Unavailable
from ...state.listing import CASELESS
from ..model_list import id_of, read_entries
from ..record import LOADED, UNLOADED, Record, first_mode, part, texts
from ..server import ROOT, V1, Found, Route, Server

ALLOWED: Final = ("GET /api/tags", "GET /api/ps", "POST /api/show")
PLACES: Final[tuple[str, ...]] = ()
ROUTES: Final = {
    "": Route("ollama_chat", ROOT),
    "completion": Route("ollama", ROOT),
    "embedding": Route("ollama", ROOT),
    "image_generation": Route("openai", V1),
}
"""LiteLLM's ``ollama_chat/`` has no embedding, ``ollama/`` no chat and no images."""
_SHOW: Final = "POST /api/show"
_MODES: Final = {"completion": "chat", "embedding": "embedding", "image": "image_generation"}
_CAPABILITIES: Final = {
    "tools": "function_calling",
    "vision": "vision",
    "thinking": "reasoning",
    "audio": "audio_input",
}
_NUM_CTX: Final = re.compile(r"^\s*num_ctx\s+(\d{1,9})\s*$", re.MULTILINE | re.ASCII)


def ask(server: Server) -> Found:
    """List the models, ask about those that the list does not describe, and read what is loaded."""
    path = server.prefix + server.models_endpoint if server.models_endpoint else "/api/tags"
    entries = read_entries(server.get(path), server.quote)
    windows = _running(server)
    bare = [name for name, entry in entries if not _described(entry)]
    asked = set(bare[:MAX_SHOWN])
    records, failed = [], 0
    for name, entry in entries:
        record = Record(name)
        record.also((_full(name), _full(name).removesuffix(":latest")))
        _describe(record, entry, f"GET {path}")
        if windows is not None:
            _add_running(record, windows)
        if name in asked:
            failed += not _add_shown(record, server)
        if record.remote:
            record.state = ""
        records.append(record)
    found = entries.found(records, server.endpoint, *_notes(len(bare) - MAX_SHOWN, failed))
    return replace(found, matching=CASELESS)


def _described(entry: dict[str, Any]) -> bool:
    """Return whether a list's entry tells what older versions of Ollama leave to /api/show."""
    window = part(entry, "details", "context_length")
    return isinstance(entry.get("capabilities"), list) and (bool(window) or _remote(entry))


def _describe(record: Record, document: Any, source: str) -> None:
    """Note what an entry of the list, or /api/show, tells."""
    record.remote = record.remote or _remote(document) or _cloud(record.id)
    family = part(document, "details", "family")
    record.family = record.family or (family if isinstance(family, str) else "")
    capabilities = texts(part(document, "capabilities"))
    if not capabilities:
        return
    source = f"{source}: capabilities"
    record.mode(first_mode((word for word in _MODES if word in capabilities), _MODES), source)
    if "completion" in capabilities:  # Ollama names all that it found, and refuses the rest
        for word, flag in _CAPABILITIES.items():
            record.flag(flag, word in capabilities, source)


def _add_shown(record: Record, server: Server) -> bool:
    """Add what /api/show tells of one model; return whether Ollama can read that model."""
    try:
        shown = server.optional("/api/show", post={"model": record.id})
    except Unavailable as error:
        if error.status != 500:
            raise
        return False  # a broken model, which must not hide the others
    _describe(record, shown, _SHOW)
    parameters = part(shown, "parameters")
    found = _NUM_CTX.search(parameters) if isinstance(parameters, str) else None
    if found:
        record.tokens("max_input_tokens", int(found[1]), f"{_SHOW}: num_ctx in parameters")
    return True


def _running(server: Server) -> dict[str, Any] | None:
    """Return the window of every loaded model by its full name; None where that is not told."""
    running = part(server.optional("/api/ps"), "models")
    if not isinstance(running, list):
        return None
    return {_full(id_of(one)): part(one, "context_length") for one in running}


def _add_running(record: Record, windows: dict[str, Any]) -> None:
    name = _full(record.id)
    record.state = LOADED if name in windows else UNLOADED
    record.tokens("max_input_tokens", windows.get(name), "GET /api/ps: context_length")


def _full(name: str) -> str:
    """Return a name as Ollama compares it: case does not count, ``:latest`` is implied."""
    name = name.lower()
    return name if ":" in name.rpartition("/")[2] else f"{name}:latest"


def _remote(document: Any) -> bool:
    return bool(part(document, "remote_host") or part(document, "remote_model"))


def _cloud(name: str) -> bool:
    return name.endswith(("-cloud", ":cloud"))


def _notes(beyond: int, failed: int) -> list[str]:
    notes = []
    if beyond > 0:
        notes.append(f"only the first {MAX_SHOWN} models without a description were asked about")
    if failed:
        notes.append(f"{_SHOW} failed for {failed} models: Ollama cannot read them")
    return notes
