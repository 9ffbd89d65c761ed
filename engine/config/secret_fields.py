"""Secrets in the values of the configuration: by their names, by themselves, or in key files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from ..litellm.fields import ENVIRONMENT, is_secret, is_secret_text
from ..state.frozen import freeze
from ..state.secret import SECRET, Secret
from .yaml.tree import Steps

PARAMS: Final = ("litellm_params_defaults", "generic_params")
"""The keys of a backend with parameters, in which ``{secret: FILE}`` names a key file."""
_FILE: Final = "secret"
"""The only key of a map that names a key file: ``{secret: FILE}``."""
Change = Callable[[Any], Any]


def file_names(value: Any, path: Steps) -> Iterator[tuple[Steps, object]]:
    """Yield the path and value of each ``FILE`` of a ``{secret: FILE}`` in a parameter."""
    if _names_file(value):
        yield (*path, _FILE), value[_FILE]
        return
    for step, item in _members(value):
        yield from file_names(item, (*path, step))


def clear_secrets(value: Any, path: Steps, *, secret: bool, files: bool) -> Iterator[Steps]:
    """Yield the paths of texts in clear that look like secrets, by their names or themselves.

    One that LiteLLM reads from its environment is not in clear, nor, with ``files``, one in a file.
    """
    if isinstance(value, str):
        shown = value and not value.startswith(ENVIRONMENT)
        if shown and (secret or is_secret_text(value)):
            yield path
    elif not (files and _names_file(value)):
        for step, item in _members(value):
            inner = secret if isinstance(step, int) else is_secret(step)
            yield from clear_secrets(item, (*path, step), secret=inner, files=files)


def reference_paths(value: Any, path: Steps) -> Iterator[Steps]:
    """Yield the paths of keys that would make a map look like our reference to a secret."""
    if isinstance(value, dict) and SECRET in value:
        yield (*path, SECRET)
    for step, item in _members(value):
        yield from reference_paths(item, (*path, step))


def with_secrets(value: Any, files: Mapping[str, Secret] | None, *, secret: bool) -> Any:
    """Return ``value`` with Secrets in place of its secret texts and numbers, and of ``files``.

    A list is treated like its key. Without ``files``, no map names one.
    """

    def named(file: Any) -> Secret:
        return files.get(str(file[_FILE]), Secret("")) if files is not None else Secret("")

    return map_secrets(
        value, lambda leaf: Secret(freeze(leaf)), None if files is None else named, secret=secret
    )


def map_secrets(value: Any, change: Change, named: Change | None, *, secret: bool) -> Any:
    """Return ``value`` with each secret text and number changed, and each map that names a file.

    Without ``named``, no map names a file.
    """
    if named is not None and _names_file(value):
        return named(value)
    if isinstance(value, dict):
        return {
            key: map_secrets(item, change, named, secret=is_secret(key))
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [map_secrets(item, change, named, secret=secret) for item in value]
    if isinstance(value, str):
        hidden = secret or value.startswith(ENVIRONMENT) or is_secret_text(value)
        return change(value) if hidden else value
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return change(value) if secret and number else value


def _members(value: Any) -> Iterator[tuple[str | int, Any]]:
    if isinstance(value, dict):
        yield from value.items()
    elif isinstance(value, list):
        yield from enumerate(value)


def _names_file(value: Any) -> bool:
    return isinstance(value, dict) and value.keys() == {_FILE}
