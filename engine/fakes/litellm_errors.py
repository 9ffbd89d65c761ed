"""LiteLLM's error texts and the JSON forms of its answers."""

from __future__ import annotations

import hashlib
import json
from typing import Any, Final

from .server import Answer

Json = dict[str, Any]
NO_LIST: Final = (
    "LLM Model List not loaded in. Make sure you passed models in your config.yaml or on the "
    "LiteLLM Admin UI. - https://docs.litellm.ai/docs/proxy/configs"
)
NO_ROUTER: Final = (
    "No model list passed, models router=None. You can add a model through the config.yaml or on "
    "the LiteLLM Admin UI."
)
NOT_ADDED: Final = "Failed to add model to db. Check your server logs for more details."
CONFIG_MODEL: Final = "Cannot edit config-based model. Store model in DB via /model/new first."
NO_LICENCE: Final = "You must be a LiteLLM Enterprise user to use this feature."
NOT_LIVE: Final = (
    "Model create was saved to the database, but the model id(s) ['{}'] are not live in this "
    "pod's router after the reload and are not being served by this pod. Other pods reload on "
    "their own interval. Check server logs for 'Error upserting deployment' or 'Error creating "
    "deployment' for the cause."
)
_NO_DATABASE: Final = (
    "Service Unavailable, the authentication database is temporarily unreachable. Please retry"
    " shortly."
)
_NO_CONNECTION: Final = "All connection attempts failed"
_UNKNOWN_KEY: Final = (
    "Authentication Error, Invalid proxy server token passed. Received API Key = sk-..., "
    "Key Hash (Token) ={}. Unable to find token in cache or `LiteLLM_VerificationTokenTable`"
)


class Unprocessable(Exception):
    """A request that LiteLLM's validation refuses with 422; ``detail`` is the explanation."""

    def __init__(self, kind: str, where: tuple[str, ...], message: str) -> None:
        self.detail = [{"type": kind, "loc": list(where), "msg": message}]
        super().__init__(message)


def authentication_error(token: str, *, typed: bool) -> Answer:
    """Return the answer to a key that is not the master key; ``typed`` as in :func:`refusal`."""
    absent = None if typed else "None"
    if not token:
        return error_answer(
            401, "Authentication Error, No api key passed in.", "auth_error", absent
        )
    if not token.startswith("sk-"):
        text = "LiteLLM Virtual Key expected. Received=****, expected to start with 'sk-'."
        return error_answer(401, text, "auth_error", absent)
    text = _UNKNOWN_KEY.format(hashlib.sha256(token.encode()).hexdigest())
    return error_answer(401, text, "token_not_found_in_db", "key")


def without_database(method: str, path: str, *, typed: bool) -> Answer | None:
    """Return the answer while the database is down; None if the proxy answers from memory.

    ``typed`` as in :func:`refusal`. If true, creates and deletes have an error type of their own
    for this failure.
    """
    if path == "/health/readiness":
        return json_answer(503, {"status": "healthy", "db": "disconnected"})
    if path.endswith("/update"):
        text = f"Error updating model: {_NO_CONNECTION}"
        return error_answer(500, text, "internal_server_error", None)
    if path == "/v1/model/info" or (typed and method == "POST"):
        return error_answer(503, _NO_DATABASE, "no_db_connection", None if typed else "None")
    if path == "/model/new":
        return refusal(500, NOT_ADDED, typed=False)
    if path == "/model/delete":
        return error_answer(400, f"Authentication Error, {_NO_CONNECTION}", "auth_error", "None")
    return None


def parse_body(body: bytes) -> Json:
    """Return the JSON object in a request body."""
    try:
        sent = json.loads(body)
    except ValueError:
        raise Unprocessable("json_invalid", ("body",), "JSON decode error") from None
    if not isinstance(sent, dict):
        raise Unprocessable("model_attributes_type", ("body",), "Input should be an object")
    return sent


def require(body: Json, key: str) -> str:
    """Return a required field of a body as text."""
    if key not in body:
        raise Unprocessable("missing", ("body", key), "Field required")
    return str(body[key])


def parse_count(query: dict[str, str], key: str, default: int) -> int:
    """Return a query parameter that is an integer from 1."""
    number = query.get(key, str(default))
    if not number.isdecimal() or int(number) < 1:
        where, text = ("query", key), "Input should be greater than or equal to 1"
        raise Unprocessable("greater_than_equal", where, text)
    return int(number)


def refusal(status: int, text: str, *, typed: bool) -> Answer:
    """Return the answer that refuses a create or a delete.

    ``typed``: from 1.109 on, the type of an error depends on its status, and an absent parameter
    is null.
    """
    types = {403: "permission_error", 500: "internal_server_error"}
    kind = types.get(status, "invalid_request_error") if typed else "auth_error"
    return error_answer(status, str({"error": text}), kind, None if typed else "None")


def crash_answer(*, in_json: bool) -> Answer:
    """Return the answer to a request that LiteLLM fails to handle."""
    if not in_json:
        return Answer(500, b"Internal Server Error", "text/plain; charset=utf-8")
    payload = {"message": "Internal server error", "type": "internal_server_error"}
    return Answer(500, encode_json({"error": payload}), drop=True)


def error_answer(status: int, message: str, kind: str, param: str | None) -> Answer:
    """Return an answer with the JSON envelope of LiteLLM's own errors.

    ``param`` is the field that the error is about. If there is none, older versions have the text
    "None" and newer ones null.
    """
    payload = {"message": message, "type": kind, "param": param, "code": str(status)}
    return json_answer(status, {"error": payload})


def json_answer(status: int, payload: Any) -> Answer:
    """Return an answer with a JSON body."""
    return Answer(status, encode_json(payload))


def encode_json(payload: Any) -> bytes:
    """Return JSON in the compact form that LiteLLM sends."""
    return json.dumps(payload, separators=(",", ":"), ensure_ascii=False).encode()
