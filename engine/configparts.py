"""The single values of a configuration: text or JSON -> what the engine works with. Pure.

Every function raises ValueError with a sentence that says what is wrong and what to do; none
repeats a value that may be a secret.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from .bounds import MAX_PERIOD, MAX_TIMEOUT
from .masking import is_masked
from .state import MARK, SECRET, Frozen, Secret, freeze
from .validate import nearest

PLACEHOLDERS: Final = ("model", "backend", "family")
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
"""Keys of ``model_info`` that LiteLLM, or the engine's mark, sets; posted ones are lost."""
TEAM_KEYS: Final = frozenset({"team_id", "team_public_model_name"})

_DURATION: Final = re.compile(r"(\d+(?:\.\d+)?)([smh]?)", re.ASCII)
_SECONDS: Final = {"": 1, "s": 1, "m": 60, "h": 3600}
_PLACEHOLDER: Final = re.compile(r"\{([^{}]*)\}")
_ENVIRONMENT: Final = "os.environ/"
"""LiteLLM replaces a value that begins so by that of the variable, also in its listings."""


def static_model(given: str | Mapping[str, Any]) -> tuple[str, Frozen]:
    """Return the id and the ``model_info`` of a model that the configuration lists itself."""
    if isinstance(given, str):
        return given, freeze({})
    return given["id"], model_info({name: value for name, value in given.items() if name != "id"})


def seconds(value: float | str) -> float:
    """Return a duration in seconds: a number of them, or a text such as ``90s`` or ``1h30m``."""
    if isinstance(value, str):
        return sum(float(number) * _SECONDS[unit] for number, unit in _DURATION.findall(value))
    return float(value)


def timeout(value: float | str) -> float:
    """Return how long to wait for an answer, in seconds."""
    if not 0 < (wait := seconds(value)) <= MAX_TIMEOUT:
        raise ValueError("expected more than 0 and at most 24h")
    return wait


def period(value: float | str) -> float:
    """Return for how long absences are suspicious, in seconds."""
    if (lasting := seconds(value)) > MAX_PERIOD:
        raise ValueError("expected at most a year (8760h)")
    return lasting


def name_format(text: str) -> str:
    """Return a format of public names if all its placeholders are known."""
    for placeholder in _PLACEHOLDER.findall(text):
        if placeholder not in PLACEHOLDERS:
            meant = nearest(placeholder, PLACEHOLDERS)
            known = "there are {model}, {backend} and {family}"
            advice = f"did you mean {{{meant}}}?" if meant else known
            raise ValueError(f"unknown placeholder; {advice}")
    if "{model}" not in text:
        raise ValueError("must hold {model}, or all models would share one name")
    return text


def models_endpoint(text: str) -> str:
    """Return a path below a backend's URL, with its leading slash; "" for the usual one."""
    path = text.strip()
    if not path:
        return ""
    before_query = path.partition("?")[0]
    if "://" in before_query or path.startswith("//"):
        raise ValueError("expected a path below `url`, such as /models, not a whole URL")
    if re.search(r"[\s\x00-\x1f\x7f\\#]", path) or ".." in before_query.split("/"):
        raise ValueError("expected a plain path such as /models: no .., #, \\ or white space")
    return path if path.startswith("/") else f"/{path}"


def litellm_params(generic: Mapping[str, Any], defaults: Mapping[str, Any]) -> Frozen:
    """Return the parameters for every model of a backend, with what is secret as Secret."""
    merged = {**generic, **defaults}
    kept = {
        name: _with_secrets(value, secret=is_masked(name))
        for name, value in merged.items()
        if name not in BUILT_IN and value is not None
    }
    frozen: Frozen = freeze(kept)
    return frozen


def model_info(given: Mapping[str, Any]) -> Frozen:
    """Return the ``model_info`` of a backend without what is not ours to set, and without nulls."""
    return capabilities({name: value for name, value in given.items() if value is not None})


def capabilities(given: Mapping[str, Any]) -> Frozen:
    """Return an override's ``model_info``; its nulls stay, since they take a default away."""
    frozen: Frozen = freeze({key: item for key, item in given.items() if key not in SERVER_OWNED})
    return frozen


def secrets_in(value: Any) -> Iterator[Secret]:
    """Yield every Secret inside a frozen value."""
    if isinstance(value, Secret):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from secrets_in(item)
    elif isinstance(value, tuple):
        for item in value:
            yield from secrets_in(item)


def reference_paths(value: Any, path: tuple[str | int, ...]) -> Iterator[tuple[str | int, ...]]:
    """Yield the paths of maps that look like our references to secrets."""
    if isinstance(value, dict):
        if SECRET in value:
            yield (*path, SECRET)
        for key, item in value.items():
            yield from reference_paths(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from reference_paths(item, (*path, index))


def _with_secrets(value: Any, *, secret: bool) -> Any:
    """Return ``value`` with its secret strings wrapped; items of a list share its key's lot."""
    if isinstance(value, dict):
        return {key: _with_secrets(item, secret=is_masked(key)) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_secrets(item, secret=secret) for item in value]
    if isinstance(value, str) and (secret or value.startswith(_ENVIRONMENT)):
        return Secret(value)
    return value
