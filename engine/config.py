"""The configuration: one YAML file and a directory of keys -> frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from . import configparts as parts
from .configcheck import KINDS, LITELLM, SHARED, find_problems, find_warnings
from .configfile import Document, read_text, read_yaml
from .declared import as_declared, without
from .endpoint import normal_url
from .errors import ConfigError, Problem
from .keyfile import read_key
from .patterns import Pattern, compile_pattern
from .state import Frozen, Secret, freeze
from .validate import Violation, path_text, schema, violations

__all__ = ["BLANK", "KINDS", "Backend", "Config", "Connection", "Limits", "LiteLLM", "Override"]

BLANK: Final = "BLANK"
"""Sent as the key to backends that need none, so that LiteLLM does not send another one."""
_LITELLM_TIMEOUT: Final = 60.0


@dataclass(frozen=True, slots=True)
class Connection:
    """How to reach a server: ``timeout`` in seconds, ``ca_file`` a path or None."""

    timeout: float = 10.0
    verify: bool = True
    ca_file: str | None = None


@dataclass(frozen=True, slots=True)
class LiteLLM:
    """The proxy: its normal URL and the key of an admin."""

    url: str
    key: Secret
    connection: Connection


@dataclass(frozen=True, slots=True)
class Limits:
    """When absences are suspicious, and for how many seconds they must last to be believed."""

    max_delete_fraction: float = 0.3
    min_deployments: int = 10
    suspicion_period: float = 900.0


@dataclass(frozen=True, slots=True)
class Override:
    """``model_info`` fields for models that match; a null takes away what a default sets."""

    pattern: Pattern
    capabilities: Frozen


@dataclass(frozen=True, slots=True)
class Backend:
    """One LLM server.

    ``key`` is BLANK without a key file; where the file is unusable, ``key_problem`` says why.
    ``litellm_params`` may hold Secrets at any depth. ``aliases`` maps model ids to more names.
    """

    name: str
    kind: str
    url: str
    key: Secret
    key_problem: str
    connection: Connection
    models_endpoint: str
    model_format: str
    discovery: bool | str
    include: Pattern | None
    exclude: Pattern | None
    overrides: tuple[Override, ...]
    model_info: Frozen
    litellm_params: Frozen
    name_format: str
    aliases: Mapping[str, tuple[str, ...]]
    policy: str
    ownership: str
    on_unreachable: str


@dataclass(frozen=True, slots=True)
class Config:
    """Everything that an operator decides; ``warnings`` are sentences for the log."""

    litellm: LiteLLM
    backends: tuple[Backend, ...]
    owner: str
    limits: Limits
    warnings: tuple[str, ...]

    def secrets(self) -> tuple[Secret, ...]:
        """Return every secret in here, each once, for redaction."""
        found = [self.litellm.key]
        for backend in self.backends:
            found += [backend.key] if backend.key != Secret(BLANK) else []
            found += parts.secrets_in(backend.litellm_params)
            found += parts.secrets_in(backend.model_info)
        return tuple(dict.fromkeys(secret for secret in found if secret))


def load_config(config_path: Path, secrets_dir: Path) -> Config:
    """Return the configuration.

    Raises:
        ConfigError: with everything that is wrong in the file and with LiteLLM's key.
    """
    document = read_yaml(read_text(config_path), config_path.name)
    declared = schema("config")
    value = as_declared(document.value, declared, document.raw)
    wrong = violations(value, "config")
    wrong += find_problems(without(value, {violation.path for violation in wrong}))
    problems = [_located(violation, document) for violation in _in_order(wrong, document)]
    key, key_problem = _litellm_key(secrets_dir / LITELLM)
    if key_problem:
        problems.append(Problem(str(secrets_dir / LITELLM), key_problem))
    if problems:
        raise ConfigError(problems)
    doubtful = [Violation(path, "given twice; the last one counts") for path in document.duplicates]
    doubtful += [*find_warnings(value), *_absent_files(value)]
    return Config(
        litellm=LiteLLM(
            normal_url(value["litellm"]["url"]),
            key,
            _connection(value["litellm"], _LITELLM_TIMEOUT),
        ),
        backends=tuple(_backend(one, value, secrets_dir) for one in value.get("backends", ())),
        owner=value.get("owner", "modelprovisioner"),
        limits=_limits(value.get("limits", {})),
        warnings=tuple(str(_located(one, document)) for one in _in_order(doubtful, document)),
    )


def _line(path: tuple[str | int, ...], document: Document) -> int:
    while path and path not in document.lines:
        path = path[:-1]
    return document.lines[path]


def _in_order(found: list[Violation], document: Document) -> list[Violation]:
    return sorted(found, key=lambda one: (_line(one.path, document), path_text(one.path), one.what))


def _located(violation: Violation, document: Document) -> Problem:
    place = f"{document.name}:{_line(violation.path, document)}"
    path = path_text(violation.path)
    return Problem(f"{place}: {path}" if path else place, violation.what)


def _litellm_key(path: Path) -> tuple[Secret, str]:
    """Return LiteLLM's key, and what is wrong with its file ("" if nothing is)."""
    remedy = "put the key of a LiteLLM admin into it"
    try:
        key = read_key(path)
    except FileNotFoundError:
        return Secret(""), f"there is no such file; {remedy}"
    except ValueError as error:
        return Secret(""), f"{error}; {remedy}"
    return Secret(key), "" if key else f"empty; {remedy}"


