"""Listings and configuration -> the desired state. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from ..litellm.fields import is_price
from ..state.deployment import (
    DesiredDeployment,
    DesiredState,
    Key,
    Refusal,
)
from ..state.endpoint import Scope, canonical_endpoint
from ..state.endpoint_status import EndpointStatus
from ..state.frozen import canonical_json, freeze
from ..state.listing import (
    Listing,
    Model,
)
from ..state.mark import Mark
from ..state.origin import Origin
from ..state.pointer import leaves, pointer
from ..state.reuse import Reuse
from ..state.secret import SECRET, Place, Secret
from .naming import Offer, offer_of
from .sites import Site, endpoint_of, site_of
from .status import status_of

if TYPE_CHECKING:
    from ..config.model import Backend, Config

_Refer = Callable[[str, Secret], str]
"""From the path of a field and the secret in it to the reference."""


@dataclass(frozen=True, slots=True)
class _Offered:
    """What one backend offers: deployments by endpoint, name and model, and what is refused."""

    site: Site
    status: EndpointStatus
    wanted: Mapping[tuple[str, str, str], DesiredDeployment]
    refusals: tuple[Refusal, ...]


def desired_state(
    config: Config,
    listings: Sequence[Listing],
    scope: Scope,
    references: Mapping[Place, str],
    known: Reuse | None = None,
) -> DesiredState:
    """Return what should be registered, and what is known of each configured endpoint.

    ``listings`` has one Listing per backend, in their order; ``scope`` and ``references`` are
    those of the same backends. If two backends on one endpoint list the same model, the later one
    in the file decides. Of models with the same public name and upstream, the last one is
    registered. :func:`engine.desired.clashes.without_clashes` resolves clashes of names. What is
    in ``known`` of a backend is used again.

    Raises:
        UnprovenPlan: a model is at an address that is not in scope; a bug of ours.
    """
    known = Reuse() if known is None else known
    wanted: dict[tuple[str, str, str], DesiredDeployment] = {}
    refusals: list[Refusal] = []
    statuses = []
    sites: defaultdict[str, list[Site]] = defaultdict(list)
    every = known.each(_offered, listings, config, scope, references)
    for backend, offered in zip(config.backends, every, strict=True):
        statuses.append(offered.status)
        refusals += offered.refusals
        for endpoint in scope.reach[backend.name]:
            sites[endpoint].append(offered.site)
        for place, deployment in offered.wanted.items():
            wanted.pop(place, None)  # so that the later backend also comes later below
            wanted[place] = deployment
    by_key = {deployment.key: deployment for deployment in wanted.values()}
    return DesiredState(
        config.owner,
        tuple(by_key[key] for key in sorted(by_key)),
        tuple(endpoint_of(url, group, scope) for url, group in sorted(sites.items())),
        tuple(sorted(set(refusals))),
        tuple(statuses),
        config.litellm.url,
    )


def _offered(
    listing: Listing, config: Config, scope: Scope, references: Mapping[Place, str]
) -> _Offered:
    backend = next(each for each in config.backends if each.name == listing.backend)
    offers = tuple(offer_of(backend, model) for model in listing.models)
    refer = _referring_on(canonical_endpoint(backend.url), references)
    wanted: dict[tuple[str, str, str], DesiredDeployment] = {}
    refusals: list[Refusal] = []
    for offer in offers:
        endpoint = scope.endpoint_of(offer.model.api_base)
        for name in () if offer.filtered else offer.names:
            key = Key(endpoint, name, offer.upstream)
            origin = Origin(backend.name, offer.model.id, name)
            if offer.unsafe:
                refusals.append(Refusal(key, "unsafe_upstream", offer.unsafe, "", origin))
            elif offer.unwanted:
                refusals.append(Refusal(key, "excluded", offer.unwanted, "", origin))
            else:
                place = (endpoint, name, offer.model.id)
                wanted.pop(place, None)
                wanted[place] = _deployment(config.owner, backend, offer, key, refer)
    status = status_of(backend, scope.reach[backend.name][0], listing, offers)
    return _Offered(site_of(backend, listing, offers), status, wanted, tuple(refusals))


def _referring_on(endpoint: str, references: Mapping[Place, str]) -> _Refer:
    return lambda path, secret: references[endpoint, path, secret]


def _deployment(
    owner: str, backend: Backend, offer: Offer, key: Key, refer: _Refer
) -> DesiredDeployment:
    evidence = _evidence(backend, offer.model)
    plain = _fields(backend, offer, {**evidence, **offer.ruled})
    fields = _with_references(plain, (), refer)
    evident = [
        name for name in evidence if name not in offer.ruled and name in fields["model_info"]
    ]
    opaque = {
        pointer(path[:-1]): leaf for path, leaf in leaves(fields) if path and path[-1] == SECRET
    }
    declared = sorted(pointer((part, name)) for part in fields for name in fields[part])
    own_info = {k: v for k, v in fields["model_info"].items() if k not in evident}
    ours = [owner, backend.name, key.name, fields["litellm_params"], own_info]
    whole = canonical_json([*ours, sorted(offer.ruled), bool(backend.discovery)])
    mark = Mark(
        owner=owner,
        backend=backend.name,
        revision=0,
        fields=tuple(declared),
        opaque=freeze(opaque),
        fingerprint=sha256(whole.encode(errors="surrogatepass")).hexdigest(),
        evidence=tuple(sorted(pointer(("model_info", name)) for name in evident)),
    )
    return DesiredDeployment(
        key,
        freeze(fields),
        mark,
        predecessors=offer.predecessors,
        discovers=bool(backend.discovery),
        decided=tuple(sorted(offer.ruled)),
        is_alias=key.name != offer.names[0],
        missing_key="" if backend.key_given else backend.name,
        origin=Origin(backend.name, offer.model.id, key.name),
    )


def _evidence(backend: Backend, model: Model) -> dict[str, Any]:
    """Return what the backend reported about a model; without discovery only its mode."""
    if backend.discovery:
        return dict(model.info)
    return {name: value for name, value in model.info.items() if name == "mode"}


def _fields(backend: Backend, offer: Offer, info: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return what to register; what the engine sets itself takes precedence.

    Prices go where LiteLLM reads them: since 1.102 it drops them from a posted ``model_info``,
    while every version takes them from ``litellm_params``.
    """
    model = offer.model
    known = {name: value for name, value in info.items() if value is not None}
    prices = {name: known.pop(name) for name in sorted(known) if is_price(name)}
    slots = {"max_parallel_requests": model.slots} if backend.use_slots and model.slots else {}
    built_in = {"model": offer.upstream, "api_base": model.api_base, "api_key": backend.key}
    return {
        "litellm_params": {**slots, **prices, **backend.litellm_params, **built_in},
        "model_info": known,
    }


def _with_references(value: Any, path: tuple[object, ...], refer: _Refer) -> Any:
    if isinstance(value, Secret):
        return {SECRET: refer(pointer(path), value)}
    if isinstance(value, Mapping):
        return {name: _with_references(item, (*path, name), refer) for name, item in value.items()}
    if isinstance(value, tuple):
        return [_with_references(item, (*path, index), refer) for index, item in enumerate(value)]
    return value
