"""TGI: one model, with its limits in ``/info``."""

from __future__ import annotations

from typing import Any, Final

from ...errors import Garbled, Rejected
from ..model_list import Entries, read_entries, read_list
from ..record import LOADED, Record, part
from ..server import V1, Found, Route, Server

ALLOWED: Final = ("GET /v1/models", "GET /info")
PLACES: Final = ("/v1",)
ROUTES: Final = {"": Route("openai", V1)}
"""LiteLLM's ``huggingface/`` has chat too, but no completions."""
_INFO: Final = "GET /info"
_TAGS: Final = {"text-generation": "chat", "image-text-to-text": "chat"}


def ask(server: Server) -> Found:
    """List the model and read its limits; versions without a list name it only in /info."""
    try:
        entries, listed = read_list(server, PLACES)
    except Rejected as error:
        if error.status != 404 or server.models_endpoint:
            raise
        info = server.get("/info")
        entries, listed = _list_of(info, server, error), f"{server.endpoint}/v1"
    else:
        info = server.optional("/info")
    records = [Record(name, state=LOADED) for name, _ in entries]
    if len(records) == 1:
        _add_info(records[0], info)
    return entries.found(records, listed)


def _list_of(info: Any, server: Server, missing: Rejected) -> Entries:
    """Return a list of the model that /info names."""
    name = part(info, "model_id")
    if not isinstance(name, str) or not name:
        raise Garbled(f"{missing}; and /info names no model: {server.quote(info)}")
    return read_entries({"data": [name]}, server.quote)


def _add_info(record: Record, info: Any) -> None:
    tag = part(info, "model_pipeline_tag")
    if isinstance(tag, str):
        record.mode(_TAGS.get(tag), f"{_INFO}: model_pipeline_tag")
    if tag == "image-text-to-text":
        record.flag("vision", value=True, source=f"{_INFO}: model_pipeline_tag")
    for key in ("max_input_tokens", "max_input_length"):  # the second is the older name
        record.tokens("max_input_tokens", part(info, key), f"{_INFO}: {key}")
    record.tokens("max_tokens", part(info, "max_total_tokens"), f"{_INFO}: max_total_tokens")
