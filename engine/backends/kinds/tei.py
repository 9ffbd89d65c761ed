"""TEI (Text Embeddings Inference): no list; ``/info`` describes its one model."""

from __future__ import annotations

from typing import Any, Final

from ...errors import Garbled
from ..model_list import read_entries
from ..record import Record, first_mode, part
from ..server import ROOT, V1, Found, Route, Server

ALLOWED: Final = ("GET /info",)
PLACES: Final[tuple[str, ...]] = ()
ROUTES: Final = {
    "": Route("openai", V1),
    "rerank": Route("huggingface", ROOT),
}
"""LiteLLM's ``huggingface/`` can use the rerank of TEI; for embeddings it would ask the hub."""
_MODES: Final = {"embedding": "embedding", "reranker": "rerank"}


def ask(server: Server) -> Found:
    """Return the model of ``/info``, nothing if it is a classifier."""
    path = server.prefix + server.models_endpoint if server.models_endpoint else "/info"
    info = server.get(path)
    entries = read_entries({"data": [_name(info, server)]}, server.quote)
    types = part(info, "model_type")
    words = [types] if isinstance(types, str) else list(types) if isinstance(types, dict) else []
    if "classifier" in words:
        entries.members.clear()
        return entries.found([], server.endpoint, "its model is a classifier: LiteLLM has no mode")
    records = []
    for name, _ in entries:
        record = Record(name)
        record.mode(first_mode(words, _MODES), f"GET {path}: model_type")
        record.tokens(
            "max_input_tokens", part(info, "max_input_length"), f"GET {path}: max_input_length"
        )
        records.append(record)
    return entries.found(records, server.endpoint)


def _name(info: Any, server: Server) -> str:
    """Return the name under which the model is served; older versions have only its own name.

    Raises:
        Garbled: it is not an answer of TEI; TGI's has no ``model_type``.
    """
    for key in ("served_model_name", "model_id"):
        name = part(info, key)
        if isinstance(name, str) and name and part(info, "model_type"):
            return name
    raise Garbled(f"the answer is not that of TEI to /info: {server.quote(info)}")
