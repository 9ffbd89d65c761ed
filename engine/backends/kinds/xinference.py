"""Xinference: the running models, with the type and the abilities that they were launched with.

The ``context_length`` of a language model is that of its family, not the window that it was
launched with, so it is not registered. For an embedding model the two are the same.
"""

from __future__ import annotations

from typing import Any, Final

from ..model_list import read_list
from ..record import Record, first_mode, texts
from ..server import V1, Found, Route, Server

ALLOWED: Final = ("GET /v1/models",)
PLACES: Final = ("/v1",)
ROUTES: Final = {
    "": Route("xinference", V1),
    "completion": Route("openai", V1),
    "rerank": Route("jina_ai", V1),
}
"""LiteLLM has no rerank for ``xinference/``, and sends completions to ``/chat/completions``."""
_TYPES: Final = {
    "embedding": "embedding",
    "rerank": "rerank",
    "image": "image_generation",
    "video": "video_generation",
}
_LLM: Final = {"chat": "chat", "generate": "completion"}
_AUDIO: Final = {
    "audio2text": "audio_transcription",
    "text2audio": "audio_speech",
}
_FLAGS: Final = {
    "vision": ("vision", "omni"),
    "audio_input": ("audio", "omni"),
    "function_calling": ("tools",),
    "reasoning": ("reasoning", "hybrid"),
}
_LIST: Final = "GET /v1/models"


def ask(server: Server) -> Found:
    """List the running models."""
    entries, listed = read_list(server, PLACES)
    return entries.found([_record(name, entry) for name, entry in entries], listed)


def _record(name: str, entry: dict[str, Any]) -> Record:
    record = Record(name)
    kind, abilities = entry.get("model_type"), texts(entry.get("model_ability"))
    family = entry.get("model_family") or entry.get("model_name")
    record.family = family if isinstance(family, str) else ""
    if kind == "LLM":
        _add_abilities(record, abilities)
    elif kind == "audio":
        words = [word for word in _AUDIO if word in abilities]
        if len(words) == 1:  # a row of LiteLLM has a single mode
            record.mode(_AUDIO[words[0]], f"{_LIST}: model_ability")
    elif kind == "image":
        _add_image(record, abilities)
    elif isinstance(kind, str):
        record.mode(_TYPES.get(kind), f"{_LIST}: model_type")
    if kind in ("embedding", "rerank"):
        record.tokens("max_input_tokens", entry.get("max_tokens"), f"{_LIST}: max_tokens")
    return record


def _add_abilities(record: Record, abilities: list[str]) -> None:
    """Note what a language model can do.

    The abilities of a family are written by hand and often incomplete: a missing one is not a no.
    """
    source = f"{_LIST}: model_ability"
    record.mode(first_mode((word for word in _LLM if word in abilities), _LLM), source)
    for flag, words in _FLAGS.items():
        record.flag(flag, bool(set(words) & set(abilities)) or None, source)


def _add_image(record: Record, abilities: list[str]) -> None:
    """Note what an image model is for; some only read the text in images."""
    if not abilities or "text2image" in abilities:
        record.mode("image_generation", f"{_LIST}: model_type")
