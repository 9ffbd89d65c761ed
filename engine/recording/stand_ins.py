"""Texts that stand for the keys of a configuration in a recording."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from ..config.coerce import as_declared
from ..config.key_files import LITELLM_KEY
from ..config.loader import load_config
from ..config.model import Config
from ..config.outside.variables import escape_settings, named_in, with_variables
from ..config.remedies import LITELLM, files_named
from ..config.secret_fields import PARAMS, map_secrets
from ..config.yaml.document import read_text, read_yaml
from ..config.yaml.written import yaml_text
from ..errors import ConfigError, Problem
from ..litellm.fields import is_secret_info
from ..state.frozen import EMPTY
from ..validate import schema

PREFIX: Final = "sk-recorded"
"""It looks like a secret, so the configuration is read as with what it stands for."""
_INFO: Final = "model_info_defaults"
_FILE_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", re.ASCII)


def is_file_name(name: str) -> bool:
    """Tell whether a key file can have this name."""
    return _FILE_NAME.fullmatch(name) is not None


def stand_in_of(file: str) -> str:
    """Return what stands for the content of a key file."""
    return f"{PREFIX}-{file}"


def config_with_stand_ins(text: str, name: str, environment: Mapping[str, str]) -> str:
    """Return the text of a valid configuration without the secrets that are in it in clear.

    It is written again from its values, without comments, which may hold old keys, and with what
    the variables of the environment hold in place of their names. Nobody is told of a replay.
    """
    document, _ = with_variables(
        read_yaml(text, name), schema("config"), named_in(text, environment)
    )
    declared = as_declared(document.value, schema("config"), document.raw)
    given = _given(declared, document.value)
    given.pop("notifications", None)
    numbers = count(1)

    def stand_in(secret: Any) -> Any:
        return secret if secret == "" else f"{PREFIX}.{next(numbers)}"

    for backend in given["backends"]:
        for key in PARAMS:
            if key in backend:
                backend[key] = map_secrets(backend[key], stand_in, _same, secret=False)
        for info in _infos(backend):
            for field, value in info.items():
                hidden = is_secret_info(field)
                info[field] = map_secrets(value, stand_in, None, secret=hidden)
    return yaml_text(escape_settings(given, schema("config")))


def load_with_stand_ins(
    path: Path,
    keys: Mapping[str, str],
    key_problems: Mapping[str, str],
    environment: Mapping[str, str] = EMPTY,
) -> Config:
    """Return a configuration with stand-ins in place of keys.

    ``keys`` maps the names of key files to their content, ``key_problems`` those of backends to
    what is wrong with their file. A file that a parameter names need not be in ``keys``.
    ``environment`` has the variables that the configuration may name; a recorded one names none.

    Raises:
        ConfigError: it cannot be used.
    """
    value = read_yaml(read_text(path), path.name).value
    named = files_named(value)
    webhooks = files_named(value.get("notifications") if isinstance(value, dict) else None)
    known = {name: value for name, value in environment.items() if name != LITELLM_KEY}
    files = {name: stand_in_of(name) for name in (*named, LITELLM)}
    files |= dict.fromkeys(webhooks, f"https://{PREFIX}.invalid/")
    with TemporaryDirectory() as folder:
        for name, content in {**files, **keys}.items():
            if is_file_name(name):
                (Path(folder) / name).write_text(content, encoding="utf-8")
        try:
            config = load_config(path, Path(folder), known)
        except ConfigError as error:
            raise ConfigError([_elsewhere(problem, folder) for problem in error.problems]) from None
    backends = tuple(
        replace(backend, key_problem=key_problems.get(backend.name, ""))
        for backend in config.backends
    )
    return replace(config, backends=backends)


def _elsewhere(problem: Problem, folder: str) -> Problem:
    return Problem(problem.where, problem.what.replace(folder, "the folder of key files"))


def _infos(backend: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield each map with fields of ``model_info``."""
    if _INFO in backend:
        yield backend[_INFO]
    for override in backend.get("overrides", ()):
        yield override["capabilities"]
    yield from (model for model in backend.get("models", ()) if isinstance(model, dict))


def _same(value: Any) -> Any:
    return value


def _given(declared: Any, given: Any) -> Any:
    """Return what of the declared values stands in the file, without the defaults of others."""
    if isinstance(given, dict) and isinstance(declared, dict):
        return {
            name: _given(declared[name], item) for name, item in given.items() if name in declared
        }
    if isinstance(given, list) and isinstance(declared, list):
        return [_given(*pair) for pair in zip(declared, given, strict=True)]
    return declared
