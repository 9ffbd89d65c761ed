"""OpenRouter, and gateways with its list: modalities, parameters, limits and prices of each model.

The list names every modality and parameter that a model accepts, so what is missing is a no. It has
hundreds of entries; a filter in the configuration chooses among them.
"""

from __future__ import annotations

import math
from typing import Any, Final

from ..paging import find_list, paged_entries
from ..record import Record, first_mode, part, texts
from ..server import LISTED, Found, Route, Server

ALLOWED: Final = ("GET /models", "GET /v1/models", "GET /api/v1/models")
PLACES: Final = ("/api/v1", "/v1", "")
ROUTES: Final = {
    "": Route("openrouter", LISTED),
    "completion": Route("openai", LISTED),
    "rerank": Route("hosted_vllm", LISTED),
    "audio_transcription": Route("openai", LISTED),
    "audio_speech": Route("openai", LISTED),
}
"""LiteLLM has neither rerank nor audio for ``openrouter/``. Images are made by chat, as in
OpenRouter."""
_LIST: Final = "GET /models"
_OUTPUTS: Final = {
    "text": "chat",
    "embeddings": "embedding",
    "rerank": "rerank",
    "image": "image_generation",
    "video": "video_generation",
    "transcription": "audio_transcription",
    "speech": "audio_speech",
}
_PARAMETERS: Final = {
    "function_calling": ("tools",),
    "tool_choice": ("tool_choice",),
    "reasoning": ("reasoning",),
    "response_schema": ("structured_outputs", "response_format"),
}
_PRICES: Final = {
    "input_cost_per_token": "prompt",
    "output_cost_per_token": "completion",
}


def ask(server: Server) -> Found:
    """List the models, page by page where a gateway has pages."""
    first = find_list(server, PLACES)
    entries = paged_entries(server, first.path, first.document)
    return entries.found([_record(name, entry) for name, entry in entries], first.listed)


def _record(name: str, entry: dict[str, Any]) -> Record:
    record = Record(name)
    inputs = part(entry, "architecture", "input_modalities")
    outputs = texts(part(entry, "architecture", "output_modalities"))
    source = f"{_LIST}: architecture"
    record.mode(first_mode((word for word in _OUTPUTS if word in outputs), _OUTPUTS), source)
    record.inputs(inputs, source)
    if texts(inputs):
        record.flag("pdf_input", "file" in inputs, source)
        record.flag("video_input", "video" in inputs, source)
    record.tokens("max_input_tokens", entry.get("context_length"), f"{_LIST}: context_length")
    record.tokens(
        "max_output_tokens",
        part(entry, "top_provider", "max_completion_tokens"),
        f"{_LIST}: top_provider.max_completion_tokens",
    )
    _add_parameters(record, texts(entry.get("supported_parameters")))
    for field, key in _PRICES.items():
        record.note(field, _price(part(entry, "pricing", key)), f"{_LIST}: pricing.{key}")
    return record


def _add_parameters(record: Record, parameters: list[str]) -> None:
    if not parameters or record.info.get("mode", "chat") != "chat":
        return
    for flag, words in _PARAMETERS.items():
        record.flag(flag, bool(set(words) & set(parameters)), f"{_LIST}: supported_parameters")


def _price(text: Any) -> float | None:
    """Return a price in dollars per token; None for "-1", which means that it varies."""
    if not isinstance(text, str) or len(text) > 40:
        return None
    try:
        price = float(text)
    except ValueError:
        return None
    return price if math.isfinite(price) and price >= 0 else None
