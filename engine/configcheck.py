"""What a schema cannot say of a configuration: every problem and every warning at once. Pure.

Paths that exist, keys that can be read: those are for :mod:`engine.config` and the keys' reader.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from typing import Any, Final

from . import configparts as parts
from .configsize import row_problems
from .endpoint import canonical_endpoint, normal_url
from .patterns import compile_pattern
from .validate import Violation, nearest
from .yamltree import Steps

KINDS: Final = (
    "openai",
    "auto",
    "docker_model_runner",
    "gpustack",
    "infinity",
    "lemonade",
    "litellm_proxy",
    "llamacpp",
    "lmstudio",
    "localai",
    "ollama",
    "openrouter",
    "sglang",
    "static",
    "tabbyapi",
    "tei",
    "tgi",
    "vllm",
    "xinference",
)
"""The kinds of backend; the first one is what an unknown ``type`` means."""
LITELLM: Final = "litellm"
"""The file with LiteLLM's key, hence no name for a backend."""
SHARED: Final = {"policy": "sync", "ownership": "adopt", "on_unreachable": "keep"}
"""What a backend may set for itself, and all backends of one endpoint must agree on."""


_PARSERS: Final[Mapping[str, Callable[[Any], object]]] = {
    "url": normal_url,
    "timeout": parts.timeout,
    "suspicion_period": parts.period,
    "filter_regex": compile_pattern,
    "exclude_regex": compile_pattern,
    "regex": compile_pattern,
    "name_format": parts.name_format,
    "models_endpoint": parts.models_endpoint,
}


def find_problems(config: Mapping[str, Any]) -> list[Violation]:
    """Return what is wrong; ``config`` has the types of its schema, but may lack anything."""
    backends = config.get("backends", [])
    found = [*_values(config.get("litellm", {}), ("litellm",))]
    found += _values(config.get("limits", {}), ("limits",))
    for index, backend in enumerate(backends):
        path: Steps = ("backends", index)
        found += _values(backend, path)
        found += _fields(backend, path)
        found += row_problems(backend, path)
        for number, override in enumerate(backend.get("overrides", [])):
            inner = (*path, "overrides", number)
            found += _values(override, inner)
            found += _model_info(override.get("capabilities", {}), (*inner, "capabilities"))
    return [*found, *_names(backends), *_disagreements(config)]


def find_warnings(config: Mapping[str, Any]) -> list[Violation]:
    """Return what is legal but hardly meant; ``config`` has no problems."""
    backends = config.get("backends", [])
    found = [*_tls(config["litellm"], ("litellm",))]
    if not backends:
        found.append(Violation(("backends",), "none; there is nothing to register"))
    for index, backend in enumerate(backends):
        path: Steps = ("backends", index)
        found += _tls(backend, path)
        found += _suspects(backend, path)
        found += _ignored(backend, path)
    return [*found, *_shared_endpoints(backends)]


def _values(section: Mapping[str, Any], path: Steps) -> Iterator[Violation]:
    for key, parse in _PARSERS.items():
        if key in section:
            try:
                parse(section[key])
            except ValueError as error:
                yield Violation((*path, key), str(error))


def _fields(backend: Mapping[str, Any], path: Steps) -> Iterator[Violation]:
    info = "model_info_defaults"
    yield from _model_info(backend.get(info, {}), (*path, info))
    for key in ("litellm_params_defaults", "generic_params"):
        yield from _references(backend.get(key, {}), (*path, key))


def _model_info(given: Mapping[str, Any], path: Steps) -> Iterator[Violation]:
    for key in sorted(given.keys() & parts.TEAM_KEYS):
        what = "models of teams are made in LiteLLM itself; remove it"
        yield Violation((*path, key), what)
    yield from _references(given, path)


def _references(given: Mapping[str, Any], path: Steps) -> Iterator[Violation]:
    for found in parts.reference_paths(given, path):
        yield Violation(found, "this key is the engine's own; rename it")


def _names(backends: list[Mapping[str, Any]]) -> Iterator[Violation]:
    first: dict[str, int] = {}
    for index, name in ((i, b["name"]) for i, b in enumerate(backends) if "name" in b):
        path = ("backends", index, "name")
        if name == LITELLM:
            what = "the secret file `litellm` holds LiteLLM's own key; choose another name"
            yield Violation(path, what)
        elif first.setdefault(name, index) != index:
            what = f"backends[{first[name]}] has this name already; choose another one"
            yield Violation(path, what)


def _by_endpoint(backends: list[Mapping[str, Any]]) -> dict[str, list[int]]:
    groups: dict[str, list[int]] = {}
    for index, backend in enumerate(backends):
        try:
            groups.setdefault(canonical_endpoint(backend.get("url", "")), []).append(index)
        except ValueError:
            continue
    return groups


def _disagreements(config: Mapping[str, Any]) -> Iterator[Violation]:
    backends = config.get("backends", [])
    for group in _by_endpoint(backends).values():
        for key, default in SHARED.items():
            values = {i: backends[i].get(key, config.get(key, default)) for i in group}
            for index in group[1:]:
                if values[index] != values[group[0]]:
                    what = (
                        f"{values[index]!r}, but backends[{group[0]}], which is on the same "
                        f"server, has {values[group[0]]!r}; make them agree"
                    )
                    yield Violation(("backends", index, key), what)


def _shared_endpoints(backends: list[Mapping[str, Any]]) -> Iterator[Violation]:
    for group in _by_endpoint(backends).values():
        for before, index in pairwise(group):
            what = f"the same server as backends[{before}]; this one, the later, decides about a"
            yield Violation(("backends", index, "url"), f"{what} model that both list")


def _tls(section: Mapping[str, Any], path: Steps) -> Iterator[Violation]:
    if section.get("ca_file") and not section.get("verify", True):
        what = "of no use, since `verify: false` turns the check of certificates off"
        yield Violation((*path, "ca_file"), what)


def _suspects(backend: Mapping[str, Any], path: Steps) -> Iterator[Violation]:
    kind = backend.get("type", "")
    if kind and kind not in KINDS:
        meant = nearest(kind, KINDS)
        advice = f"; did you mean `{meant}`?" if meant else f" (known: {', '.join(KINDS)})"
        yield Violation((*path, "type"), f"unknown, treated as `{KINDS[0]}`{advice}")
    upstream = backend.get("model_format", "")
    if upstream and "{model}" not in upstream:
        what = "holds no {model}, so that every model of this backend is the same one to LiteLLM"
        yield Violation((*path, "model_format"), what)


def _ignored(backend: Mapping[str, Any], path: Steps) -> Iterator[Violation]:
    for key in ("litellm_params_defaults", "generic_params"):
        for name in sorted(backend.get(key, {}).keys() & parts.BUILT_IN):
            hint = f"; the key belongs in the secret file `{backend['name']}`"
            what = f"ignored: the engine sets it itself{hint if name == 'api_key' else ''}"
            yield Violation((*path, key, name), what)
    places: list[tuple[Steps, Mapping[str, Any]]] = [
        ((*path, "overrides", index, "capabilities"), override.get("capabilities", {}))
        for index, override in enumerate(backend.get("overrides", []))
    ]
    info = "model_info_defaults"
    for place, given in [((*path, info), backend.get(info, {})), *places]:
        for name in sorted(given.keys() & parts.SERVER_OWNED):
            what = "ignored: LiteLLM or the engine sets it itself"
            yield Violation((*place, name), what)
