"""Any OpenAI-compatible server: the list, and the fields that its entries have beyond their ids.

OpenAI's own list has only ids. Each server or gateway adds its own fields; those that are read here
mean the same on every server.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from ..model_list import matching_of
from ..paging import find_list, paged_entries
from ..record import FAILED, LOADED, UNLOADED, Record, part, texts
from ..server import LISTED, Found, Route, Server

ALLOWED: Final = ("GET /models", "GET /v1/models")
PLACES: Final = ("", "/v1")
ROUTES: Final = {
    "": Route("openai", LISTED),
    "rerank": Route("hosted_vllm", LISTED),
}
"""LiteLLM has no rerank for ``openai/``. Both providers append to ``api_base`` as it is, so the
address that answers the list is the one to register."""
_LIST: Final = "GET /models"
_WINDOWS: Final = (
    ("max_input_tokens",),
    ("max_model_len",),
    ("meta", "n_ctx"),
    ("context_length",),
)
"""Where the window is in LiteLLM, in vLLM and similar servers, in llama.cpp, in OpenRouter."""
_STATES: Final = {"loaded": LOADED, "sleeping": LOADED, "unloaded": UNLOADED}


def ask(server: Server) -> Found:
    """List the models, at ``/models`` or ``/v1/models`` below the configured URL, page by page."""
    first = find_list(server, PLACES)
    entries = paged_entries(server, first.path, first.document)
    found = entries.found([_record(name, entry) for name, entry in entries], first.listed)
    return replace(found, matching=matching_of(entries))


def _record(name: str, entry: dict[str, Any]) -> Record:
    record = Record(name)
    record.also(texts(entry.get("aliases")))
    parent = entry.get("parent")
    record.parent = parent if isinstance(parent, str) else ""
    record.state = _state(entry.get("status"))
    for path in _WINDOWS:
        record.tokens("max_input_tokens", part(entry, *path), f"{_LIST}: {'.'.join(path)}")
    record.tokens(
        "max_output_tokens", entry.get("max_output_tokens"), f"{_LIST}: max_output_tokens"
    )
    _add_mode(record, entry)
    _add_capabilities(record, entry)
    return record


def _add_mode(record: Record, entry: dict[str, Any]) -> None:
    """Note what a model is for, if an entry has that or its modalities show it.

    llama.cpp names text as output even if it was started for embeddings.
    """
    mode = entry.get("mode")
    record.mode(mode if isinstance(mode, str) else None, f"{_LIST}: mode")
    if part(entry, "capabilities", "reranker") is True:
        record.mode("rerank", f"{_LIST}: capabilities.reranker")
    reads, writes = (
        texts(part(entry, "architecture", f"{way}_modalities")) for way in ("input", "output")
    )
    if "text" in reads and "text" in writes and entry.get("owned_by") != "llamacpp":
        record.mode("chat", f"{_LIST}: architecture")


def _add_capabilities(record: Record, entry: dict[str, Any]) -> None:
    for name in ("vision", "function_calling"):
        record.flag(name, part(entry, "capabilities", name), f"{_LIST}: capabilities.{name}")
    record.inputs(part(entry, "architecture", "input_modalities"), f"{_LIST}: architecture")


def _state(status: Any) -> str:
    """Return the state of a model in a router."""
    if part(status, "failed") is True:
        return FAILED
    return _STATES.get(str(part(status, "value")), "")
