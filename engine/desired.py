"""Listings and configuration -> the desired state. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from .endpoint import Scope
from .listing import EMPTY_LIST, NOT_READY, OK, OUTCOMES, UNREACHABLE, Listing, Model
from .masking import is_price
from .naming import filtered, public_names, unwanted
from .pointer import leaves, pointer
from .state import (
    SECRET,
    Deployment,
    Endpoint,
    Key,
    Mark,
    Refusal,
    Secret,
    State,
    canonical_json,
    freeze,
)

if TYPE_CHECKING:
    from .config import Backend, Config

_PREDECESSOR_PROVIDERS: Final = {"vllm": "hosted_vllm", "ollama": "ollama"}
"""The provider prefixes of the Go program by backend type; every other type was ``openai``."""


def desired_state(config: Config, listings: Sequence[Listing], scope: Scope) -> State:
    """Return what should be registered, and what is known of each configured endpoint.

    ``listings`` has one Listing per backend, in the order of ``config.backends``; ``scope`` is
    that of the same backends. Where two backends on one endpoint list the same model, the later
    one in the file decides. Clashes of names between endpoints are for
    :func:`engine.clash.without_clashes`.

    Raises:
        UnprovenPlan: a model is at an address that is not in scope; a bug of ours.
    """
    wanted: dict[tuple[str, str, str], Deployment] = {}
    refusals: list[Refusal] = []
    sites: defaultdict[str, list[tuple[Backend, Listing]]] = defaultdict(list)
    for backend, listing in zip(config.backends, listings, strict=True):
        for endpoint in scope.reach[backend.name]:
            sites[endpoint].append((backend, listing))
        for listed in listing.models:
            model = _routed(backend, listed)
            endpoint = scope.endpoint_of(model.api_base)
            if filtered(backend, model):
                continue
            for name in public_names(backend, model):
                key = Key(endpoint, name, _upstream(backend, model))
                if why := unwanted(backend, model):
                    refusals.append(Refusal(key, "excluded", why))
                else:
                    wanted[endpoint, name, model.id] = _deployment(config, backend, model, key)
    return State(
        config.owner,
        tuple(sorted(wanted.values(), key=lambda deployment: deployment.key)),
        tuple(_endpoint(url, group, scope) for url, group in sorted(sites.items())),
        refusals=tuple(sorted(set(refusals))),
    )


def secret_values(config: Config) -> dict[str, Secret]:
    """Return the secrets that documents refer to, by fingerprint, for the one who sends them."""
    found: list[Secret] = []
    for backend in config.backends:
        found.append(backend.key)
        leaf_values = (leaf for _, leaf in leaves(backend.litellm_params))
        found += [leaf for leaf in leaf_values if isinstance(leaf, Secret)]
    return {secret.fingerprint(config.litellm.key): secret for secret in found}


def _routed(backend: Backend, model: Model) -> Model:
    """Return a model with the provider and address of its mode, if the configuration says it."""
    mode = _ruled_info(backend, model).get("mode") or model.info.get("mode")
    usual = model.ways.get("", (model.provider, model.api_base))
    provider, api_base = model.ways.get(str(mode), usual)
    return replace(model, provider=provider, api_base=api_base)


def _upstream(backend: Backend, model: Model) -> str:
    if backend.model_format:
        return str(backend.model_format.replace("{model}", model.id))
    return f"{model.provider}/{model.id}"


def _predecessor(backend: Backend, model: Model) -> str:
    """Return the ``litellm_params.model`` that the Go program gave to this model."""
    provider = _PREDECESSOR_PROVIDERS.get(backend.kind, "openai")
    return _upstream(backend, replace(model, provider=provider))


def _deployment(config: Config, backend: Backend, model: Model, key: Key) -> Deployment:
    evidence = _evidence(backend, model)
    ruled = _ruled_info(backend, model)
    plain = _fields(backend, model, key, {**evidence, **ruled})
    fields = _with_references(plain, config.litellm.key)
    told = [name for name in evidence if name not in ruled and name in fields["model_info"]]
    opaque = {
        pointer(path[:-1]): leaf for path, leaf in leaves(fields) if path and path[-1] == SECRET
    }
    declared = sorted(pointer((part, name)) for part in fields for name in fields[part])
    own_info = {k: v for k, v in fields["model_info"].items() if k not in told}
    ours = [config.owner, backend.name, key.name, fields["litellm_params"], own_info]
    whole = canonical_json([*ours, sorted(ruled), bool(backend.discovery)])
    mark = Mark(
        owner=config.owner,
        backend=backend.name,
        revision=0,
        fields=tuple(declared),
        opaque=freeze(opaque),
        fingerprint=Secret(whole).fingerprint(config.litellm.key),
        evidence=tuple(sorted(pointer(("model_info", name)) for name in told)),
    )
    return Deployment(
        key,
        freeze(fields),
        mark,
        predecessors=(_predecessor(backend, model),),
        discovers=bool(backend.discovery),
        decided=tuple(sorted(ruled)),
    )


def _evidence(backend: Backend, model: Model) -> dict[str, Any]:
    """Return what the backend told of a model; without discovery only what it is for."""
    if backend.discovery:
        return dict(model.info)
    return {name: value for name, value in model.info.items() if name == "mode"}


def _ruled_info(backend: Backend, model: Model) -> dict[str, Any]:
    """Return the ``model_info`` of the configuration; a null says that there is to be none."""
    override = next((o for o in backend.overrides if o.pattern.search(model.id)), None)
    listed = dict(backend.models).get(model.id, {})
    return {**backend.model_info, **listed, **(override.capabilities if override else {})}


def _fields(
    backend: Backend, model: Model, key: Key, info: dict[str, Any]
) -> dict[str, dict[str, Any]]:
    """Return what to register. Built-ins beat the configuration.

    Prices go where LiteLLM reads them: since 1.102 it drops them from a posted ``model_info``,
    while every version takes them from ``litellm_params``.
    """
    known = {name: value for name, value in info.items() if value is not None}
    prices = {name: known.pop(name) for name in sorted(known) if is_price(name)}
    slots = {"max_parallel_requests": model.slots} if backend.use_slots and model.slots else {}
    built_in = {"model": key.upstream, "api_base": model.api_base, "api_key": backend.key}
    return {
        "litellm_params": {**slots, **prices, **backend.litellm_params, **built_in},
        "model_info": known,
    }


def _with_references(value: Any, key: Secret) -> Any:
    if isinstance(value, Secret):
        return {SECRET: value.fingerprint(key)}
    if isinstance(value, Mapping):
        return {name: _with_references(item, key) for name, item in value.items()}
    if isinstance(value, tuple):
        return [_with_references(item, key) for item in value]
    return value


def _endpoint(url: str, group: list[tuple[Backend, Listing]], scope: Scope) -> Endpoint:
    first = next(backend for backend, _ in group if scope.reach[backend.name][0] == url)
    worst = max((listing for _, listing in group), key=lambda one: OUTCOMES.index(one.outcome))
    complete = all(_complete(backend, listing) for backend, listing in group)
    partial = any(listing.partial for _, listing in group)
    return Endpoint(
        url=url,
        backends=tuple(sorted(backend.name for backend, _ in group)),
        outcome=worst.outcome,
        detail="; ".join(f"{one.backend}: {one.detail}" for _, one in group if one.detail),
        complete=complete and not partial,
        policy=first.policy,
        ownership=first.ownership,
        served=tuple(sorted({model.id for _, listing in group for model in listing.models})),
        excluded=tuple(sorted(set(_excluded(group)))),
    )


def _excluded(group: list[tuple[Backend, Listing]]) -> Iterable[tuple[str, str]]:
    """Yield the (name, upstream) that listed but unwanted models would have."""
    for backend, listing in group:
        for model in (_routed(backend, listed) for listed in listing.models):
            if filtered(backend, model) or unwanted(backend, model):
                for name in public_names(backend, model):
                    yield name, _upstream(backend, model)
                    yield name, _predecessor(backend, model)


def _complete(backend: Backend, listing: Listing) -> bool:
    """Tell whether absence from this listing counts; an empty one counts once it has lasted."""
    if listing.outcome in (OK, EMPTY_LIST):
        return True
    return backend.on_unreachable == "remove" and listing.outcome in (UNREACHABLE, NOT_READY)
