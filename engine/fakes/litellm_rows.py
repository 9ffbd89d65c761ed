"""How LiteLLM stores a model row and changes it, version by version.

Every rule here was observed on real proxies, and the contract tests check that both agree. For a
rule that changed over time, a constant holds the first version with the new behaviour.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
import uuid
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final

from .litellm_errors import Json, Unprocessable

Version = tuple[int, ...]
HEALTHY: Final[Version] = (1, 83)
MODEL_REQUIRED: Final[Version] = (1, 83)
PRICES_CLEARABLE: Final[Version] = (1, 95)
BLOCKING: Final[Version] = (1, 95)
INFO_PRICES_DROPPED: Final[Version] = (1, 102)
CREDENTIAL_CLEARABLE: Final[Version] = (1, 104)
BOOLEAN_STRINGS_PARSED: Final[Version] = (1, 104)
BOOLEANS_KEPT: Final[Version] = (1, 109)
PARAMS_REMOVABLE: Final[Version] = (1, 109)
MIRRORED_PRICES: Final = (
    "input_cost_per_token",
    "output_cost_per_token",
    "input_cost_per_character",
    "output_cost_per_character",
    "cache_read_input_token_cost",
    "cache_creation_input_token_cost",
    "tiered_pricing",
)
"""Prices that LiteLLM copies from ``litellm_params`` into ``model_info`` in every version."""
_DEFAULT_FALSE: Final[dict[str, Version]] = {
    "use_in_pass_through": (0,),
    "use_litellm_proxy": (1, 72),
    "merge_reasoning_content_in_choices": (1, 72),
    "use_xai_oauth": (1, 95),
    "allow_client_keepalive_override": (1, 106),
}
_INTEGERS: Final = frozenset({"rpm", "tpm", "max_retries"})
_SECONDS: Final = frozenset({"timeout", "stream_timeout"})
_PRICE: Final = re.compile(r"cost_per_|_token_cost(_|$)|pricing(_overrides)?$|uplift_multiplier")
PROVIDERS: Final = {
    "anthropic", "azure", "bedrock", "cohere", "custom_openai", "deepseek", "docker_model_runner",
    "gemini", "groq", "hosted_vllm", "huggingface", "infinity", "jina_ai", "lemonade",
    "litellm_proxy", "llamafile", "lm_studio", "mistral", "nvidia_nim", "ollama", "ollama_chat",
    "oobabooga", "openai", "openai_like", "openrouter", "text-completion-openai", "together_ai",
    "vertex_ai", "vllm", "voyage", "xai", "xinference",
}  # fmt: skip
_BARE_NAMES: Final = ("gpt-", "claude-", "text-embedding-", "gemini-", "whisper-")


@dataclass(frozen=True)
class Row:
    """One row of LiteLLM's model table. LiteLLM encrypts strings; here they are plain text."""

    model_id: str
    model_name: str
    litellm_params: Json
    model_info: Json = field(default_factory=dict)
    blocked: bool = False
    created_at: str = "2025-01-01T00:00:00.000000Z"
    updated_at: str = "2025-01-01T00:00:00.000000Z"


class Database:
    """The database that several replicas share: rows by id, in the order of their insertion.

    Hold ``lock`` while you read or change it. ``credentials``: the names of stored credentials.
    """

    def __init__(self) -> None:
        self.rows: dict[str, Row] = {}
        self.credentials: set[str] = set()
        self.lock = threading.RLock()


def parse_version(text: str) -> Version:
    """Return the numbers of a version: ``1.74.15.post2`` -> ``(1, 74, 15)``."""
    found = re.match(r"\d+(?:\.\d+)*", text)
    if found is None:
        raise ValueError(f"not a version: {text!r}")
    return tuple(int(part) for part in found.group().split("."))


def default_false(version: Version) -> tuple[str, ...]:
    """Return the boolean parameters that this version stores as false if they are not sent."""
    return tuple(key for key, since in _DEFAULT_FALSE.items() if version >= since)


def is_price(key: str) -> bool:
    """Return whether newer versions treat this ``model_info`` key as a price, and drop it."""
    return _PRICE.search(key) is not None


def is_served(row: Row) -> bool:
    """Return whether the router can load the row, that is, knows its provider."""
    model = str(row.litellm_params["model"])
    if row.litellm_params.get("custom_llm_provider") in PROVIDERS or model.startswith(_BARE_NAMES):
        return True
    return "/" in model and model.partition("/")[0] in PROVIDERS


