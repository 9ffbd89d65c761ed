"""The configuration: one YAML file and a directory of keys -> frozen values."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from ..bounds import MAX_DECLARED
from ..errors import ConfigError, Problem
from ..state.frozen import freeze
from ..state.secret import PLACEHOLDER_KEY, Secret
from ..transport.connection import Connection
from ..validate import Violation, path_text, schema, violations
from . import parsers as parts
from .checks import (
    LITELLM,
    SHARED,
    find_disagreements,
    find_files,
    find_problems,
    find_warnings,
)
from .coerce import as_declared, without
from .key_files import read_key, read_secret
from .model import KINDS, Backend, Config, Limits, LiteLLM, Override, Selection
from .yaml_file import Document, read_text, read_yaml

_FILE_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", re.ASCII)


def load_config(config_path: Path, secrets_dir: Path) -> Config:
    """Return the configuration.

    Raises:
        ConfigError: with everything that is wrong in the file and with the key of LiteLLM.
    """
    document = read_yaml(read_text(config_path), config_path.name)
    declared = as_declared(document.value, schema("config"), document.raw)
    wrong = violations(declared, "config")
    declared = without(declared, {violation.path for violation in wrong})
    parsed, unreadable = parts.parse_values(declared)
    wrong += [*unreadable, *find_problems(declared), *find_disagreements(parsed)]
    files, unusable = _named_files(declared, secrets_dir)
    wrong += unusable
    problems = _in_order(wrong, document)
    key, key_problem = _litellm_key(secrets_dir / LITELLM)
    if key_problem:
        problems.append(Problem(str(secrets_dir / LITELLM), key_problem))
    if problems:
        raise ConfigError(problems)
    doubtful = [Violation(path, "given twice; the last one counts") for path in document.duplicates]
    doubtful += [*find_warnings(parsed), *_absent_files(parsed)]
    litellm = parsed["litellm"]
    return Config(
        litellm=LiteLLM(litellm["url"], key, _connection(litellm)),
        backends=tuple(
            _backend(given, parsed, (secrets_dir, files)) for given in parsed["backends"]
        ),
        owner=parsed["owner"],
        limits=Limits(**parsed["limits"]),
        on_clash=parsed["on_clash"],
        warnings=tuple(map(str, _in_order(doubtful, document))),
    )


def _in_order(found: Iterable[Violation], document: Document) -> list[Problem]:
    """Return what was found, with its line, in the order of the file."""
    ordered = sorted(
        (_line(violation.path, document), path_text(violation.path), violation.what)
        for violation in found
    )
    return [
        Problem(f"{document.name}:{line}: {path}" if path else f"{document.name}:{line}", what)
        for line, path, what in ordered
    ]


def _line(path: tuple[str | int, ...], document: Document) -> int:
    while path and path not in document.lines:
        path = path[:-1]
    return document.lines[path]


def _litellm_key(path: Path) -> tuple[Secret, str]:
    """Return the key of LiteLLM, and what is wrong with its file ("" if nothing is)."""
    remedy = "put the key of a LiteLLM admin into it"
    try:
        key = read_key(path)
    except FileNotFoundError:
        return Secret(""), f"there is no such file; {remedy}"
    except ValueError as error:
        return Secret(""), f"{error}; {remedy}"
    return Secret(key), "" if key else f"empty; {remedy}"


def _backend_key(path: Path) -> tuple[Secret, str]:
    """Return the key of a backend, and what is wrong with its file ("" if nothing is)."""
    try:
        return Secret(read_key(path) or PLACEHOLDER_KEY), ""
    except FileNotFoundError:
        return Secret(PLACEHOLDER_KEY), ""
    except ValueError as error:
        return Secret(PLACEHOLDER_KEY), str(error)


def _absent_files(parsed: Mapping[str, Any]) -> list[Violation]:
    backends = [(("backends", i), backend) for i, backend in enumerate(parsed["backends"])]
    found = []
    for path, section in [(("litellm",), parsed["litellm"]), *backends]:
        ca_file = section["ca_file"]
        if ca_file and ("\0" in ca_file or not Path(ca_file).is_file()):
            what = "there is no such file; every request to this server will fail"
            found.append(Violation((*path, "ca_file"), what))
    return found


def _connection(section: Mapping[str, Any]) -> Connection:
    return Connection(section["timeout"], section["verify"], section["ca_file"] or None)


def _named_files(
    config: Mapping[str, Any], secrets_dir: Path
) -> tuple[dict[str, Secret], list[Violation]]:
    """Return the contents of the key files that parameters name, and what is wrong with them."""
    files: dict[str, Secret] = {}
    wrong = []
    for index, backend in enumerate(config.get("backends", ())):
        size = 0
        for path, name in find_files(backend, ("backends", index)):
            try:
                files[str(name)] = secret = _named_file(secrets_dir, name)
            except ValueError as error:
                wrong.append(Violation(path, str(error)))
            else:
                size += len(secret.reveal())
        if size > MAX_DECLARED:
            what = f"name key files with {size} characters together, at most {MAX_DECLARED}"
            wrong.append(Violation(("backends", index), f"its parameters {what}; shorten them"))
    return files, wrong


def _named_file(secrets_dir: Path, name: object) -> Secret:
    """Return the content of a key file.

    Raises:
        ValueError: it cannot be used. The text does not repeat the name, which may be a secret.
    """
    if not isinstance(name, str) or not _FILE_NAME.fullmatch(name):
        raise ValueError(f"expected the name of a key file in {secrets_dir}")
    if name == LITELLM:
        raise ValueError("names the key of LiteLLM, which is sent to no backend; use another file")
    try:
        text = read_secret(secrets_dir / name)
    except FileNotFoundError:
        raise ValueError(f"names no key file that there is in {secrets_dir}; add it") from None
    if not text:
        raise ValueError(f"the key file {secrets_dir / name} is empty; put the secret into it")
    return Secret(text)


def _backend(
    given: Mapping[str, Any], top: Mapping[str, Any], secrets: tuple[Path, Mapping[str, Secret]]
) -> Backend:
    """Return a backend; ``secrets`` are the folder of key files, and those that are named."""
    secrets_dir, files = secrets
    key, key_problem = _backend_key(secrets_dir / given["name"])
    shared = {name: given.get(name, top[name]) for name in SHARED}
    aliases = {
        model: [names] if isinstance(names, str) else list(dict.fromkeys(names))
        for model, names in given["aliases"].items()
    }
    return Backend(
        name=given["name"],
        kind=given["type"] if given["type"] in KINDS else KINDS[0],
        url=given["url"],
        key=key,
        key_problem=key_problem,
        connection=_connection(given),
        models_endpoint=given["models_endpoint"],
        model_format=given["model_format"],
        renames=tuple(rule["replace"] for rule in given["regex_rename"]),
        discovery=given["discovery"],
        include=given["filter_regex"],
        exclude=given["exclude_regex"],
        overrides=tuple(
            Override(override["regex"], parts.capabilities(override["capabilities"]))
            for override in given["overrides"]
        ),
        model_info=parts.model_info(given["model_info_defaults"]),
        litellm_params=parts.litellm_params(
            given["generic_params"], given["litellm_params_defaults"], files
        ),
        name_format=given["name_format"],
        aliases=freeze(aliases),
        strip_tag=given["strip_tag"],
        use_slots=given["use_slots"],
        selection=_selection(given),
        models=freeze(dict(map(parts.static_model, given["models"]))),
        **shared,
    )


def _selection(given: Mapping[str, Any]) -> Selection:
    return Selection(
        adapters=given["include_adapters"],
        remote=given["include_remote"],
        unloaded=given["include_unloaded"],
        failed=given["include_failed"],
        modes=tuple(given["include_modes"]),
        not_modes=tuple(given["exclude_modes"]),
    )
