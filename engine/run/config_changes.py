"""What changed between two configurations, in words. Never holds a key, or any other value."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ..config.model import Backend, Config
from ..state.secret import Secret

_NO_KEY = Secret("")


def describe_changes(old: Config, new: Config) -> tuple[str, ...]:
    """Return a line for the configuration, if it changed, and one for each key that did."""
    lines = []
    if _without_keys(old) != _without_keys(new):
        parts = "; ".join(_parts(old, new))
        lines.append(f"configuration reloaded: {parts}" if parts else "configuration reloaded")
    if old.litellm.key != new.litellm.key:
        lines.append("key of LiteLLM changed")
    before = {backend.name: backend for backend in old.backends}
    for backend in new.backends:
        known = before.get(backend.name)
        if known and (known.key, known.key_problem) != (backend.key, backend.key_problem):
            lines.append(f"key of {backend.name} changed")
    return tuple(lines)


def _without_keys(config: Config) -> Config:
    litellm = replace(config.litellm, key=_NO_KEY)
    return replace(config, litellm=litellm, backends=tuple(map(_without_key, config.backends)))


def _without_key(backend: Backend) -> Backend:
    return replace(backend, key=_NO_KEY, key_problem="", key_given=False)


def _parts(old: Config, new: Config) -> Iterator[str]:
    """Yield which backends were added, removed and changed."""
    before = {backend.name: _without_key(backend) for backend in old.backends}
    after = {backend.name: _without_key(backend) for backend in new.backends}
    both = before.keys() & after.keys()
    changed = {name for name in both if before[name] != after[name]}
    for word, names in (
        ("added", after.keys() - before.keys()),
        ("removed", before.keys() - after.keys()),
        ("changed", changed),
    ):
        if names:
            yield f"{word} {', '.join(sorted(names))}"
