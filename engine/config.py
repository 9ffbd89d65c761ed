"""The configuration: one YAML file and a directory of keys -> frozen values."""

from __future__ import annotations

from collections.abc import Mapping
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
from .settings import (
    Backend,
    Config,
    Connection,
    Limits,
    LiteLLM,
    Override,
    Selection,
)
from .state import PLACEHOLDER_KEY, Secret, freeze
from .validate import Violation, path_text, schema, violations

__all__ = [
    "KINDS",
    "Backend",
    "Config",
    "Connection",
    "Limits",
    "LiteLLM",
    "Override",
    "Selection",
    "load_config",
]

_LITELLM_TIMEOUT: Final = 60.0


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
        on_clash=value.get("on_clash", "pool"),
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
        return Secret(read_key(path) or PLACEHOLDER_KEY), ""
    except FileNotFoundError:
        return Secret(PLACEHOLDER_KEY), ""
    except ValueError as error:
        return Secret(PLACEHOLDER_KEY), str(error)


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
        discovery=given.get("discovery", True),
        include=_pattern(given.get("filter_regex", "")),
        exclude=_pattern(given.get("exclude_regex", "")),
        overrides=tuple(_override(one) for one in given.get("overrides", ())),
        model_info=parts.model_info(given.get("model_info_defaults", {})),
        litellm_params=parts.litellm_params(
            given.get("generic_params", {}), given.get("litellm_params_defaults", {})
        ),
        name_format=given.get("name_format", "{model}"),
        aliases=freeze(aliases),
        strip_tag=given.get("strip_tag", ""),
        use_slots=given.get("use_slots", False),
        selection=_selection(given),
        models=tuple(parts.static_model(one) for one in given.get("models", ())),
        **shared,
    )


def _selection(given: Mapping[str, Any]) -> Selection:
    every = Selection()
    return Selection(
        adapters=given.get("include_adapters", every.adapters),
        remote=given.get("include_remote", every.remote),
        unloaded=given.get("include_unloaded", every.unloaded),
        failed=given.get("include_failed", every.failed),
        modes=tuple(given.get("include_modes", ())),
        not_modes=tuple(given.get("exclude_modes", ())),
    )


def _pattern(text: str) -> Pattern | None:
    return compile_pattern(text) if text else None


def _override(given: Mapping[str, Any]) -> Override:
    pattern = compile_pattern(given.get("regex", ""))
    return Override(pattern, parts.capabilities(given.get("capabilities", {})))
