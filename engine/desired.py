"""Listings and configuration -> the desired state. Pure."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from .endpoint import canonical_endpoint
from .listing import EMPTY_LIST, NOT_READY, OK, OUTCOMES, UNREACHABLE, Listing, Model
from .pointer import leaves, pointer
from .state import (
    SECRET,
    Deployment,
    Endpoint,
    Key,
    Mark,
    Secret,
    State,
    canonical_json,
    freeze,
)

if TYPE_CHECKING:
    from .config import Backend, Config

MAX_NAME: Final = 255
"""Characters of a public model name; longer ones are cut."""
_UNPRINTABLE: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_PREDECESSOR_PROVIDERS: Final = {"vllm": "hosted_vllm", "ollama": "ollama"}
"""The provider prefixes of the Go program by backend type; every other type was ``openai``."""


def desired_state(config: Config, listings: Sequence[Listing]) -> State:
    """Return what should be registered, and what is known of each configured endpoint.

    ``listings`` has one Listing per backend, in the order of ``config.backends``. Where two
    backends on one endpoint list the same model, the later one in the file decides.
    """
    wanted: dict[tuple[str, str, str], Deployment] = {}
    sites: defaultdict[str, list[tuple[Backend, Listing]]] = defaultdict(list)
    for backend, listing in zip(config.backends, listings, strict=True):
        endpoint = canonical_endpoint(backend.url)
        sites[endpoint].append((backend, listing))
        for model in listing.models:
            if not _passes(backend, model.id):
                continue
            for name in public_names(backend, model.id):
                key = Key(endpoint, name, _upstream(backend, model))
                wanted[endpoint, name, model.id] = _deployment(config, backend, model, key)
    return State(
        config.owner,
        tuple(sorted(wanted.values(), key=lambda deployment: deployment.key)),
        tuple(_endpoint(url, group) for url, group in sorted(sites.items())),
    )


def secret_values(config: Config) -> dict[str, Secret]:
    """Return the secrets that documents refer to, by fingerprint, for the one who sends them."""
    found = [leaf for _, leaf in _secret_leaves(config)]
    return {secret.fingerprint(config.litellm.key): secret for secret in found}


def _secret_leaves(config: Config) -> Iterable[tuple[object, Secret]]:
    for backend in config.backends:
        yield "api_key", backend.key
        sources = [backend.litellm_params, backend.model_info]
        sources += [override.capabilities for override in backend.overrides]
        for source in sources:
            for path, leaf in leaves(source):
                if isinstance(leaf, Secret):
                    yield path, leaf


def public_names(backend: Backend, model_id: str) -> tuple[str, ...]:
    """Return the names under which a model is offered: the formatted one, then its aliases."""
    formatted = backend.name_format.replace("{backend}", backend.name).replace("{model}", model_id)
    names = (formatted, *backend.aliases.get(model_id, ()))
    return tuple(dict.fromkeys(_UNPRINTABLE.sub("_", name)[:MAX_NAME] for name in names))


def _passes(backend: Backend, model_id: str) -> bool:
    if backend.include is not None and not backend.include.search(model_id):
        return False
    return backend.exclude is None or not backend.exclude.search(model_id)


def _upstream(backend: Backend, model: Model) -> str:
    if backend.model_format:
        return str(backend.model_format.replace("{model}", model.id))
    return f"{model.provider}/{model.id}"


def _predecessor(backend: Backend, model: Model) -> str:
    """Return the ``litellm_params.model`` that the Go program gave to this model."""
    if backend.model_format:
        return str(backend.model_format.replace("{model}", model.id))
    return f"{_PREDECESSOR_PROVIDERS.get(backend.kind, 'openai')}/{model.id}"


def _deployment(config: Config, backend: Backend, model: Model, key: Key) -> Deployment:
    fields = _with_references(_fields(backend, model, key), config.litellm.key)
    opaque = {
        pointer(path[:-1]): leaf for path, leaf in leaves(fields) if path and path[-1] == SECRET
    }
    declared = tuple(sorted(pointer((part, name)) for part in fields for name in fields[part]))
    whole = canonical_json([config.owner, backend.name, key.name, fields])
    return Deployment(
        key,
        freeze(fields),
        Mark(
            owner=config.owner,
            backend=backend.name,
            revision=0,
            fields=declared,
            opaque=freeze(opaque),
            fingerprint=Secret(whole).fingerprint(config.litellm.key),
        ),
        predecessors=(_predecessor(backend, model),),
    )


def _fields(backend: Backend, model: Model, key: Key) -> dict[str, dict[str, Any]]:
    """Return what to register. Built-ins beat the configuration; evidence from the backend yields.

    Prices go where LiteLLM reads them: since 1.102 it drops them from a posted ``model_info``,
    while every version takes them from ``litellm_params``.
    """
    info = {**model.info, **backend.model_info}
    override = next((o for o in backend.overrides if o.pattern.search(model.id)), None)
    if override is not None:
        info |= override.capabilities
    info = {name: value for name, value in info.items() if value is not None}
    prices = {name: info.pop(name) for name in sorted(info) if is_price(name)}
    built_in = {"model": key.upstream, "api_base": model.api_base, "api_key": backend.key}
    return {
        "litellm_params": {**prices, **backend.litellm_params, **built_in},
        "model_info": info,
    }


def is_price(name: str) -> bool:
    """Tell whether LiteLLM counts a ``model_info`` field among its pricing fields."""
    return (
        "_cost_per_" in name
        or name
        in {
            "citation_cost_per_token",
            "cost_per_second",
            "input_cost_per_query",
            "off_peak_pricing",
            "tiered_pricing",
        }
        or "_token_cost" in name
    )


def _with_references(value: Any, key: Secret) -> Any:
    if isinstance(value, Secret):
        return {SECRET: value.fingerprint(key)}
    if isinstance(value, Mapping):
        return {name: _with_references(item, key) for name, item in value.items()}
    if isinstance(value, tuple):
        return [_with_references(item, key) for item in value]
    return value


def _endpoint(url: str, group: list[tuple[Backend, Listing]]) -> Endpoint:
    first = group[0][0]
    worst = max((listing for _, listing in group), key=lambda one: OUTCOMES.index(one.outcome))
    complete = all(_complete(backend, listing) for backend, listing in group)
    partial = any(listing.partial for _, listing in group)
    excluded = {
        (name, upstream)
        for backend, listing in group
        for model in listing.models
        if not _passes(backend, model.id)
        for name in public_names(backend, model.id)
        for upstream in (_upstream(backend, model), _predecessor(backend, model))
    }
    return Endpoint(
        url=url,
        backends=tuple(sorted(backend.name for backend, _ in group)),
        outcome=worst.outcome,
        detail="; ".join(f"{one.backend}: {one.detail}" for _, one in group if one.detail),
        complete=complete and not partial,
        policy=first.policy,
        ownership=first.ownership,
        served=tuple(sorted({model.id for _, listing in group for model in listing.models})),
        excluded=tuple(sorted(excluded)),
    )


def _complete(backend: Backend, listing: Listing) -> bool:
    """Tell whether absence from this listing counts; an empty one counts once it has lasted."""
    if listing.outcome in (OK, EMPTY_LIST):
        return True
    return backend.on_unreachable == "remove" and listing.outcome in (UNREACHABLE, NOT_READY)
