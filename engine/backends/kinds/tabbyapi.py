"""TabbyAPI: one loaded model, described separately from the list.

A key of its administrator lists every model on the disk, any other key the loaded model. If so
configured, the list also has names of OpenAI's models, for clients that require them.
"""

from __future__ import annotations

from typing import Any, Final

from ...errors import Unavailable
from ..model_list import id_of, read_entries, read_list
from ..paging import left_out_note
from ..record import LOADED, UNLOADED, Record, part
from ..server import V1, Found, Route, Server

ALLOWED: Final = ("GET /v1/models", "GET /v1/model", "GET /v1/model/embedding")
PLACES: Final = ("/v1",)
ROUTES: Final = {"": Route("openai", V1)}
_DUMMY: Final = "gpt-3.5-turbo"
_MODEL: Final = "GET /v1/model"
_EMBEDDING: Final = "GET /v1/model/embedding"


def ask(server: Server) -> Found:
    """List the models, and read the settings of the loaded ones."""
    entries, listed = read_list(server, PLACES)
    loaded, model = _read_loaded(server, "/v1/model")
    skipped = [name for name, _ in entries if name == _DUMMY != id_of(model)]
    records = [Record(name) for name, _ in entries if name not in skipped]
    for record in records:
        if record.id == id_of(model):
            record.state = LOADED
            _add_parameters(record, part(model, "parameters"))
        elif loaded:
            record.state = UNLOADED
    _add_embedding(records, server)
    notes = left_out_note(server, skipped, "there is no model behind this name")
    return entries.found(records, listed, *notes)


def _read_loaded(server: Server, path: str) -> tuple[bool, Any]:
    """Return whether it is known what is loaded, and the loaded model; a 503 means none is."""
    try:
        model = server.optional(path)
    except Unavailable as error:
        if error.status != 503:
            raise
        return True, None
    return bool(id_of(model)), model


def _add_parameters(record: Record, parameters: Any) -> None:
    source = f"{_MODEL}: parameters"
    record.tokens("max_input_tokens", part(parameters, "max_seq_len"), f"{source}.max_seq_len")
    record.flag("vision", part(parameters, "use_vision"), f"{source}.use_vision")
    if isinstance(parameters, dict) and "prompt_template" in parameters:
        # without a template it refuses chats
        mode = "chat" if parameters["prompt_template"] else "completion"
        record.mode(mode, f"{source}.prompt_template")


def _add_embedding(records: list[Record], server: Server) -> None:
    """Add the loaded embedding model, which is in no list of models."""
    _, model = _read_loaded(server, "/v1/model/embedding")
    for name, _ in read_entries({"data": [model] if id_of(model) else []}, server.quote):
        if name not in {record.id for record in records}:
            record = Record(name, state=LOADED)
            record.mode("embedding", _EMBEDDING)
            records.append(record)