def _backend_key(path: Path) -> tuple[Secret, str]:
    try:
        return Secret(read_key(path) or BLANK), ""
    except FileNotFoundError:
        return Secret(BLANK), ""
    except ValueError as error:
        return Secret(BLANK), str(error)


def _absent_files(value: Mapping[str, Any]) -> list[Violation]:
    backends = [(("backends", i), one) for i, one in enumerate(value.get("backends", ()))]
    found = []
    for path, section in [(("litellm",), value["litellm"]), *backends]:
        ca_file = section.get("ca_file", "")
        if ca_file and ("\0" in ca_file or not Path(ca_file).is_file()):
            what = "there is no such file; no request to this server will succeed"
            found.append(Violation((*path, "ca_file"), what))
    return found


def _connection(section: Mapping[str, Any], timeout: float) -> Connection:
    return Connection(
        parts.timeout(section.get("timeout", timeout)),
        section.get("verify", True),
        section.get("ca_file") or None,
    )


def _limits(section: Mapping[str, Any]) -> Limits:
    given = dict(section)
    if "suspicion_period" in given:
        given["suspicion_period"] = parts.period(given["suspicion_period"])
    if "min_deployments" in given:
        given["min_deployments"] = int(given["min_deployments"])
    return Limits(**given)


def _backend(given: Mapping[str, Any], top: Mapping[str, Any], secrets_dir: Path) -> Backend:
    key, key_problem = _backend_key(secrets_dir / given["name"])
    kind = given.get("type", "")
    shared = {name: given.get(name, top.get(name, default)) for name, default in SHARED.items()}
    aliases = {
        model: [names] if isinstance(names, str) else list(dict.fromkeys(names))
        for model, names in given.get("aliases", {}).items()
    }
    return Backend(
        name=given["name"],
        kind=kind if kind in KINDS else KINDS[0],
        url=normal_url(given["url"]),
        key=key,
        key_problem=key_problem,
        connection=_connection(given, Connection().timeout),
        models_endpoint=parts.models_endpoint(given.get("models_endpoint", "")),
        model_format=given.get("model_format", ""),
        discovery=given.get("discovery", False),
        include=_pattern(given.get("filter_regex", "")),
        exclude=_pattern(given.get("exclude_regex", "")),
        overrides=tuple(_override(one) for one in given.get("overrides", ())),
        model_info=parts.model_info(given.get("model_info_defaults", {})),
        litellm_params=parts.litellm_params(
            given.get("generic_params", {}), given.get("litellm_params_defaults", {})
        ),
        name_format=given.get("name_format", "{model}"),
        aliases=freeze(aliases),
        **shared,
    )


def _pattern(text: str) -> Pattern | None:
    return compile_pattern(text) if text else None


def _override(given: Mapping[str, Any]) -> Override:
    pattern = compile_pattern(given.get("regex", ""))
    return Override(pattern, parts.capabilities(given.get("capabilities", {})))
