"""Checks of the configuration that a schema cannot express. Pure.

All problems are found at once, and so are all warnings.

Whether files exist and can be read is checked by :mod:`engine.config.loader`, single values by
:mod:`engine.config.parsers`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any, Final

from ..litellm import fields
from ..state.endpoint import canonical_endpoint
from ..validate import Violation, nearest
from .model import KINDS, STATIC
from .remedies import LITELLM
from .secret_fields import PARAMS, clear_secrets, reference_paths
from .size import row_problems
from .yaml.tree import Steps

SHARED: Final = ("policy", "ownership", "on_unreachable", "removal_grace")
"""Keys that the top level and each backend may set; backends on one endpoint must agree on them."""

_FILE_REMEDY: Final = "put it into a key file and write {secret: FILE} here"


def find_problems(config: Mapping[str, Any]) -> list[Violation]:
    """Return what is wrong; ``config`` has the types of its schema, but any key may be missing."""
    backends = config.get("backends", [])
    found: list[Violation] = []
    for index, backend in enumerate(backends):
        path: Steps = ("backends", index)
        found += _fields(backend, path)
        found += row_problems(backend, path)
        for number, override in enumerate(backend.get("overrides", [])):
            inner = (*path, "overrides", number, "capabilities")
            found += _model_info(override.get("capabilities", {}), inner)
    return [*found, *_names(backends)]


def find_disagreements(config: Mapping[str, Any]) -> Iterator[Violation]:
    """Yield the keys on which backends on one server disagree; ``config`` has parsed values."""
    backends = config["backends"]
    for group in _by_endpoint(backends).values():
        for key in SHARED:
            values = {i: backends[i].get(key, config.get(key)) for i in group}
            for index in group[1:]:
                if values[index] != values[group[0]]:
                    what = (
                        f"{values[index]!r}, but backends[{group[0]}], which is on the same "
                        f"server, has {values[group[0]]!r}; make them agree"
                    )
                    yield Violation(("backends", index, key), what)


def find_warnings(config: Mapping[str, Any]) -> list[Violation]:
    """Return what is allowed but probably unintended; ``config`` has parsed values, all valid."""
    backends = config["backends"]
    found = [*_tls(config["litellm"], ("litellm",))]
    if not backends:
        found.append(Violation(("backends",), "the list is empty; no model will be registered"))
    for index, backend in enumerate(backends):
        path: Steps = ("backends", index)
        found += _tls(backend, path)
        found += _suspects(backend, path)
        found += _ignored_keys(backend, path)
        found += _in_clear(backend, path)
    found += _webhooks_in_clear(config["notifications"])
    return [*found, *_shared_endpoints(backends)]


def _fields(backend: Mapping[str, Any], path: Steps) -> Iterator[Violation]:
    info = "model_info_defaults"
    yield from _model_info(backend.get(info, {}), (*path, info))
    for key in PARAMS:
        yield from _references(backend.get(key, {}), (*path, key))


def _model_info(given: Mapping[str, Any], path: Steps) -> Iterator[Violation]:
    for key in sorted(given.keys() & fields.TEAM_KEYS):
        what = "models of a team are created in LiteLLM itself; remove this field"
        yield Violation((*path, key), what)
    yield from _references(given, path)


def _references(given: Mapping[str, Any], path: Steps) -> Iterator[Violation]:
    for found in reference_paths(given, path):
        yield Violation(found, "the engine uses this key for references to secrets; rename it")


def _names(backends: list[Mapping[str, Any]]) -> Iterator[Violation]:
    first: dict[str, int] = {}
    for index, name in ((i, b["name"]) for i, b in enumerate(backends) if "name" in b):
        path = ("backends", index, "name")
        if name.lower() == LITELLM:  # file systems may ignore case
            what = "the key file `litellm` holds the key of LiteLLM; choose another name"
            yield Violation(path, what)
        elif first.setdefault(name, index) != index:
            what = f"backends[{first[name]}] already has this name; choose another one"
            yield Violation(path, what)


def _by_endpoint(backends: list[Mapping[str, Any]]) -> dict[str, list[int]]:
    groups: dict[str, list[int]] = {}
    for index, backend in enumerate(backends):
        if "url" in backend:
            groups.setdefault(canonical_endpoint(backend["url"]), []).append(index)
    return groups


def _shared_endpoints(backends: list[Mapping[str, Any]]) -> Iterator[Violation]:
    for group in _by_endpoint(backends).values():
        for before, index in pairwise(group):
            what = f"the same server as backends[{before}]"
            rule = "this later backend decides about a model that both list"
            yield Violation(("backends", index, "url"), f"{what}; {rule}")


def _tls(section: Mapping[str, Any], path: Steps) -> Iterator[Violation]:
    if section["ca_file"] and not section["verify"]:
        what = "not used, since `verify: false` turns the check of certificates off"
        yield Violation((*path, "ca_file"), what)


def _suspects(backend: Mapping[str, Any], path: Steps) -> Iterator[Violation]:
    kind = backend["type"]
    if kind and kind not in KINDS:
        meant = nearest(kind, KINDS)
        advice = f"; did you mean `{meant}`?" if meant else f" (known: {', '.join(KINDS)})"
        yield Violation((*path, "type"), f"unknown, treated as `{KINDS[0]}`{advice}")
    upstream = backend["model_format"]
    if upstream and "{model}" not in upstream:
        what = "does not contain {model}, so LiteLLM sees all models of this backend as one"
        yield Violation((*path, "model_format"), what)
    if not _names_provider(upstream, kind):
        what = (
            "does not begin with a provider, such as openai/{model}; models are not registered,"
            " unless regex_rename puts one in front"
        )
        yield Violation((*path, "model_format"), what)
    for index, rule in enumerate(backend["regex_rename"]):
        if rule["replace"].has_unknown:
            what = (
                "refers to a group that `regex` does not have, which is replaced by nothing"
                " ($1x is the group named 1x; write ${1}x for group 1 and an x)"
            )
            yield Violation((*path, "regex_rename", index, "replace"), what)


def _names_provider(upstream: str, kind: str) -> bool:
    """Tell whether ``model_format`` leaves the provider to no backend, nor to the environment."""
    if upstream.startswith(fields.ENVIRONMENT):
        return False
    before, placeholder, _ = upstream.partition("{model}")
    return kind == STATIC or not placeholder or before.find("/") > 0


def _ignored_keys(backend: Mapping[str, Any], path: Steps) -> Iterator[Violation]:
    for key in PARAMS:
        for name in sorted(backend[key].keys() & fields.BUILT_IN):
            hint = f"; put the key into the key file `{backend['name']}`"
            what = f"ignored, since the engine sets it{hint if name == 'api_key' else ''}"
            yield Violation((*path, key, name), what)
    for place, given in _infos(backend, path):
        for name in sorted(given.keys() & fields.SERVER_OWNED):
            yield Violation((*place, name), "ignored, since LiteLLM or the engine sets it")


def _webhooks_in_clear(notifications: list[Mapping[str, Any]]) -> Iterator[Violation]:
    for index, entry in enumerate(notifications):
        url = entry["webhook"]
        if isinstance(url, str) and (entry["format"] == "slack" or fields.is_secret_text(url)):
            what = f"looks like a secret in clear; {_FILE_REMEDY}"
            yield Violation(("notifications", index, "webhook"), what)


def _infos(backend: Mapping[str, Any], path: Steps) -> Iterator[tuple[Steps, Mapping[str, Any]]]:
    """Yield what sets ``model_info`` for all models or for those that match, with its path."""
    yield (*path, "model_info_defaults"), backend["model_info_defaults"]
    for index, override in enumerate(backend["overrides"]):
        yield (*path, "overrides", index, "capabilities"), override["capabilities"]


def _in_clear(backend: Mapping[str, Any], path: Steps) -> Iterator[Violation]:
    """Yield where what looks like a secret is written in the configuration itself."""
    for key in PARAMS:
        for name in sorted(backend[key].keys() - fields.BUILT_IN):
            secret = fields.is_secret(name)
            place = (*path, key, name)
            for found in clear_secrets(backend[key][name], place, secret=secret, files=True):
                yield Violation(found, f"looks like a secret in clear; {_FILE_REMEDY}")
    static = [
        ((*path, "models", index), model)
        for index, model in enumerate(backend["models"])
        if isinstance(model, dict)
    ]
    for place, given in [*_infos(backend, path), *static]:
        for name in sorted(given.keys() - fields.SERVER_OWNED):
            secret = fields.is_secret_info(name)
            inside = clear_secrets(given[name], (*place, name), secret=secret, files=False)
            for found in inside:
                what = "looks like a secret, and LiteLLM shows model_info to every key holder"
                yield Violation(found, f"{what}; remove it")
