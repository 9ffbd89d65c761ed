"""LiteLLM's listing -> the observed state, restricted to the configured endpoints. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from ..state.deployment import (
    MARK,
    NO_ADDRESS,
    TEAM_ROW,
    Editing,
    Key,
    ObservedDeployment,
    ObservedState,
)
from ..state.endpoint import Scope, address_of
from ..state.frozen import freeze, thaw
from ..state.mark import read_mark
from ..state.pointer import put
from ..state.secret import SECRET
from .fields import SERVER_SET
from .home import home_of


def observed_state(document: Mapping[str, Any], scope: Scope, owner: str) -> ObservedState:
    """Return the deployments in ``document`` that are on a configured endpoint.

    ``document`` is what :meth:`engine.litellm.api.Proxy.fetch_deployments` returns: rows without
    fields that are null. A row without an ``api_base``, or with one that is not a URL, is on no
    endpoint. Nor is an unmarked row at an address that is not configured itself but only implied
    by the kind of a backend. Rows of ours are on the endpoint where :func:`home_of` finds them at
    home; those without a home are returned as ``strays``.
    """
    ids = Counter(row["model_info"]["id"] for row in document["data"])
    seen: dict[str, ObservedDeployment] = {}
    strays: dict[str, ObservedDeployment] = {}
    for row in document["data"]:
        address = address_of(row["litellm_params"].get("api_base"))
        endpoint = scope.places.get(address, "")
        if not endpoint and MARK not in row["model_info"]:
            continue
        times = ids[row["model_info"]["id"]]
        deployment = _deployment(row, endpoint or address or NO_ADDRESS, times)
        mark = deployment.mark
        if mark is not None and mark.owner == owner:
            home = home_of(deployment, endpoint, scope)
            key = replace(deployment.key, endpoint=home or deployment.key.endpoint)
            group = seen if home else strays
            group.setdefault(deployment.id, replace(deployment, key=key))
        elif endpoint and (endpoint == address or mark is not None):
            seen.setdefault(deployment.id, deployment)
    return ObservedState(
        owner,
        in_order(seen.values()),
        strays=in_order(strays.values()),
        editing=Editing(**document["editing"]),
        taken=frozenset(ids),
    )


def in_order(deployments: Iterable[ObservedDeployment]) -> tuple[ObservedDeployment, ...]:
    """Return deployments by key, then id."""
    return tuple(sorted(deployments, key=lambda seen: (seen.key, seen.id)))


def _deployment(row: Mapping[str, Any], endpoint: str, times: int) -> ObservedDeployment:
    params, info = row["litellm_params"], row["model_info"]
    mark = read_mark(info.get(MARK))
    own_info = {name: value for name, value in info.items() if name not in SERVER_SET}
    fields = thaw({"litellm_params": params, "model_info": own_info})
    for path, fingerprint in mark.opaque.items() if mark else ():
        put(fields, path, {SECRET: fingerprint})
    return ObservedDeployment(
        Key(endpoint, row["model_name"], params["model"]),
        freeze(fields),
        info["id"],
        mark,
        read_only=_read_only(row, times),
        blocked=info.get("blocked") is True,
    )


def _read_only(row: Mapping[str, Any], times: int) -> str:
    if row["model_info"].get("db_model") is not True:
        return "it comes from LiteLLM's configuration file"
    if row["model_info"].get("team_id"):
        return TEAM_ROW
    if "*" in row["model_name"] or "*" in row["litellm_params"]["model"]:
        return "it is a wildcard"
    if times > 1:
        return "LiteLLM lists it under several names"
    return ""
