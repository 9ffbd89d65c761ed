"""infinity: embeddings and rerank; the list is at ``/models``, or below its ``url_prefix``."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from ..model_list import read_list
from ..paging import left_out_note
from ..record import Record, first_mode, texts
from ..server import LISTED, Found, Route, Server

ALLOWED: Final = ("GET /models", "GET /v1/models")
PLACES: Final = ("", "/v1")
ROUTES: Final = {
    "": Route("openai", LISTED),
    "embedding": Route("infinity", LISTED),
    "rerank": Route("infinity", LISTED),
}
"""Only LiteLLM's ``infinity/`` can read the rerank answers of infinity."""
_SOURCE: Final = "GET /models: capabilities"
_MODES: Final = {
    "embed": "embedding",
    "rerank": "rerank",
    "image_embed": "embedding",
    "audio_embed": "embedding",
}


def ask(server: Server) -> Found:
    """List the models; a ``/v1`` in the URL may be there by habit, so both places are tried."""
    if not server.models_endpoint:
        server = replace(server, url=server.endpoint)
    entries, listed = read_list(server, PLACES)
    records, skipped = [], []
    for name, entry in entries:
        words = texts(entry.get("capabilities"))
        if words and set(words) <= {"classify"}:
            skipped.append(name)
        else:
            records.append(_record(name, words))
    notes = left_out_note(server, skipped, "LiteLLM has no mode for classifiers")
    return entries.found(records, listed, *notes)


def _record(name: str, words: list[str]) -> Record:
    """Note what a model is for; its capabilities have no order."""
    record = Record(name)
    record.mode(first_mode((word for word in _MODES if word in words), _MODES), _SOURCE)
    if record.info.get("mode") == "embedding":
        record.flag("embedding_image_input", "image_embed" in words, _SOURCE)
    return record
