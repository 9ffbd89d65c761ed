"""States -> the documents that are validated and dumped. Pure."""

from __future__ import annotations

from typing import Any

from .deployment import DesiredDeployment, DesiredState, Endpoint
from .frozen import thaw
from .listing import Listing, Model
from .mark import mark_document


def listing_document(listing: Listing) -> dict[str, Any]:
    """Return a listing as ``schemas/listing.schema.json`` has it."""
    models = [
        {name: thaw(getattr(model, name)) for name in Model.__slots__} for model in listing.models
    ]
    return {
        "backend": listing.backend,
        "outcome": listing.outcome,
        "partial": listing.partial,
        "detail": listing.detail,
        "matching": listing.matching,
        "models": models,
    }


def desired_document(state: DesiredState) -> dict[str, Any]:
    """Return the desired state as ``schemas/desired.schema.json`` has it."""
    return {
        "version": 1,
        "owner": state.owner,
        "endpoints": [_endpoint(endpoint) for endpoint in state.endpoints],
        "deployments": [_deployment(wanted) for wanted in state.deployments],
    }


def _endpoint(endpoint: Endpoint) -> dict[str, Any]:
    return {name: thaw(getattr(endpoint, name)) for name in Endpoint.__slots__}


def _deployment(wanted: DesiredDeployment) -> dict[str, Any]:
    return {
        **wanted.key._asdict(),
        **thaw(wanted.fields),
        "mark": mark_document(wanted.mark),
        "predecessors": list(wanted.predecessors),
    }
