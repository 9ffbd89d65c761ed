"""Lemonade: the labels of a model, or else its recipe, show what it is for.

``context_length`` is the window that a model is or will be loaded with, ``max_context_window`` the
one that it was trained for.
"""

from __future__ import annotations

from typing import Any, Final

from ..model_list import read_list
from ..paging import left_out_note
from ..record import Record, first_mode, texts
from ..server import LISTED, Found, Route, Server

ALLOWED: Final = ("GET /v1/models", "GET /api/v1/models")
PLACES: Final = ("/v1", "/api/v1")
ROUTES: Final = {
    "": Route("openai", LISTED),
    "rerank": Route("hosted_vllm", LISTED),
}
"""LiteLLM's ``lemonade/`` has only chat, and sends the server more requests than it needs."""
_LIST: Final = "GET /v1/models"
_LABELS: Final = {
    "chat": "chat",
    "embeddings": "embedding",
    "embedding": "embedding",
    "reranking": "rerank",
    "transcription": "audio_transcription",
    "tts": "audio_speech",
    "image": "image_generation",
}
_OTHER_LABELS: Final = {"audio-generation", "classification", "classifier", "3d"}
_RECIPES: Final = {
    "llamacpp": "chat",
    "flm": "chat",
    "ryzenai-llm": "chat",
    "vllm": "chat",
    "cloud": "chat",
    "collection.omni": "chat",
    "whispercpp": "audio_transcription",
    "sd-cpp": "image_generation",
    "kokoro": "audio_speech",
}
_FLAGS: Final = {
    "tool-calling": "function_calling",
    "vision": "vision",
    "reasoning": "reasoning",
    "chat-transcription": "audio_input",
}


def ask(server: Server) -> Found:
    """List the models; older versions have everything below ``/api/v1``."""
    entries, listed = read_list(server, PLACES)
    records, skipped, absent = [], [], []
    for name, entry in entries:
        labels = texts(entry.get("labels"))
        if entry.get("downloaded") is False:
            absent.append(name)
        elif set(labels) & _OTHER_LABELS and not set(labels) & set(_LABELS):
            skipped.append(name)
        else:
            records.append(_record(name, entry, labels))
    return entries.found(
        records,
        listed,
        *left_out_note(server, absent, "they are not downloaded"),
        *left_out_note(server, skipped, "LiteLLM has no mode for what they do"),
    )


def _record(name: str, entry: dict[str, Any], labels: list[str]) -> Record:
    """Read an entry; a missing label says nothing."""
    record = Record(name)
    recipe = entry.get("recipe")
    record.mode(
        first_mode((word for word in _LABELS if word in labels), _LABELS), f"{_LIST}: labels"
    )
    if isinstance(recipe, str):
        record.remote = recipe == "cloud"
        record.mode(_RECIPES.get(recipe), f"{_LIST}: recipe")
    for label, flag in _FLAGS.items():
        record.flag(flag, (label in labels) or None, f"{_LIST}: labels")
    record.tokens("max_input_tokens", entry.get("context_length"), f"{_LIST}: context_length")
    for key in ("max_output_tokens", "max_completion_tokens"):
        record.tokens("max_output_tokens", entry.get(key), f"{_LIST}: {key}")
    return record
