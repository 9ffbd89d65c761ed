"""What LiteLLM's listings do to the values that were posted. Pure.

Source: litellm/proxy/common_utils/openai_endpoint_utils.py and sensitive_data_masker.py, as
observed on 1.74 to 1.108 by the contract tests.
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
NEVER_LISTED: Final = frozenset(
    {
        "api_key",
        "aws_access_key_id",
        "aws_secret_access_key",
        "client_secret",
        "vertex_ai_credentials",
        "vertex_credentials",
    }
)
"""Parameters that a listing leaves out."""
_PRICES: Final = frozenset(
    {"cost_per_second", "input_cost_per_query", "off_peak_pricing", "tiered_pricing"}
)
_NUMBER: Final = re.compile(r"-?\d{1,15}(\.\d{1,15})?")


def is_masked(name: str) -> bool:
    """Tell whether a listing hides the value of a parameter of this name, at any depth."""
    if name == "litellm_credential_name" or name.startswith("default_api_key_"):
        return False
    segments = set(re.split(r"[_-]", name.lower()))
    return bool(segments & _SENSITIVE) and "cost" not in segments


def is_price(name: str) -> bool:
    """Tell whether LiteLLM counts a ``model_info`` field among its pricing fields."""
    return "_cost_per_" in name or "_token_cost" in name or name in _PRICES


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