def config_row(model: Json) -> Row:
    """Return the row of a model in the configuration file; its id is a hash of its content."""
    info = dict(model.get("model_info") or {})
    digest = hashlib.sha256(json.dumps(model, sort_keys=True).encode()).hexdigest()
    return Row(str(info.get("id", digest)), model["model_name"], model["litellm_params"], info)


def new_row(body: Json, version: Version) -> Row:
    """Return the row that POST /model/new stores for this body."""
    params = dict.fromkeys(default_false(version), False) | _coerce_params(
        body["litellm_params"], version
    )
    info = _stored_info(body.get("model_info") or {}, version)
    now = _now()
    return Row(
        info["id"], body["model_name"], params, info, bool(body.get("blocked", False)), now, now
    )


def patch_row(row: Row, body: Json, version: Version) -> Row:
    """Return the row after PATCH /model/{id}/update with this body."""
    params, info = dict(row.litellm_params), dict(row.model_info)
    sent_params, sent_info = body.get("litellm_params"), body.get("model_info")
    if sent_params is not None:
        if version < BOOLEANS_KEPT:
            params |= {key: False for key in default_false(version) if key not in sent_params}
        params |= _coerce_params(sent_params, version)
    if sent_info is not None:
        info |= _stored_info(sent_info, version)
    for key, value in {**(sent_params or {}), **(sent_info or {})}.items():
        if value is None and _null_clears(key, version):
            params.pop(key, None)
            info.pop(key, None)
    if version >= PARAMS_REMOVABLE:
        _remove(params, body)
    blocked = body.get("blocked") if version >= BLOCKING else None
    return replace(
        row,
        model_name=body.get("model_name") or row.model_name,
        litellm_params=params,
        model_info=info,
        blocked=row.blocked if blocked is None else bool(blocked),
        updated_at=_now(),
    )


def stored_answer(row: Row, version: Version) -> Json:
    """Return the answer to a write: the row, with the strings at its top level encrypted."""
    answer: Json = {
        "model_id": row.model_id,
        "model_name": row.model_name,
        "litellm_params": {
            key: f"{uuid.uuid4().hex}{uuid.uuid4().hex}==" if isinstance(value, str) else value
            for key, value in row.litellm_params.items()
        },
        "model_info": row.model_info,
    }
    if version >= BLOCKING:
        answer["blocked"] = row.blocked
    who = "default_user_id"
    return answer | {
        "created_at": row.created_at,
        "created_by": who,
        "updated_at": row.updated_at,
        "updated_by": who,
    }


def _coerce_params(params: Json, version: Version) -> Json:
    """Convert parameters to the types that LiteLLM declares, and drop nulls."""
    return {
        key: _coerce_value(key, value, version)
        for key, value in params.items()
        if value is not None
    }


def _coerce_value(key: str, value: Any, version: Version) -> Any:
    try:
        if key in _INTEGERS:
            return int(value)
        if key in MIRRORED_PRICES[:-1] or (key in _SECONDS and not isinstance(value, str)):
            return float(value)
    except (TypeError, ValueError):
        text = "Input should be a valid integer, unable to parse string as an integer"
        where = ("body", "litellm_params", key)
        raise Unprocessable("int_parsing", where, text) from None
    if key == "drop_params" and version >= BOOLEAN_STRINGS_PARSED:
        return {"true": True, "false": False}.get(value, value) if isinstance(value, str) else value
    return value


def _stored_info(info: Json, version: Version) -> Json:
    """Return ``model_info`` as it is stored: with an id, without nulls, without sent prices."""
    stored: Json = {"id": str(uuid.uuid4()), "db_model": False}
    for key, value in info.items():
        if value is not None and not (version >= INFO_PRICES_DROPPED and is_price(key)):
            stored[key] = value
    stored["id"] = str(stored["id"])
    return stored


def _null_clears(key: str, version: Version) -> bool:
    if key in {"litellm_credential_name", "cache_control_injection_points"}:
        return version >= CREDENTIAL_CLEARABLE
    return key in MIRRORED_PRICES and version >= PRICES_CLEARABLE


def _remove(params: Json, body: Json) -> None:
    removed = body.get("litellm_params_to_remove") or ()
    if "model" in removed:
        text = "The required litellm_params.model cannot be removed"
        raise Unprocessable("value_error", ("body",), f"Value error, {text}")
    if both := sorted({*removed} & {*(body.get("litellm_params") or ())}):
        text = f"Cannot set and remove the same litellm_params keys: {', '.join(both)}"
        raise Unprocessable("value_error", ("body",), f"Value error, {text}")
    for key in removed:
        params.pop(key, None)


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
