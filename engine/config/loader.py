"""Loads the configuration: a YAML file and a directory of key files -> frozen values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from ..errors import ConfigError, Problem
from ..state.frozen import freeze
from ..state.secret import Secret
from ..transport.timing import Connection
from ..validate import Violation, path_text, schema, violations
from . import parsers
from .checks import SHARED, find_disagreements, find_problems, find_warnings
from .coerce import as_declared, usable_part, without
from .model import KINDS, Backend, Config, Limits, LiteLLM, Override, Selection
from .named_files import Files, KeyFile, read_files
from .remedies import LITELLM, explained, find_mistakes, find_suspects
from .yaml.document import Document, read_text, read_yaml
from .yaml.tree import Steps


@dataclass(frozen=True, slots=True)
class Lines:
    """Where the values of a configuration stand: the name of the file, and the line by path."""

    name: str
    lines: Mapping[Steps, int]

    def line(self, *path: str | int) -> int:
        """Return the line of a value, from 1; 0 if the file does not have it."""
        return self.lines.get(path, 0)


@dataclass(frozen=True, slots=True)
class Examined:
    """What was found in a configuration and its key files, whatever is wrong with them.

    ``problems`` are everything that is wrong. ``config`` is what can be used nevertheless: without
    the backends and settings that have a problem, and with "" for an address or a key of LiteLLM
    that cannot be used. It is None if the file cannot be read at all. ``document`` is the file as
    it was written, None if it is not YAML; ``given`` are its values, with the types and defaults of
    the schema.
    """

    problems: tuple[Problem, ...]
    config: Config | None = None
    document: Document | None = None
    given: Any = None


def load_config(config_path: Path, secrets_dir: Path) -> Config:
    """Return the configuration.

    Raises:
        ConfigError: it names everything that is wrong in the file or with the key of LiteLLM.
    """
    return load_with_lines(config_path, secrets_dir)[0]


def load_with_lines(config_path: Path, secrets_dir: Path) -> tuple[Config, Lines]:
    """Return the configuration, and where its values stand in the file.

    Raises:
        ConfigError: as :func:`load_config`.
    """
    text = _read(read_text(config_path), config_path.name)
    config = _config(text, _files_of(text, secrets_dir), secrets_dir)
    return config, Lines(text.document.name, text.document.lines)


def examine_config(config_path: Path, secrets_dir: Path) -> Examined:
    """Return what is wrong with a configuration, and what of it can be used; never raises."""
    try:
        text = _read(read_text(config_path), config_path.name)
    except ConfigError as error:
        return Examined(error.problems)
    files = _files_of(text, secrets_dir)
    problems: tuple[Problem, ...] = ()
    try:
        config = _config(text, files, secrets_dir)
    except ConfigError as error:
        config, problems = _usable(text, files, secrets_dir), error.problems
    return Examined(problems, config, text.document, text.given)


@lru_cache(maxsize=1)
def _config(text: _Text, files: Files, secrets_dir: Path) -> Config:
    """Make the configuration; the loop gets the same one again while no file has changed."""
    problems = _in_order(_wrong(text, files, secrets_dir), text.document)
    if files.litellm.problem:
        problems.append(Problem(str(secrets_dir / LITELLM), files.litellm.problem))
    if problems:
        raise ConfigError(problems)
    return _made(text.parsed, files, _warnings(text, files))


def _usable(text: _Text, files: Files, secrets_dir: Path) -> Config:
    """Return what can be used of a configuration in which something is wrong."""
    wrong = [violation.path for violation in _wrong(text, files, secrets_dir)]
    if not wrong:  # but for the key of LiteLLM
        return _made(text.parsed, files, _warnings(text, files))
    declared = usable_part(text.given, wrong, schema("config"))
    parsed, _ = parsers.parse_values(declared)
    parsed["litellm"].setdefault("url", "")
    files = read_files(declared, parsed, secrets_dir)
    return _made(parsed, replace(files, unused=()), ())


def _wrong(text: _Text, files: Files, secrets_dir: Path) -> list[Violation]:
    found = [explained(violation, text.given, secrets_dir) for violation in text.wrong]
    return [*found, *text.problems, *files.unusable, *find_mistakes(text.parsed)]


def _warnings(text: _Text, files: Files) -> tuple[str, ...]:
    document, parsed = text.document, text.parsed
    doubtful = [Violation(path, "given twice; the last one counts") for path in document.duplicates]
    doubtful += [*find_warnings(parsed), *find_suspects(parsed), *files.absent]
    return tuple(map(str, _in_order(doubtful, document)))


def _made(parsed: Mapping[str, Any], files: Files, warnings: tuple[str, ...]) -> Config:
    """Return the configuration of values in which nothing is wrong."""
    litellm = parsed["litellm"]
    return Config(
        litellm=LiteLLM(
            litellm["url"], files.litellm.key, _connection(litellm), litellm["writers"]
        ),
        backends=tuple(
            _backend(given, parsed, key, dict(files.named))
            for given, key in zip(parsed["backends"], files.backends, strict=True)
        ),
        owner=parsed["owner"],
        limits=Limits(**parsed["limits"]),
        on_clash=parsed["on_clash"],
        warnings=warnings,
        unused_keys=files.unused,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Text:
    """What a configuration says by its text alone, whatever the key files are.

    ``given`` has the defaults; ``wrong`` is what breaks the schema, and ``declared`` is without it.
    ``problems`` are those of ``declared``, and ``parsed`` has its values.
    """

    document: Document
    given: Any
    wrong: tuple[Violation, ...]
    declared: Any
    parsed: Any
    problems: tuple[Violation, ...]


def _files_of(text: _Text, secrets_dir: Path) -> Files:
    parsed = None if text.wrong or text.problems else text.parsed
    return read_files(text.declared, parsed, secrets_dir)


@lru_cache(maxsize=1)
def _read(text: str, name: str) -> _Text:
    """Read a configuration; nobody changes what is returned, and the loop asks for it again."""
    document = read_yaml(text, name)
    given = as_declared(document.value, schema("config"), document.raw)
    wrong = tuple(violations(given, "config"))
    declared = without(given, {violation.path for violation in wrong})
    parsed, unreadable = parsers.parse_values(declared)
    problems = (*unreadable, *find_problems(declared), *find_disagreements(parsed))
    return _Text(document, given, wrong, declared, parsed, problems)


def _in_order(found: Iterable[Violation], document: Document) -> list[Problem]:
    """Return the violations as problems with their line, in the order of the file."""
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


def _connection(section: Mapping[str, Any]) -> Connection:
    return Connection(section["timeout"], section["verify"], section["ca_file"] or None)


def _backend(
    given: Mapping[str, Any],
    top: Mapping[str, Any],
    file: KeyFile,
    named: Mapping[str, Secret],
) -> Backend:
    """Return a backend; ``named`` are the secrets of files that the configuration names."""
    shared = {name: given.get(name, top[name]) for name in (*SHARED, "on_taken_name")}
    joinable = given.get("joinable_names", top["joinable_names"])
    aliases = {
        model: [names] if isinstance(names, str) else list(dict.fromkeys(names))
        for model, names in given["aliases"].items()
    }
    return Backend(
        name=given["name"],
        kind=given["type"] if given["type"] in KINDS else KINDS[0],
        url=given["url"],
        key=file.key,
        key_problem=file.problem,
        key_given=file.given,
        connection=_connection(given),
        models_endpoint=given["models_endpoint"],
        model_format=given["model_format"],
        renames=tuple(rule["replace"] for rule in given["regex_rename"]),
        discovery=given["discovery"],
        include=given["filter_regex"],
        exclude=given["exclude_regex"],
        overrides=tuple(
            Override(override["regex"], parsers.capabilities(override["capabilities"]))
            for override in given["overrides"]
        ),
        model_info=parsers.model_info(given["model_info_defaults"]),
        litellm_params=parsers.litellm_params(
            given["generic_params"], given["litellm_params_defaults"], named
        ),
        name_format=given["name_format"],
        aliases=freeze(aliases),
        strip_tag=given["strip_tag"],
        use_slots=given["use_slots"],
        selection=_selection(given),
        models=freeze(dict(map(parsers.static_model, given["models"]))),
        joinable_names=tuple(joinable),
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
