"""How LiteLLM's listings change the values that were posted. Pure.

Source: litellm/proxy/common_utils/openai_endpoint_utils.py and sensitive_data_masker.py, as
observed on 1.74 to 1.110 by the contract tests.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Final

from ..bounds import MAX_INTEGER
from ..state.deployment import MARK

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
_SECRET_WORDS: Final = _SENSITIVE | {
    *("certificates", "cookies", "keys", "passphrase", "passwd", "passwords", "pwd", "secrets")
}
_SECRET_COMPOUND: Final = re.compile(
    r"(access|api|auth|bearer|client|encryption|master|private|refresh|secret|session|signing)"
    r"(key|password|secret|token)s?"
)
_WORD_END: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[^A-Za-z0-9]+")
"""Where one word of a name ends: ``apiKey``, ``APIKey``, ``api.key``."""
_SECRET_TEXT: Final = re.compile(r"\s*(sk-|bearer\s|basic\s|-----BEGIN )", re.IGNORECASE)
_USER: Final = re.compile(r"[a-z][a-z0-9+.-]*://[^/?#\s]*@", re.IGNORECASE)
_QUERY_NAME: Final = re.compile(r"[?&;]([^=&;?#\s]{1,80})=")
_QUERY: Final = re.compile(r"[?#].*", re.DOTALL)
_KNOWN_INFO: Final = frozenset({"access_groups", "access_windows"})
"""Fields of ``model_info`` whose names only look secret."""
_NEVER_MASKED: Final = frozenset(
    {"default_api_key_rpm_limit", "default_api_key_tpm_limit", "litellm_credential_name"}
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
"""Parameters that a listing leaves out, whatever their value is."""
_PRICES: Final = frozenset(
    {"cost_per_second", "input_cost_per_query", "off_peak_pricing", "tiered_pricing"}
)
_NUMBER: Final = re.compile(r"[+-]?(\d{1,15}(\.\d{0,15})?|\.\d{1,15})([eE][+-]?\d{1,2})?", re.ASCII)


def is_injected(name: str) -> bool:
    """Tell whether a field of ``model_info`` is one that LiteLLM's listings add by themselves.

    Most come from its cost map, which may know a model of that name. Sent back to LiteLLM, such a
    field would turn from its guess into a statement of ours.
    """
    return _INJECTED.fullmatch(name) is not None


def release_of(version: str) -> tuple[int, int] | None:
    """Return the first two numbers of a LiteLLM version (``1.83.14``); None where it has none."""
    match = re.match(r"(\d{1,9})\.(\d{1,9})", version, re.ASCII)
    return (int(match[1]), int(match[2])) if match else None


def is_masked(name: str) -> bool:
    """Tell whether a listing hides the value of a parameter of this name, at any depth."""
    segments = set(re.split(r"[_-]", name.lower()))
    return bool(segments & _SENSITIVE) and "cost" not in segments and name not in _NEVER_MASKED


@lru_cache(maxsize=4096)
def is_secret(name: str) -> bool:
    """Tell whether the value of a field of this name, at any depth, is likely a secret.

    All that LiteLLM masks is, and what its masks miss: ``apikey``, ``apiKey``, plurals.
    """
    if is_masked(name):
        return True
    words = [word.lower() for word in _WORD_END.split(name)]
    if "cost" in words or name in _NEVER_MASKED:
        return False
    return any(word in _SECRET_WORDS or _SECRET_COMPOUND.fullmatch(word) for word in words)


def is_secret_info(name: str) -> bool:
    """Tell the same of a whole field of ``model_info``, some of whose names are known."""
    return is_secret(name) and name not in _KNOWN_INFO and not is_injected(name)


def is_secret_text(text: str) -> bool:
    """Tell whether a text looks like a secret, or a URL that holds one, whatever its field is."""
    if _SECRET_TEXT.match(text) is not None:
        return True
    if "://" not in text:
        return False
    return _USER.match(text) is not None or any(map(is_secret, _QUERY_NAME.findall(text)))


def shown_address(text: str) -> str:
    """Return an ``api_base`` without what may be a secret in it: a user, a password, a query.

    None of ours has such a part, so what is left shows where it points, and differs from ours.
    """
    address = _QUERY.sub("?***", text, count=1)
    before, at, host = address.rpartition("@")
    scheme, slashes, _ = before.partition("//")
    return f"{scheme + slashes if slashes else ''}***@{host}" if at else address


def is_price(name: str) -> bool:
    """Tell whether LiteLLM counts a ``model_info`` field among its pricing fields."""
    return "_cost_per_" in name or "_token_cost" in name or name in _PRICES


def same(wanted: Any, seen: Any, name: str = "", *, masked: bool = True) -> bool:
    """Tell whether a listed value may be what was sent; true and 1 differ.

    ``name`` is the key in the map that holds both, directly or inside lists. LiteLLM
    types some texts (``max_retries: "2"`` comes back as 2, ``drop_params: "true"`` as true), and
    before 1.110 writes a null inside a map as the text ``None``.

    In ``litellm_params``, which are ``masked``, a number, boolean or null under a secret-looking
    name comes back as a text, in which asterisks hide some characters or all, or none of a short
    one before 1.95; that of a null may be empty. Whatever asterisks hide counts as the same:
    only the fingerprint in the mark shows that it changed.
    """
    if isinstance(wanted, dict) and isinstance(seen, dict):
        return wanted.keys() == seen.keys() and all(
            same(wanted[key], seen[key], key, masked=masked) for key in wanted
        )
    if isinstance(wanted, list) and isinstance(seen, list):
        return len(wanted) == len(seen) and all(
            same(left, right, name, masked=masked) for left, right in zip(wanted, seen, strict=True)
        )
    if type(left := _typed(wanted)) is type(right := _typed(seen)) and left == right:
        return True
    if not (masked and is_masked(name)) or isinstance(wanted, dict) or not isinstance(seen, str):
        return False
    return "*" in seen or seen == ("" if wanted is None else str(wanted))


def as_sent(wanted: Any, seen: Any, name: str = "", *, masked: bool) -> Any:
    """Return a listed value with ``wanted`` in place of it, or of its members, where :func:`same`.

    So only what somebody changed differs from ``wanted``, not what LiteLLM lists otherwise.
    """
    if same(wanted, seen, name, masked=masked):
        return wanted
    if isinstance(wanted, dict) and isinstance(seen, dict):
        return {
            key: as_sent(wanted[key], value, key, masked=masked) if key in wanted else value
            for key, value in seen.items()
        }
    return seen


def _typed(value: Any) -> Any:
    """Return a scalar in the type that its listed forms have in common."""
    if value is None:
        return "None"
    if isinstance(value, str):
        if value.lower() in ("true", "false"):
            return value.lower() == "true"
        return _number(float(value)) if _NUMBER.fullmatch(value) else value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _number(value)
    return value


def _number(value: int | float) -> int | float:
    """Return 30.0 as 30, and a number with more digits than are read exactly as a fraction."""
    whole = int(value)
    if value != whole:
        return value
    return whole if len(str(whole)) <= MAX_INTEGER else float(whole)


ENVIRONMENT: Final = "os.environ/"
"""LiteLLM replaces a parameter that begins so by that variable, also in its listings."""
BUILT_IN: Final = frozenset({"model", "api_base", "api_key"})
"""Keys of ``litellm_params`` that the engine sets itself."""
SERVER_OWNED: Final = frozenset(
    {
        "access_via_team_ids",
        "blocked",
        "created_at",
        "created_by",
        "db_model",
        "direct_access",
        "id",
        "key",
        "member_auto_router",
        "pricing_overrides",
        "updated_at",
        "updated_by",
        MARK,
    }
)
"""Keys of ``model_info`` that LiteLLM or the engine sets; any other value for them is lost."""
TEAM_KEYS: Final = frozenset({"team_id", "team_public_model_name"})
"""Keys of ``model_info`` that assign a model to a team."""
SERVER_SET: Final = frozenset({MARK, "id", "db_model", "blocked"})
