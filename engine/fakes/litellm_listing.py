"""How LiteLLM shows a model row in its listings, version by version."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from .litellm_errors import Json
from .litellm_rows import BLOCKING, MIRRORED_PRICES, PROVIDERS, default_false, is_price

if TYPE_CHECKING:
    from .litellm_rows import Row, Version


MASKING: Final = (1, 83)
INJECTED_INFO: Final = (1, 95)
SHORT_SECRETS_MASKED: Final = (1, 95)
PRICING_OVERRIDES: Final = (1, 104)
NULLS_KEPT: Final = (1, 110)
_NEVER_LISTED: Final[dict[str, Version]] = {
    "api_key": (0,),
    "vertex_credentials": (0,),
    "aws_access_key_id": (0,),
    "aws_secret_access_key": (0,),
    "client_secret": (1, 83),
    "vertex_ai_credentials": (1, 83),
}
_SECRET_WORDS: Final = {
    "password", "secret", "key", "token", "auth", "authorization", "cookie", "credential",
    "credentials", "access", "private", "certificate", "fingerprint", "tenancy",
}  # fmt: skip
_NEVER_MASKED: Final = frozenset(
    {"litellm_credential_name", "default_api_key_tpm_limit", "default_api_key_rpm_limit"}
)
_INJECTED: Final = (
    "mode", "max_tokens", "max_input_tokens", "max_output_tokens", "input_cost_per_token",
    "output_cost_per_token", "input_cost_per_character", "cache_read_input_token_cost",
    "input_cost_per_second", "output_cost_per_image", "output_vector_size", "tiered_pricing",
    "supports_vision", "supports_function_calling", "supports_tool_choice", "supports_reasoning",
    "supports_response_schema", "supports_prompt_caching", "supports_audio_input",
    "supports_web_search", "supported_endpoints", "tpm", "rpm", "provider_specific_entry",
)  # fmt: skip
_INJECTED_LATER: Final[dict[str, Version]] = {
    "reasoning_contexts": (1, 109),
    "reasoning_modes": (1, 109),
    "default_reasoning_effort": (1, 106),
    "thinking_on_by_default": (1, 110),
}
_COST_MAP: Final[dict[str, Json]] = {
    "gpt-4o": {
        "mode": "chat", "max_tokens": 16384, "max_input_tokens": 128000,
        "max_output_tokens": 16384, "input_cost_per_token": 2.5e-06,
        "output_cost_per_token": 1e-05, "supports_vision": True,
        "supports_function_calling": True,
    },
    "gpt-5.1": {
        "mode": "chat", "max_tokens": 128000, "max_input_tokens": 272000,
        "max_output_tokens": 128000, "input_cost_per_token": 1.25e-06,
        "output_cost_per_token": 1e-05, "supports_reasoning": True,
        "provider_specific_entry": {"us": 1.1}, "default_reasoning_effort": "none",
        "reasoning_modes": ["standard"], "reasoning_contexts": ["auto", "current_turn"],
    },
}  # fmt: skip
"""LiteLLM's cost map for two models; the simulator knows only the provider of all others."""


def listed_row(row: Row, version: Version, *, db_model: bool) -> Json:
    """Return a row in the form that the listings have."""
    info = {**row.model_info, "id": row.model_id, "db_model": db_model}
    if version >= BLOCKING and db_model:
        info["blocked"] = row.blocked
    name = row.model_name
    if info.get("team_id"):
        name = info.get("team_public_model_name") or name
    prices = {
        key: value
        for key, value in row.litellm_params.items()
        if key in MIRRORED_PRICES or (version >= PRICING_OVERRIDES and is_price(key))
    }
    info |= prices
    if version >= PRICING_OVERRIDES:
        info |= {"member_auto_router": False, "pricing_overrides": sorted(prices)}
    _inject(info, str(row.litellm_params["model"]), version, any_name=not db_model)
    return {
        "model_name": name,
        "litellm_params": _listed_params(row.litellm_params, version),
        "model_info": info,
    }


def _inject(info: Json, model: str, version: Version, *, any_name: bool) -> None:
    """Add a representative part of the 160 fields that LiteLLM lists from its cost map.

    Older versions add them to a database row only if the cost map has its model.
    """
    provider, slash, name = model.partition("/")
    if not slash or provider not in PROVIDERS:
        return
    known = _COST_MAP.get(name)
    if known is None and version < INJECTED_INFO and not any_name:
        return
    names = [*_INJECTED, *(new for new, since in _INJECTED_LATER.items() if version >= since)]
    added: Json = {
        "key": name if known else model,
        **{field: (known or {}).get(field) for field in names},
        "litellm_provider": provider,
        "supported_openai_params": ["max_tokens", "stream", "temperature", "tools"],
    }
    for key, value in added.items():
        if info.get(key) is None:
            info[key] = value


def _listed_params(params: Json, version: Version) -> Json:
    shown: Json = dict.fromkeys(default_false(version), False)
    for key, value in params.items():
        dropped = key in _NEVER_LISTED and version >= _NEVER_LISTED[key]
        # A reference to an environment variable; the simulated proxy has none.
        missing = isinstance(value, str) and value.startswith("os.environ/")
        if value is not None and not dropped and not missing:
            shown[key] = value
    return _mask_map(shown, version) if version >= MASKING else shown


def _mask_map(values: Json, version: Version) -> Json:
    return {
        key: _mask_value(value, version, secret=_is_secret(key)) for key, value in values.items()
    }


def _mask_value(value: Any, version: Version, *, secret: bool) -> Any:
    if isinstance(value, dict):
        return _mask_map(value, version)
    if isinstance(value, list):
        return [
            _mask_value(item, version, secret=secret and isinstance(item, str)) for item in value
        ]
    if not secret:
        return "None" if value is None and version < NULLS_KEPT else value
    text = "" if value is None else str(value)
    if len(text) <= 8:
        return "*" * len(text) if version >= SHORT_SECRETS_MASKED else text
    return f"{text[:4]}{'*' * (len(text) - 8)}{text[-4:]}"


def _is_secret(key: str) -> bool:
    words = set(key.lower().replace("-", "_").split("_"))
    return key not in _NEVER_MASKED and "cost" not in words and not words.isdisjoint(_SECRET_WORDS)
