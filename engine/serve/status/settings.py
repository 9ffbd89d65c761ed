"""The configuration in force as a plain document, without secrets. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any, Final

from ...config.patterns import NamePattern, Pattern, Replacement
from ...state.secret import PLACEHOLDER_KEY, Secret

if TYPE_CHECKING:
    from ...config.model import Backend, Config

HIDDEN: Final = "(secret)"
_NAMES: Final = {
    "kind": "type",
    "include": "filter_regex",
    "exclude": "exclude_regex",
    "renames": "regex_rename",
    "model_info": "model_info_defaults",
    "litellm_params": "litellm_params_defaults",
    "adapters": "include_adapters",
    "remote": "include_remote",
    "unloaded": "include_unloaded",
    "failed": "include_failed",
    "modes": "include_modes",
    "not_modes": "exclude_modes",
}
"""By field of the model: its name in the configuration, where that is another one."""
_KEYS: Final = ("key", "key_given", "key_problem")
_NO_KEY: Final = Secret(PLACEHOLDER_KEY)


def settings_of(config: Config) -> dict[str, Any]:
    """Return the configuration without secrets, and without what is not set.

    It has the names of the file: ``litellm``, ``owner``, ``on_clash``, ``limits``,
    ``backends`` and ``notifications``.
    """
    return {
        "litellm": {**_fields(config.litellm), "key": HIDDEN},
        "owner": config.owner,
        "on_clash": config.on_clash,
        "limits": _fields(config.limits),
        "backends": [_backend(backend) for backend in config.backends],
        "notifications": [
            {"webhook": HIDDEN, "format": hook.form, "on": list(hook.topics)}
            for hook in config.notifications
        ],
    }


def _backend(backend: Backend) -> dict[str, Any]:
    shown = _fields(backend)
    if backend.key_problem:
        key = f"unusable: {backend.key_problem}"
    elif backend.key != _NO_KEY:
        key = HIDDEN
    else:
        key = "none"
    return {"name": shown.pop("name"), "type": shown.pop("type"), "key": key, **shown}


def _fields(value: Any) -> dict[str, Any]:
    """Return what is set of a value; what is empty or None is left out."""
    found: dict[str, Any] = {}
    for field in fields(value):
        if field.name in _KEYS:
            continue
        plain = _plain(getattr(value, field.name))
        if field.name in ("connection", "selection"):
            found.update(plain)
        elif plain is not None and plain not in ("", [], {}):
            found[_NAMES.get(field.name, field.name)] = plain
    return found


def _plain(value: Any) -> Any:
    """Return a value as JSON has it; an unknown kind of value is not shown."""
    plain: Any = HIDDEN
    if isinstance(value, Pattern | NamePattern):
        plain = value.text
    elif isinstance(value, Replacement):
        plain = f"{value.pattern.text} -> {value.template}"
    elif isinstance(value, Mapping):
        plain = {str(name): _plain(member) for name, member in value.items()}
    elif isinstance(value, list | tuple):
        plain = [_plain(member) for member in value]
    elif is_dataclass(value):
        plain = _fields(value)
    elif isinstance(value, float) and value.is_integer():
        plain = int(value)
    elif value is None or isinstance(value, str | int | float):
        plain = value
    return plain
