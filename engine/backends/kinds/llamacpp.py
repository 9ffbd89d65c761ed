"""llama.cpp: one model with ``/props``, or a router whose list has the state of each model.

In a router ``GET /props?model=`` loads a model, and ``?reload=1`` rescans the disk: neither is
sent. llama-swap has the same list, with the fields that its administrator configured.
"""

from __future__ import annotations

import itertools
import re
from dataclasses import replace
from typing import Any, Final

from ..model_list import matching_of, read_list
from ..record import FAILED, LOADED, UNLOADED, Record, part, texts
from ..server import V1, Found, Route, Server

ALLOWED: Final = ("GET /models", "GET /v1/models", "GET /props")
PLACES: Final = ("", "/v1")
ROUTES: Final = {
    "": Route("openai", V1),
    "embedding": Route("hosted_vllm", V1),
    "rerank": Route("hosted_vllm", V1),
}
"""LiteLLM has no rerank for ``openai/``. Before 1.95 it sends ``encoding_format: null`` for
embeddings, which llama.cpp refuses (seen on 1.83.14)."""
_PROPS: Final = "GET /props"
_DIGITS: Final = re.compile(r"\d{1,12}", re.ASCII)
_STATES: Final = {"loaded": LOADED, "sleeping": LOADED, "unloaded": UNLOADED}


def ask(server: Server) -> Found:
    """List the models; if the server is not a router, add the fields of ``/props``."""
    entries, listed = read_list(server, PLACES)
    records = [_record(name, entry) for name, entry in entries]
    router = any("status" in entry for _, entry in entries)
    if records and not router:
        props = server.optional("/props")
        for record in records:
            _add_props(record, props)
    return replace(entries.found(records, listed), matching=matching_of(entries))


def _record(name: str, entry: dict[str, Any]) -> Record:
    """Read an entry.

    In a router the arguments of a model show what it is for. The list of a single server does not:
    it says "text" for an embedding model too.
    """
    record = Record(name)
    record.also(texts(entry.get("aliases")))
    arguments = texts(part(entry, "status", "args"))
    record.state = _STATES.get(str(part(entry, "status", "value")), "")
    if part(entry, "status", "failed") is True:
        record.state = FAILED
    if {"--embeddings", "--embedding"} & set(arguments):
        record.mode("embedding", "GET /models: status.args --embeddings")
    elif {"--reranking", "--rerank"} & set(arguments):
        record.mode("rerank", "GET /models: status.args --reranking")
    elif arguments and "text" in texts(part(entry, "architecture", "output_modalities")):
        record.mode("chat", "GET /models: status.args, architecture.output_modalities")
    swap = part(entry, "capabilities")  # a map of llama-swap; that of llama.cpp is a list
    if part(swap, "reranker") is True:
        record.mode("rerank", "GET /models: capabilities.reranker")
    record.flag("function_calling", part(swap, "function_calling"), "GET /models: capabilities")
    record.inputs(part(entry, "architecture", "input_modalities"), "GET /models: architecture")
    record.tokens("max_input_tokens", part(entry, "meta", "n_ctx"), "GET /models: meta.n_ctx")
    record.tokens(
        "max_input_tokens",
        _number_after("--ctx-size", arguments),
        "GET /models: status.args --ctx-size",
    )
    return record


def _add_props(record: Record, props: Any) -> None:
    """Add the fields of the only model, which may have several aliases."""
    if isinstance(props, dict):
        record.state = LOADED
    if part(props, "chat_template"):
        record.mode("chat", f"{_PROPS}: chat_template")
    record.tokens(
        "max_input_tokens", part(props, "default_generation_settings", "n_ctx"), f"{_PROPS}: n_ctx"
    )
    record.flag("vision", part(props, "modalities", "vision"), f"{_PROPS}: modalities")
    record.flag("audio_input", part(props, "modalities", "audio"), f"{_PROPS}: modalities")
    can = part(props, "chat_template_caps")
    tools, calls = part(can, "supports_tools"), part(can, "supports_tool_calls")
    if isinstance(tools, bool) and isinstance(calls, bool):
        record.flag("function_calling", tools and calls, f"{_PROPS}: chat_template_caps")
    record.serve(part(props, "total_slots"))


def _number_after(option: str, arguments: list[str]) -> int | None:
    for name, value in itertools.pairwise(arguments):
        if name == option and _DIGITS.fullmatch(value):
            return int(value)
    return None
