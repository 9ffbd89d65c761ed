"""llama.cpp: one model with ``/props``, or a router whose list tells the state of each model.

``GET /props?model=`` loads a model in a router and ``?reload=1`` rescans its disk: neither is sent.
llama-swap has the same list, filled with what its administrator configured.
"""

from __future__ import annotations

import itertools
import re
from dataclasses import replace
from typing import Any, Final

from ..model_list import listed_below, matching_of
from ..record import FAILED, LOADED, UNLOADED, Record, part, texts
from ..server import V1, Found, Route, Server

ALLOWED: Final = ("GET /models", "GET /v1/models", "GET /props")
PLACES: Final = ("", "/v1")
ROUTES: Final = {
    "": Route("openai", V1),
    "embedding": Route("hosted_vllm", V1),
    "rerank": Route("hosted_vllm", V1),
}
"""LiteLLM's ``openai/`` has no rerank, and before 1.95 sends ``encoding_format: null`` with an
embedding, which llama.cpp refuses (seen on 1.83.14)."""
_PROPS: Final = "GET /props"
_DIGITS: Final = re.compile(r"\d{1,12}", re.ASCII)
_STATES: Final = {"loaded": LOADED, "sleeping": LOADED, "unloaded": UNLOADED}


def ask(server: Server) -> Found:
    """List the models; for a server with one, read what ``/props`` adds."""
    entries, listed = listed_below(server, PLACES)
    records = [_listed(name, entry) for name, entry in entries]
    router = any("status" in entry for _, entry in entries)
    if records and not router:
        props = server.optional("/props")
        for record in records:
            _add_props(record, props)
    return replace(entries.found(records, listed), matching=matching_of(entries))


def _listed(name: str, entry: dict[str, Any]) -> Record:
    """Read an entry.

    A router tells by its arguments what a model is for, a single server does
    not: a list that says "text" is also that of an embedding server.
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
    told = part(entry, "capabilities")  # llama-swap's; llama.cpp's own is a list without meaning
    if part(told, "reranker") is True:
        record.mode("rerank", "GET /models: capabilities.reranker")
    record.flag("function_calling", part(told, "function_calling"), "GET /models: capabilities")
    record.inputs(part(entry, "architecture", "input_modalities"), "GET /models: architecture")
    record.tokens("max_input_tokens", part(entry, "meta", "n_ctx"), "GET /models: meta.n_ctx")
    record.tokens(
        "max_input_tokens",
        _number_after("--ctx-size", arguments),
        "GET /models: status.args --ctx-size",
    )
    return record


def _add_props(record: Record, props: Any) -> None:
    """Add what a server with a single model, perhaps under several aliases, says of it."""
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
