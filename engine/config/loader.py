"""Loads the configuration: a YAML file and a directory of key files -> frozen values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from ..errors import ConfigError, Problem
from ..state.frozen import EMPTY
from ..validate import Violation, path_text, schema, violations
from . import parsers
from .build import make_config
from .checks import find_disagreements, find_problems, find_warnings
from .coerce import as_declared, usable_part, without
from .key_files import LITELLM_KEY
from .model import Config
from .outside.named_files import Files, read_files
from .outside.swaps import read_unswapped
from .outside.variables import (
    Environment,
    find_unreplaced,
    named_in,
    with_variables,
)
from .remedies import LITELLM, explained, find_mistakes, find_suspects
from .yaml.document import Document, read_text, read_yaml
from .yaml.tree import Steps

_SHADOWED: Final = (
    f"${LITELLM_KEY} is not used, since there is the key file `{LITELLM}`; remove one of them"
)


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


def load_config(
    config_path: Path, secrets_dir: Path, environment: Mapping[str, str] = EMPTY
) -> Config:
    """Return the configuration; ``environment`` has the variables that it may name.

    Raises:
        ConfigError: it names everything that is wrong in the file or with the key of LiteLLM.
    """
    return load_with_lines(config_path, secrets_dir, environment)[0]


def load_with_lines(
    config_path: Path, secrets_dir: Path, environment: Mapping[str, str] = EMPTY
) -> tuple[Config, Lines]:
    """Return the configuration, and where its values stand in the file.

    Raises:
        ConfigError: as :func:`load_config`.
    """

    def load() -> tuple[Config, Lines]:
        text = _text_of(config_path, environment)
        config = _config(text, _files_of(text, secrets_dir, environment), secrets_dir)
        return config, Lines(text.document.name, text.document.lines)

    return read_unswapped((config_path.parent, secrets_dir), load)


def examine_config(
    config_path: Path, secrets_dir: Path, environment: Mapping[str, str] = EMPTY
) -> Examined:
    """Return what is wrong with a configuration, and what of it can be used; never raises."""

    def read() -> tuple[_Text, Files]:
        text = _text_of(config_path, environment)
        return text, _files_of(text, secrets_dir, environment)

    try:
        text, files = read_unswapped((config_path.parent, secrets_dir), read)
    except ConfigError as error:
        return Examined(error.problems)
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
    return make_config(text.parsed, files, _warnings(text, files))


def _usable(text: _Text, files: Files, secrets_dir: Path) -> Config:
    """Return what can be used of a configuration in which something is wrong."""
    wrong = [violation.path for violation in _wrong(text, files, secrets_dir)]
    if not wrong:  # but for the key of LiteLLM
        return make_config(text.parsed, files, _warnings(text, files))
    declared = usable_part(text.given, wrong, schema("config"))
    parsed, _ = parsers.parse_values(declared)
    parsed["litellm"].setdefault("url", "")
    files = read_files(declared, parsed, secrets_dir)
    return make_config(parsed, replace(files, unused=()), ())


def _wrong(text: _Text, files: Files, secrets_dir: Path) -> list[Violation]:
    found = [explained(violation, text.given, secrets_dir) for violation in text.wrong]
    return [*found, *text.problems, *files.unusable, *find_mistakes(text.parsed)]


def _warnings(text: _Text, files: Files) -> tuple[str, ...]:
    document, parsed = text.document, text.parsed
    doubtful = [Violation(path, "given twice; the last one counts") for path in document.duplicates]
    doubtful += [*find_warnings(parsed), *find_suspects(parsed), *find_unreplaced(parsed)]
    doubtful += files.absent
    found = tuple(map(str, _in_order(doubtful, document)))
    return (*found, _SHADOWED) if files.litellm.shadows else found


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


def _text_of(path: Path, environment: Mapping[str, str]) -> _Text:
    text = read_text(path)
    return _read(text, path.name, named_in(text, environment))


def _files_of(text: _Text, secrets_dir: Path, environment: Mapping[str, str]) -> Files:
    parsed = None if text.wrong or text.problems else text.parsed
    return read_files(text.declared, parsed, secrets_dir, environment.get(LITELLM_KEY, ""))


@lru_cache(maxsize=1)
def _read(text: str, name: str, environment: Environment) -> _Text:
    """Read a configuration; nobody changes what is returned, and the loop asks for it again."""
    document, unset = with_variables(read_yaml(text, name), schema("config"), environment)
    given = as_declared(document.value, schema("config"), document.raw)
    without_value = {violation.path for violation in unset}
    broken = (found for found in violations(given, "config") if found.path not in without_value)
    wrong = (*unset, *broken)
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
