"""LocalAI: a list that has what each model is for, beside OpenAI's list, which has only ids.

The capabilities of a model come from its configuration. Tools, thinking and vision are known only
once the model was loaded, so a capability that is not named may still exist.
"""

from __future__ import annotations

from typing import Final

from ...errors import Garbled, Rejected
from ..model_list import Entries, read_entries, read_list
from ..paging import left_out_note
from ..record import Record, first_mode, texts
from ..server import V1, Found, Route, Server

ALLOWED: Final = ("GET /v1/models/capabilities", "GET /v1/models")
PLACES: Final = ("/v1",)
ROUTES: Final = {
    "": Route("openai", V1),
    "rerank": Route("hosted_vllm", V1),
}
"""LiteLLM has no rerank for ``openai/``."""
_PATH: Final = "/v1/models/capabilities"
_MODES: Final = {
    "chat": "chat",
    "embeddings": "embedding",
    "rerank": "rerank",
    "transcript": "audio_transcription",
    "tts": "audio_speech",
    "image": "image_generation",
    "video": "video_generation",
    "completion": "completion",
}
"""The first one that a model has decides: a model for chat is named for completion too."""
_FLAGS: Final = {"tools": "function_calling", "thinking": "reasoning", "vision": "vision"}


def ask(server: Server) -> Found:
    """List the models with their capabilities; older versions have only the plain list."""
    entries = _entries(server)
    records, skipped = [], []
    for name, entry in entries:
        words = texts(entry.get("capabilities"))
        if words and not set(words) & set(_MODES):
            skipped.append(name)
        else:
            records.append(_record(name, words, texts(entry.get("input_modalities"))))
    notes = left_out_note(server, skipped, "LiteLLM has no mode for what they do")
    return entries.found(records, f"{server.endpoint}/v1", *notes)


def _entries(server: Server) -> Entries:
    if not server.models_endpoint:
        try:
            return read_entries(server.get(_PATH), server.quote)
        except (Garbled, Rejected) as error:
            if isinstance(error, Rejected) and error.status in (401, 403):
                raise
    return read_list(server, PLACES)[0]


def _record(name: str, words: list[str], inputs: list[str]) -> Record:
    """Read an entry; a file without a configuration has null in every field."""
    record = Record(name)
    source = f"GET {_PATH}: capabilities"
    record.mode(first_mode((word for word in _MODES if word in words), _MODES), source)
    _add_true(record, _FLAGS, words, source)
    if record.info.get("mode") == "chat":
        _add_true(
            record,
            {"audio": "audio_input", "video": "video_input"},
            inputs,
            f"GET {_PATH}: input_modalities",
        )
    return record


def _add_true(record: Record, flags: dict[str, str], words: list[str], source: str) -> None:
    for word, flag in flags.items():
        record.flag(flag, (word in words) or None, source)
