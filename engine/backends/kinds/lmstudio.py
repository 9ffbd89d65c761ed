"""LM Studio: its own list if it has one, since its OpenAI list has only ids.

``/api/v1/models`` exists since 0.4.0, ``/api/v0/models`` since 0.3.6. Any other path answers with
an error object and status 200, so a status proves nothing. ``max_context_length`` is the largest
window that a model can be loaded with; the actual window is known only while it is loaded.
"""

from __future__ import annotations

from typing import Any, Final

from ...errors import Garbled, Rejected
from ..model_list import Entries, read_entries
from ..record import LOADED, UNLOADED, Record, part, texts
from ..server import V1, Found, Route, Server

ALLOWED: Final = ("GET /api/v1/models", "GET /api/v0/models", "GET /v1/models")
PLACES: Final[tuple[str, ...]] = ()
ROUTES: Final = {
    "": Route("lm_studio", V1),
    "completion": Route("openai", V1),
}
"""``lm_studio/`` sends completions to ``/chat/completions``."""
_LISTS: Final = ("/api/v1/models", "/api/v0/models", "/v1/models")
_MODES: Final = {"llm": "chat", "vlm": "chat", "embedding": "embedding", "embeddings": "embedding"}
_STATES: Final = {"loaded": LOADED, "not-loaded": UNLOADED}


def ask(server: Server) -> Found:
    """List the models from the richest list that this version has."""
    entries, path = _entries(server)
    records = [_record(name, entry, f"GET {path}") for name, entry in entries]
    return entries.found(records, f"{server.endpoint}/v1")


def _entries(server: Server) -> tuple[Entries, str]:
    if server.models_endpoint:
        path = server.prefix + server.models_endpoint
        return read_entries(server.get(path), server.quote), path
    problem: Garbled | Rejected | None = None
    for path in _LISTS:
        try:
            return read_entries(server.get(path), server.quote), path
        except (Garbled, Rejected) as error:
            if isinstance(error, Rejected) and error.status in (401, 403):
                raise
            problem = error
    assert problem is not None
    raise problem


def _record(name: str, entry: dict[str, Any], source: str) -> Record:
    record = Record(name)
    kind = entry.get("type")
    record.mode(_MODES.get(kind) if isinstance(kind, str) else None, f"{source}: type")
    family = entry.get("architecture") or entry.get("arch")
    record.family = family if isinstance(family, str) else ""
    record.state = _STATES.get(str(entry.get("state")), "")
    if kind == "vlm":
        record.flag("vision", value=True, source=f"{source}: type")
    record.tokens(
        "max_input_tokens", entry.get("loaded_context_length"), f"{source}: loaded_context_length"
    )
    _add_capabilities(record, entry.get("capabilities"), f"{source}: capabilities")
    if isinstance(entry.get("loaded_instances"), list):
        _add_instances(record, entry["loaded_instances"], f"{source}: loaded_instances")
    return record


def _add_capabilities(record: Record, capabilities: Any, source: str) -> None:
    """Note the capabilities: an object in /api/v1, a list of the existing ones in /api/v0.

    A model that was not trained for tools can still use them by its prompt: that is not a no.
    """
    record.flag("vision", part(capabilities, "vision"), source)
    if part(capabilities, "trained_for_tool_use") is True or "tool_use" in texts(capabilities):
        record.flag("function_calling", value=True, source=source)
    if isinstance(part(capabilities, "reasoning"), dict):
        record.flag("reasoning", value=True, source=source)


def _add_instances(record: Record, instances: list[Any], source: str) -> None:
    """Note the window of the loaded instances of a model; the smallest one if they differ."""
    record.state = LOADED if instances else UNLOADED
    windows = [_whole(part(instance, "config", "context_length")) for instance in instances]
    if windows and all(windows):
        record.tokens("max_input_tokens", min(windows), source)
    if len(instances) == 1:
        record.serve(part(instances[0], "config", "parallel"))


def _whole(value: Any) -> int:
    sound = isinstance(value, int) and not isinstance(value, bool) and value > 0
    return value if sound else 0
