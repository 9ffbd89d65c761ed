"""The values of a configuration: text or JSON -> what the engine works with. Pure.

Each parser raises ValueError with a sentence that says what is wrong and what to do; no sentence
repeats a value that may be a secret.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from ..bounds import MAX_PERIOD, MAX_TIMEOUT
from ..litellm.fields import (
    BUILT_IN,
    SERVER_OWNED,
    is_secret,
    is_secret_info,
    is_secret_text,
)
from ..state.endpoint import normal_url
from ..state.frozen import EMPTY, Frozen, freeze
from ..state.secret import SECRET, Secret
from ..validate import Violation, nearest
from .patterns import Pattern, compile_pattern, replacement
from .yaml_tree import Steps

PLACEHOLDERS: Final = ("model", "backend", "family")
_DURATION: Final = re.compile(r"(\d+(?:\.\d+)?)([smh]?)", re.ASCII)
_SECONDS: Final = {"": 1, "s": 1, "m": 60, "h": 3600}
_PLACEHOLDER: Final = re.compile(r"\{([^{}]*)\}")
_FILE: Final = "secret"
"""The only key of a map that names a key file: ``{secret: FILE}``."""
_ENVIRONMENT: Final = "os.environ/"
"""LiteLLM replaces a value with this prefix by that of the variable, also in its listings."""


def parse_values(config: Mapping[str, Any]) -> tuple[dict[str, Any], list[Violation]]:
    """Return a copy of ``config`` with its values parsed, and a violation for each that cannot be.

    ``config`` has the types of its schema, but may lack anything. What cannot be parsed is not in
    the copy.
    """
    parser = _Parser()
    parsed = {
        **config,
        "litellm": parser.section(config.get("litellm", {}), ("litellm",)),
        "limits": parser.section(config.get("limits", {}), ("limits",)),
        "backends": [
            parser.backend(backend, ("backends", index))
            for index, backend in enumerate(config.get("backends", ()))
        ],
    }
    return parsed, parser.problems


@dataclass(slots=True)
class _Parser:
    problems: list[Violation] = field(default_factory=list)

    def section(self, given: Mapping[str, Any], path: Steps) -> dict[str, Any]:
        parsed = {}
        for key, value in given.items():
            try:
                parsed[key] = _PARSERS[key](value) if key in _PARSERS else value
            except ValueError as error:
                self.problems.append(Violation((*path, key), str(error)))
        return parsed

    def backend(self, given: Mapping[str, Any], path: Steps) -> dict[str, Any]:
        parsed = self.section(given, path)
        for key, parse in (("overrides", self.section), ("regex_rename", self.rename)):
            items = enumerate(given.get(key, ()))
            parsed[key] = [parse(item, (*path, key, index)) for index, item in items]
        return parsed

    def rename(self, given: Mapping[str, Any], path: Steps) -> dict[str, Any]:
        """Parse a rule; its ``replace`` becomes the Replacement, which includes the pattern."""
        parsed = self.section(given, path)
        if parsed.keys() >= {"regex", "replace"}:
            try:
                parsed["replace"] = replacement(parsed["regex"], parsed["replace"])
            except ValueError as error:
                self.problems.append(Violation((*path, "replace"), str(error)))
        return parsed


def static_model(given: str | Mapping[str, Any]) -> tuple[str, Frozen]:
    """Return the id and the ``model_info`` of a model in ``models``."""
    if isinstance(given, str):
        return given, freeze({})
    return given["id"], model_info({name: value for name, value in given.items() if name != "id"})


def seconds(value: float | str) -> float:
    """Return a duration in seconds: a number of them, or a text such as ``90s`` or ``1h30m``."""
    if isinstance(value, str):
        return sum(float(number) * _SECONDS[unit] for number, unit in _DURATION.findall(value))
    return float(value)


def timeout(value: float | str) -> float:
    """Return a timeout in seconds."""
    if not 0 < (wait := seconds(value)) <= MAX_TIMEOUT:
        raise ValueError("expected more than 0 and at most 24h")
    return wait


def period(value: float | str) -> float:
    """Return the suspicion period in seconds."""
    if (length := seconds(value)) > MAX_PERIOD:
        raise ValueError("expected at most a year (8760h)")
    return length


def name_format(text: str) -> str:
    """Return a format of public names, once its placeholders are checked."""
    for placeholder in _PLACEHOLDER.findall(text):
        if placeholder not in PLACEHOLDERS:
            meant = nearest(placeholder, PLACEHOLDERS)
            known = "there are {model}, {backend} and {family}"
            advice = f"did you mean {{{meant}}}?" if meant else known
            raise ValueError(f"unknown placeholder; {advice}")
    if "{model}" not in text:
        raise ValueError("must contain {model}, or all models would have one name")
    return text


def models_endpoint(text: str) -> str:
    """Return a path below the URL of a backend, with its leading slash; "" for the usual one."""
    path = text.strip()
    if not path:
        return ""
    if "://" in path or path.startswith("//"):
        raise ValueError("expected a path below `url`, such as /models, not a whole URL")
    if "?" in path:
        raise ValueError(
            "must not hold a query (?), which messages would show; put a key in a file"
        )
    if re.search(r"[\s\x00-\x1f\x7f\\#]", path) or ".." in path.split("/"):
        raise ValueError("expected a plain path such as /models: no .., #, \\ or white space")
    return path if path.startswith("/") else f"/{path}"


def litellm_params(
    generic: Mapping[str, Any], defaults: Mapping[str, Any], files: Mapping[str, Secret] = EMPTY
) -> Frozen:
    """Return the parameters for every model of a backend; secret ones are Secrets.

    ``files`` are the contents of the key files that ``{secret: FILE}`` names.
    """
    merged = {**generic, **defaults}
    kept = {
        name: _with_secrets(value, files, secret=is_secret(name))
        for name, value in merged.items()
        if name not in BUILT_IN and value is not None
    }
    frozen: Frozen = freeze(kept)
    return frozen


def model_info(given: Mapping[str, Any]) -> Frozen:
    """Return ``model_info`` without nulls, and without what LiteLLM or the engine sets."""
    return capabilities({name: value for name, value in given.items() if value is not None})


def capabilities(given: Mapping[str, Any]) -> Frozen:
    """Return the ``model_info`` of an override; its nulls stay, since they remove a default."""
    kept = {
        name: _with_secrets(value, None, secret=is_secret_info(name))
        for name, value in given.items()
        if name not in SERVER_OWNED
    }
    frozen: Frozen = freeze(kept)
    return frozen


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
        shown = value and not value.startswith(_ENVIRONMENT)
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


def _members(value: Any) -> Iterator[tuple[str | int, Any]]:
    if isinstance(value, dict):
        yield from value.items()
    elif isinstance(value, list):
        yield from enumerate(value)


def _names_file(value: Any) -> bool:
    return isinstance(value, dict) and value.keys() == {_FILE}


def _with_secrets(value: Any, files: Mapping[str, Secret] | None, *, secret: bool) -> Any:
    """Return ``value`` with Secrets in place of its secret texts and numbers, and of ``files``.

    A list is treated like its key. Without ``files``, no map names one.
    """
    if files is not None and _names_file(value):
        return files.get(str(value[_FILE]), Secret(""))
    if isinstance(value, dict):
        return {
            key: _with_secrets(item, files, secret=is_secret(key)) for key, item in value.items()
        }
    if isinstance(value, list):
        return [_with_secrets(item, files, secret=secret) for item in value]
    if isinstance(value, str):
        hidden = secret or value.startswith(_ENVIRONMENT) or is_secret_text(value)
        return Secret(value) if hidden else value
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return Secret(freeze(value)) if secret and number else value


def _filter(text: str) -> Pattern | None:
    return compile_pattern(text) if text else None


_PARSERS: Final[Mapping[str, Callable[[Any], object]]] = {
    "url": normal_url,
    "timeout": timeout,
    "suspicion_period": period,
    "min_deployments": int,
    "filter_regex": _filter,
    "exclude_regex": _filter,
    "regex": compile_pattern,
    "name_format": name_format,
    "models_endpoint": models_endpoint,
}
"""By key, in whatever section of the configuration it is."""
