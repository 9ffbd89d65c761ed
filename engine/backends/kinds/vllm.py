"""vLLM, NIM and others with its list: the window per model, LoRA adapters beside their base model.

The paths of ``/openapi.json``, which needs no key, show what the server is for: vLLM registers only
the routes of its task, so a chat server has no embeddings, nor the reverse. Nothing that it
publishes shows tools, reasoning or vision.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, Final

from ..model_list import Entries, read_list
from ..record import LOADED, Record, part
from ..server import LISTED, Found, Route, Server

ALLOWED: Final = ("GET /v1/models", "GET /models", "GET /openapi.json")
PLACES: Final = ("/v1", "")
ROUTES: Final = {"": Route("hosted_vllm", LISTED)}
"""LiteLLM's ``hosted_vllm/`` has every mode, including rerank, below the address of the list."""
_OPENAPI: Final = "GET /openapi.json: paths"
_ONLY: Final = (
    ("/v1/chat/completions", "chat"),
    ("/v1/embeddings", "embedding"),
    ("/v1/rerank", "rerank"),
    ("/v1/audio/transcriptions", "audio_transcription"),
)
"""The first of these paths that a server has shows what it is for."""


def ask(server: Server) -> Found:
    """List the models; if there is one base model, its mode follows from the server's paths."""
    entries, listed = read_list(server, PLACES)
    if server.models_endpoint and not server.models_endpoint.startswith("/models"):
        listed = f"{server.endpoint}/v1"
    records = read_records(entries)
    bases = [record for record in records if not record.parent]
    if one_family(bases):
        mode = _mode_of(part(server.optional("/openapi.json"), "paths"))
        for record in bases:
            record.mode(mode, _OPENAPI)
    inherit(records)
    return entries.found(records, listed)


def read_records(entries: Entries) -> list[Record]:
    """Read a list that has ``max_model_len``, ``root`` and ``parent`` of each model."""
    records = []
    for name, entry in entries:
        record = Record(name, parent=_text(entry, "parent"), family=_text(entry, "root"))
        record.state = LOADED  # neither server answers before its models are loaded
        record.tokens("max_input_tokens", entry.get("max_model_len"), "GET /models: max_model_len")
        records.append(record)
    return records


def one_family(bases: Collection[Record]) -> bool:
    """Return whether these are all names of the same model."""
    return len({record.family or record.id for record in bases}) == 1


def inherit(records: Iterable[Record]) -> None:
    """Copy to each LoRA adapter the fields of its base model that it does not have itself."""
    known = {record.id: record for record in records if not record.parent}
    for record in records:
        base = known.get(record.parent)
        if base is None:
            continue
        for name, value in base.info.items():
            record.note(name, value, f"{base.sources[name]} of its base model")
        record.family = base.family or record.family


def _mode_of(paths: Any) -> str | None:
    """Return what a server with these paths is for; None if they fit several tasks.

    Gateways, and versions that registered every route for any task, have the first two.
    """
    if not isinstance(paths, dict) or all(path in paths for path, _ in _ONLY[:2]):
        return None
    return next((mode for path, mode in _ONLY if path in paths), None)


def _text(entry: dict[str, Any], name: str) -> str:
    value = entry.get(name)
    return value if isinstance(value, str) else ""
