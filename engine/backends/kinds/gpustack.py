"""GPUStack: the list, and once more for each category, which is only a filter of the list.

It lists only models that have a running instance and that the key may use.
"""

from __future__ import annotations

from typing import Any, Final

from ...errors import Garbled
from ..model_list import read_entries
from ..paging import find_list, with_query
from ..record import Record, part
from ..server import LISTED, V1, Found, Route, Server

ALLOWED: Final = ("GET /v1/models", "GET /v1-openai/models")
PLACES: Final = ("/v1", "/v1-openai")
ROUTES: Final = {
    "": Route("openai", LISTED),
    "rerank": Route("hosted_vllm", V1),
}
"""LiteLLM has no rerank for ``openai/``. Older versions have rerank at ``/v1``, next to the rest at
``/v1-openai``."""
_CATEGORIES: Final = {
    "llm": "chat",
    "embedding": "embedding",
    "image": "image_generation",
    "reranker": "rerank",
    "speech_to_text": "audio_transcription",
    "text_to_speech": "audio_speech",
}
_WINDOWS: Final = ("max_model_len", "n_ctx")


def ask(server: Server) -> Found:
    """List the models, then the ids of every category."""
    found_list = find_list(server, PLACES, "with_meta=true")
    records = [_record(name, entry) for name, entry in found_list.entries]
    if records and not server.models_endpoint:
        path = found_list.path.partition("?")[0]
        _add_modes(records, server, path)
    return found_list.entries.found(records, found_list.listed)


def _record(name: str, entry: dict[str, Any]) -> Record:
    record = Record(name)
    for key in _WINDOWS:
        record.tokens("max_input_tokens", part(entry, "meta", key), f"GET /v1/models: meta.{key}")
    return record


def _add_modes(records: list[Record], server: Server, path: str) -> None:
    """Note the category of each model that is listed in exactly one category.

    A server that does not know the filter returns the whole list for each category.
    """
    members = {name: _ids(server, path, name) for name in _CATEGORIES}
    for record in records:
        names = [name for name, ids in members.items() if record.id in ids]
        if len(names) == 1:
            record.mode(_CATEGORIES[names[0]], f"GET {path}?categories={names[0]}")


def _ids(server: Server, path: str, category: str) -> set[str]:
    document = server.optional(with_query(path, f"categories={category}"))
    try:
        return set(read_entries(document, server.quote).members)
    except Garbled:
        return set()
