"""Whether what an endpoint lists explains a row. Pure."""

from __future__ import annotations

from typing import Final

from .deployment import Endpoint, Key, without_provider
from .listing import ANY_ID, CASELESS

_RESPONSES: Final = "responses/"
"""LiteLLM reaches the same model by ``openai/responses/...``, through another API."""


def is_alias(key: Key, endpoint: Endpoint) -> bool:
    """Tell whether a row that we did not make reaches a listed model under a name of its own."""
    return not is_excluded(key, endpoint) and is_served(key.upstream, endpoint)


def is_excluded(key: Key, endpoint: Endpoint) -> bool:
    """Tell whether a row is for a listed model that the configuration filters out."""
    return (key.name, key.upstream) in endpoint.excluded


def is_served(upstream: str, endpoint: Endpoint) -> bool:
    """Tell whether a listed model is reached by an upstream, whatever its provider."""
    if endpoint.matching == ANY_ID and endpoint.served:
        return True
    caseless = endpoint.matching == CASELESS
    return is_listed(upstream, endpoint) or (caseless and is_listed(upstream.lower(), endpoint))


def is_listed(upstream: str, endpoint: Endpoint) -> bool:
    """Tell whether a list has the id in an upstream, as it is written."""
    return any(name in endpoint.served or name in endpoint.renamed for name in _names(upstream))


def _names(upstream: str) -> tuple[str, ...]:
    """Return the model ids that an upstream may stand for."""
    name = without_provider(upstream)
    return upstream, name, name.removeprefix(_RESPONSES)
