"""SGLang: vLLM's list, and ``/model_info``, which shows what the server was started for.

``/health`` may generate a token, so it is not requested. The list is there before the warm-up has
ended.
"""

from __future__ import annotations

from typing import Any, Final

from ..model_list import read_list
from ..record import Record, part, texts
from ..server import V1, Found, Route, Server
from .vllm import inherit, one_family, read_records

ALLOWED: Final = ("GET /v1/models", "GET /model_info", "GET /get_model_info")
PLACES: Final = ("/v1",)
ROUTES: Final = {"": Route("hosted_vllm", V1)}
_INFO: Final = ("/model_info", "/get_model_info")
"""The second is the older name."""
_PARSERS: Final = (
    ("tool_call_parser", "function_calling"),
    ("reasoning_parser", "reasoning"),
)
"""Without a parser the text of the model is passed on as it is: that is not a no."""


def ask(server: Server) -> Found:
    """List the models; read the fields of the model that the server was started with."""
    entries, listed = read_list(server, PLACES)
    records = read_records(entries)
    bases = [record for record in records if not record.parent]
    if one_family(bases):
        path, info = _model_info(server)
        for record in bases:
            _add_info(record, info, f"GET {path}")
    inherit(records)
    return entries.found(records, listed)


def _model_info(server: Server) -> tuple[str, Any]:
    for path in _INFO:
        info = server.optional(path)
        if isinstance(part(info, "is_generation"), bool):
            return path, info
    return "", None


def _add_info(record: Record, info: Any, path: str) -> None:
    generates = part(info, "is_generation")
    if generates is None:
        return
    if not generates:
        kinds = texts(part(info, "architectures"))
        if kinds:
            ranks = any("ForSequenceClassification" in kind for kind in kinds)
            record.mode("rerank" if ranks else "embedding", f"{path}: architectures")
        return
    record.mode("chat", f"{path}: is_generation")
    for key, flag in _PARSERS:
        parser = part(info, key)
        if isinstance(parser, str) and parser:
            record.flag(flag, value=True, source=f"{path}: {key}")
    for key, flag in (
        ("has_image_understanding", "vision"),
        ("has_audio_understanding", "audio_input"),
    ):
        record.flag(flag, part(info, key), f"{path}: {key}")
