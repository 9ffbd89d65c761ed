"""Which listed models are wanted, and under which public names. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from .bounds import MAX_NAME
from .listing import Model

if TYPE_CHECKING:
    from .config import Backend

_PLACEHOLDER: Final = re.compile(r"\{(\w+)\}")
_UNPRINTABLE: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def public_names(backend: Backend, model: Model) -> tuple[str, ...]:
    """Return the names under which a model is offered: the formatted one, then its aliases."""
    stripped = model.id.removesuffix(f":{backend.strip_tag}") if backend.strip_tag else model.id
    values = {"backend": backend.name, "family": model.family or "unknown", "model": stripped}
    formatted = _PLACEHOLDER.sub(lambda found: values[found[1]], backend.name_format)
    aliases = backend.aliases.get(model.id, backend.aliases.get(stripped, ()))
    names = (formatted, *aliases)
    return tuple(dict.fromkeys(_UNPRINTABLE.sub("_", name)[:MAX_NAME] for name in names))


def filtered(backend: Backend, model: Model) -> bool:
    """Tell whether an expression of the configuration leaves a model out."""
    if backend.include is not None and not backend.include.search(model.id):
        return True
    return backend.exclude is not None and backend.exclude.search(model.id)


def unwanted(backend: Backend, model: Model) -> str:
    """Return why a model that passes the expressions is not wanted all the same, or ""."""
    wanted = backend.selection
    mode = str(model.info.get("mode", ""))
    reasons = {
        f"it is an adapter of {model.parent} (include_adapters: false)": (
            model.parent and not wanted.adapters
        ),
        "it runs in a cloud, not here (include_remote: false)": model.remote and not wanted.remote,
        "it is not loaded (include_unloaded: false)": (
            model.state == "unloaded" and not wanted.unloaded
        ),
        "its backend could not load it (include_failed: false)": (
            model.state == "failed" and not wanted.failed
        ),
        f"its mode is {mode or 'not known'} (include_modes)": (
            wanted.modes and mode not in wanted.modes
        ),
        f"its mode is {mode} (exclude_modes)": mode in wanted.not_modes,
    }
    return next((reason for reason, holds in reasons.items() if holds), "")
