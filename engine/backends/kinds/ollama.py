"""Ollama: ``/api/tags``, ``/api/show`` for older versions, and ``/api/ps`` for what is loaded.

The ``context_length`` of a model is the window that it was trained for. The window that it runs
with is by default far smaller, and Ollama cuts longer prompts without an error. It is known only
from ``/api/ps`` for a loaded model, or from ``num_ctx`` in the model's parameters. None of these
requests loads a model.
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
"""LiteLLM has no embedding for ``ollama_chat/``, and neither chat nor images for ``ollama/``."""
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
    """List the models, ask for the fields that the list lacks, and read what is loaded."""
    path = server.prefix + server.models_endpoint if server.models_endpoint else "/api/tags"
    entries = read_entries(server.get(path), server.quote)
    windows = _read_windows(server)
    bare = [name for name, entry in entries if not _is_described(entry)]
    shown = set(bare[:MAX_SHOWN])
    records, failed = [], 0
    for name, entry in entries:
        record = Record(name)
        record.also((_full(name), _full(name).removesuffix(":latest")))
        _describe(record, entry, f"GET {path}")
        if windows is not None:
            _add_window(record, windows)
        if name in shown:
            failed += not _add_shown(record, server)
        if record.remote:
            record.state = ""
        records.append(record)
    found = entries.found(records, server.endpoint, *_notes(len(bare) - MAX_SHOWN, failed))
    return replace(found, matching=CASELESS)


def _is_described(entry: dict[str, Any]) -> bool:
    """Return whether an entry of the list has the fields that older versions lack."""
    window = part(entry, "details", "context_length")
    return isinstance(entry.get("capabilities"), list) and (bool(window) or _remote(entry))


def _describe(record: Record, document: Any, source: str) -> None:
    """Note the fields of an entry of the list, or of an answer of /api/show."""
    record.remote = record.remote or _remote(document) or _cloud(record.id)
    family = part(document, "details", "family")
    record.family = record.family or (family if isinstance(family, str) else "")
    capabilities = texts(part(document, "capabilities"))
    if not capabilities:
        return
    source = f"{source}: capabilities"
    record.mode(first_mode((word for word in _MODES if word in capabilities), _MODES), source)
    if "completion" in capabilities:  # Ollama names all of them, and refuses the others
        for word, flag in _CAPABILITIES.items():
            record.flag(flag, word in capabilities, source)


def _add_shown(record: Record, server: Server) -> bool:
    """Add the fields of /api/show for a model; return whether Ollama can read that model."""
    try:
        shown = server.optional("/api/show", post={"model": record.id})
    except Unavailable as error:
        if error.status != 500:
            raise
        return False  # a broken model must not hide the others
    _describe(record, shown, _SHOW)
    parameters = part(shown, "parameters")
    found = _NUM_CTX.search(parameters) if isinstance(parameters, str) else None
    if found:
        record.tokens("max_input_tokens", int(found[1]), f"{_SHOW}: num_ctx in parameters")
    return True


def _read_windows(server: Server) -> dict[str, Any] | None:
    """Return the window of every loaded model by its full name; None if that is unknown."""
    running = part(server.optional("/api/ps"), "models")
    if not isinstance(running, list):
        return None
    return {_full(id_of(model)): part(model, "context_length") for model in running}


def _add_window(record: Record, windows: dict[str, Any]) -> None:
    name = _full(record.id)
    record.state = LOADED if name in windows else UNLOADED
    record.tokens("max_input_tokens", windows.get(name), "GET /api/ps: context_length")


def _full(name: str) -> str:
    """Return a name as Ollama compares it: in lower case, with ``:latest`` if it has no tag."""
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
