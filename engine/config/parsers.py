"""Parsers for the values of a configuration: text or JSON -> what the engine uses. Pure.

Each parser raises ValueError with a sentence that says what is wrong and what to do. The sentence
never repeats a value that may be a secret.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from ..bounds import MAX_PERIOD, MAX_TIMEOUT
from ..litellm.fields import (
    BUILT_IN,
    SERVER_OWNED,
    is_secret,
    is_secret_info,
)
from ..state.endpoint import normal_url
from ..state.frozen import EMPTY, Frozen, freeze
from ..state.secret import Secret
from ..validate import Violation, nearest
from .durations import seconds
from .patterns import NamePattern, Pattern, compile_pattern, name_pattern, replacement
from .secret_fields import with_secrets
from .yaml.tree import Steps

PLACEHOLDERS: Final = ("model", "backend", "family")
_PLACEHOLDER: Final = re.compile(r"\{([^{}]*)\}")


def parse_values(config: Mapping[str, Any]) -> tuple[dict[str, Any], list[Violation]]:
    """Return a copy of ``config`` with its values parsed, and a violation for each that cannot be.

    ``config`` has the types of its schema, but any key may be missing. The copy does not contain
    what cannot be parsed.
    """
    parser = _Parser()
    parsed = {
        **config,
        "litellm": parser.section(config.get("litellm", {}), ("litellm",)),
        "limits": parser.section(config.get("limits", {}), ("limits",)),
        "notifications": parser.notifications(config.get("notifications", ())),
        "joinable_names": parser.names(config.get("joinable_names", ()), ("joinable_names",)),
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
        if "joinable_names" in given:
            names = self.names(given["joinable_names"], (*path, "joinable_names"))
            parsed["joinable_names"] = names
        return parsed

    def notifications(self, given: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Check the addresses that are not in a file."""
        for index, entry in enumerate(given):
            try:
                if isinstance(url := entry.get("webhook"), str):
                    webhook_url(url)
            except ValueError as error:
                self.problems.append(Violation(("notifications", index, "webhook"), str(error)))
        return [dict(entry) for entry in given]

    def names(self, given: Sequence[object], path: Steps) -> list[NamePattern]:
        """Parse a list of public names and expressions for them."""
        parsed = []
        for index, text in enumerate(given):
            if not isinstance(text, str):  # what is left of one that breaks the schema
                continue
            try:
                parsed.append(name_pattern(text))
            except ValueError as error:
                self.problems.append(Violation((*path, index), str(error)))
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


def webhook_url(text: str) -> str:
    """Return the URL of a webhook; the message of an error never repeats it, since it is secret."""
    try:
        parts = urlsplit(text.strip())
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        usable = ""
    if not usable:
        raise ValueError("expected an http:// or https:// URL with a host")
    if parts.username is not None or parts.password is not None:
        raise ValueError("must not hold a user name or password; use a URL that needs none")
    if parts.fragment or re.search(r"[^\x21-\x7e]", text.strip()):
        raise ValueError("must not hold a fragment (#) or white space, and only ASCII characters")
    return text.strip()


def timeout(value: float | str) -> float:
    """Return a timeout in seconds."""
    if not 0 < (wait := _seconds(value)) <= MAX_TIMEOUT:
        raise ValueError("expected more than 0 and at most 24h")
    return wait


def period(value: float | str) -> float:
    """Return how long something must last, in seconds."""
    if (length := _seconds(value)) > MAX_PERIOD:
        raise ValueError("expected at most a year (8760h)")
    return length


def name_format(text: str) -> str:
    """Return a format of public names after checking its placeholders."""
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
        name: with_secrets(value, files, secret=is_secret(name))
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
        name: with_secrets(value, None, secret=is_secret_info(name))
        for name, value in given.items()
        if name not in SERVER_OWNED
    }
    frozen: Frozen = freeze(kept)
    return frozen


def _seconds(value: float | str) -> float:
    return seconds(value) if isinstance(value, str) else float(value)


def _filter(text: str) -> Pattern | None:
    return compile_pattern(text) if text else None


_PARSERS: Final[Mapping[str, Callable[[Any], object]]] = {
    "url": normal_url,
    "timeout": timeout,
    "suspicion_period": period,
    "removal_grace": period,
    "min_deployments": int,
    "max_models": int,
    "max_creates": int,
    "filter_regex": _filter,
    "exclude_regex": _filter,
    "regex": compile_pattern,
    "name_format": name_format,
    "models_endpoint": models_endpoint,
}
"""By key, in any section of the configuration."""
