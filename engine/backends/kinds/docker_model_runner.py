"""Docker Model Runner: the models that were pulled, below ``/engines/v1``.

``context_window`` is the window that the model is started with; without it the default of its
engine applies. Nothing shows what a model is for.
"""

from __future__ import annotations

from typing import Any, Final

from ..model_list import read_list
from ..record import Record, part
from ..server import LISTED, Found, Route, Server

ALLOWED: Final = ("GET /engines/v1/models", "GET /v1/models")
PLACES: Final = ("/engines/v1", "/v1")
ROUTES: Final = {
    "": Route("openai", LISTED),
    "rerank": Route("hosted_vllm", LISTED),
}
"""LiteLLM has no embedding for ``docker_model_runner/``, and no rerank for ``openai/``."""
_SOURCE: Final = "GET /engines/v1/models: dmr.context_window"


def ask(server: Server) -> Found:
    """List the models; ``/v1`` is an alias that only newer versions have."""
    entries, listed = read_list(server, PLACES)
    return entries.found([_record(name, entry) for name, entry in entries], listed)


def _record(name: str, entry: dict[str, Any]) -> Record:
    record = Record(name)
    record.tokens("max_input_tokens", part(entry, "dmr", "context_window"), _SOURCE)
    family = part(entry, "dmr", "architecture")
    record.family = family if isinstance(family, str) else ""
    return record
