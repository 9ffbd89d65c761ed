"""What LiteLLM's listings do to the values that were posted. Pure.

Source: litellm/proxy/common_utils/openai_endpoint_utils.py and sensitive_data_masker.py, as
observed on 1.74 to 1.110 by the contract tests.
"""

from __future__ import annotations

import re
from typing import Any, Final

DEFAULT_FALSE: Final = frozenset(
    {
        "allow_client_keepalive_override",
        "merge_reasoning_content_in_choices",
        "use_in_pass_through",
        "use_litellm_proxy",
        "use_xai_oauth",
    }
)
"""Parameters that LiteLLM adds to every row as false, and that a PATCH before 1.109 resets."""

_INJECTED: Final = re.compile(
    r"supports_.*|supported_.*|max_.*tokens|output_vector_size|prompt_cache_min_tokens"
    r"|(.*_)?cost_.*|.*_cost|.*uplift_multiplier.*|.*_pricing|pricing_.*|tpm|rpm"
    r"|mode|key|litellm_provider|provider_specific_entry|uses_embed_content"
    r"|(default_)?reasoning_.*|thinking_.*|token_count_.*|web_search_.*|search_free_requests"
    r"|bedrock_.*|vertex_ai_.*"
    r"|direct_access|access_via_team_ids|member_auto_router|created_.*|updated_.*"
)
_SENSITIVE: Final = frozenset(
    {
        "access",
        "auth",
        "authorization",
        "certificate",
        "cookie",
        "credential",
        "credentials",
        "fingerprint",
        "key",
        "password",
        "private",
        "secret",
        "tenancy",
        "token",
    }
)
_NUMBER: Final = re.compile(r"-?\d{1,15}(\.\d{1,15})?")


def is_injected(name: str) -> bool:
    """Tell whether a field of ``model_info`` is one that LiteLLM's listings add by themselves.

    Most come from its cost map, which may know a model of that name. Sent back to LiteLLM, such a
    field would turn from its guess into a statement of ours.
    """
    return _INJECTED.fullmatch(name) is not None


def is_masked(name: str) -> bool:
    """Tell whether a listing hides the value of a parameter of this name, at any depth."""
    if name == "litellm_credential_name" or name.startswith("default_api_key_"):
        return False
    segments = set(re.split(r"[_-]", name.lower()))
    return bool(segments & _SENSITIVE) and "cost" not in segments


def same(wanted: Any, seen: Any, name: str = "") -> bool:
    """Tell whether a listed parameter is what was posted, as far as LiteLLM's types can tell.

    It types some strings (``max_retries: "2"`` comes back as 2, ``drop_params: "true"`` as true),
    writes null inside a map as the text ``None``, and masks a number under a secret-looking
    ``name`` into a text with asterisks. Otherwise true and 1 are two things.
    """
    if isinstance(wanted, dict) and isinstance(seen, dict):
        return wanted.keys() == seen.keys() and all(same(wanted[k], seen[k], k) for k in wanted)
    if is_masked(name) and isinstance(seen, str) and "*" in seen:
        return not isinstance(wanted, dict)
    if isinstance(wanted, list) and isinstance(seen, list):
        return len(wanted) == len(seen) and all(map(same, wanted, seen))
    return type(left := _typed(wanted)) is type(right := _typed(seen)) and bool(left == right)


def _typed(value: Any) -> Any:
    if value is None:
        return "None"
    if isinstance(value, str):
        if value.lower() in ("true", "false"):
            return value.lower() == "true"
        if _NUMBER.fullmatch(value):
            return float(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    return value
