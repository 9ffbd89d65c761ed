"""A row that is sent to LiteLLM -> the row that LiteLLM lists afterwards. Pure.

The proof of a plan simulates with this what LiteLLM will list, so a row that the next cycle would
not recognise is noticed before it is written. Sources: as for :mod:`engine.litellm.fields`, and
litellm/types/router.py for the types of declared parameters.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any, Final

from ..state.deployment import Editing
from ..state.frozen import thaw
from ..state.secret import is_reference
from .fields import DEFAULT_FALSE, NEVER_LISTED, is_masked, is_price, release_of

_MASKS: Final = (1, 83)
_MASKS_SHORT_TEXTS: Final = (1, 95)
_DROPS_PRICES: Final = (1, 102)
_MIRRORS_EVERY_PRICE: Final = (1, 104)
_PARSES_BOOLEANS: Final = (1, 104)
_LISTS_NESTED_NULLS: Final = (1, 110)
_NEWEST: Final = (9999, 0)
"""What an unknown version counts as."""
_MIRRORED_PRICES: Final = frozenset(
    {
        "cache_creation_input_token_cost",
        "cache_read_input_token_cost",
        "input_cost_per_character",
        "input_cost_per_token",
        "output_cost_per_character",
        "output_cost_per_token",
        "tiered_pricing",
    }
)
_WHOLE_NUMBERS: Final = frozenset({"max_retries", "rpm", "tpm"})
_NUMBER: Final = re.compile(r"\s*[+-]?\d{1,15}\s*", re.ASCII)
_MASKED: Final = "****"
Row = dict[str, Any]


def listed_row(
    sent: Mapping[str, Any],
    editing: Editing,
    before: Row | None = None,
    removed: Collection[str] = (),
) -> Row:
    """Return how LiteLLM lists a row after ``sent`` was posted, or merged into ``before``.

    ``sent`` is ``{"model_name", "litellm_params", "model_info"}`` with secret references, of which
    a PATCH may have some only;
    ``before`` the listed row that a PATCH changes, ``removed`` the parameters that it takes away.
    """
    version = release_of(editing.version) or _NEWEST
    plain = thaw(sent)
    old = before or {"litellm_params": {}, "model_info": {}}
    posted = plain.get("litellm_params", {})
    params = {**old["litellm_params"], **posted}
    for name in DEFAULT_FALSE:
        reset = bool(posted) and not editing.removes and name not in posted
        params[name] = False if reset else params.get(name, False)
    params = {name: value for name, value in params.items() if name not in removed}
    info = {**old["model_info"], **_stored_info(plain["model_info"], version)}
    return {
        "model_name": plain.get("model_name", old.get("model_name")),
        "litellm_params": _listed_params(params, version),
        "model_info": _listed_info(info, params, version),
    }


def _stored_info(info: Row, version: tuple[int, int]) -> Row:
    dropped = version >= _DROPS_PRICES
    return {name: value for name, value in info.items() if not (dropped and is_price(name))}


def _listed_params(params: Row, version: tuple[int, int]) -> Row:
    shown = {
        name: _typed(name, value, version)
        for name, value in params.items()
        if value is not None and name not in NEVER_LISTED
    }
    return {name: _shown(value, name, version) for name, value in shown.items()}


def _typed(name: str, value: Any, version: tuple[int, int]) -> Any:
    """Return a parameter as LiteLLM's declared type has it."""
    if isinstance(value, str):
        if name in _WHOLE_NUMBERS and _NUMBER.fullmatch(value):
            return int(value)
        if name == "drop_params" and value in ("true", "false") and version >= _PARSES_BOOLEANS:
            return value == "true"
    return value


def _shown(value: Any, name: str, version: tuple[int, int]) -> Any:
    """Return a value as the listing shows it under a name; masks do not hide maps, but members."""
    if is_reference(value):  # the fingerprint stands for a text
        return _MASKED
    if isinstance(value, dict):
        return {key: _shown(item, key, version) for key, item in value.items()}
    if isinstance(value, list):
        return [_shown(item, name if isinstance(item, str) else "", version) for item in value]
    if version >= _MASKS and is_masked(name):
        return _masked("" if value is None else str(value), version)
    return "None" if value is None and _MASKS <= version < _LISTS_NESTED_NULLS else value


def _masked(text: str, version: tuple[int, int]) -> str:
    if len(text) > 8:
        return f"{text[:4]}{'*' * (len(text) - 8)}{text[-4:]}"
    return "*" * len(text) if version >= _MASKS_SHORT_TEXTS else text


def _listed_info(info: Row, params: Row, version: tuple[int, int]) -> Row:
    every = version >= _MIRRORS_EVERY_PRICE
    mirrored = {
        name: value
        for name, value in params.items()
        if name in _MIRRORED_PRICES or (every and is_price(name))
    }
    provider = str(params["model"]).partition("/")[0]
    injected = {"key": params["model"], "litellm_provider": provider, "supported_openai_params": []}
    return {**injected, **info, **mirrored, "db_model": True}
