"""Desired and seen deployments for tests of the pure core, without configuration or HTTP."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from typing import Any

from engine.litellm.row import row_of
from engine.state.deployment import (
    DesiredDeployment,
    DesiredState,
    Editing,
    Endpoint,
    Key,
    Mark,
    ObservedDeployment,
    ObservedState,
)
from engine.state.endpoint import Scope
from engine.state.endpoint_status import EndpointStatus, is_answered
from engine.state.frozen import canonical_json, freeze, thaw
from engine.state.mark import deployment_id
from engine.state.pointer import pointer
from engine.state.secret import NO_KEY, PLACEHOLDER_KEY

__all__ = ["DesiredState", "Editing", "Key", "ObservedState", "freeze", "pointer"]

BOX = "http://box:8000"
OTHER_BOX = "http://other:8000"
OWNER = "tester"
IN_PLACE = Editing("1.106.2", in_place=True)
REMOVING = Editing("1.110.2", in_place=True, removes=True)
REPLACING = Editing("1.83.14")
BACKENDS = {BOX: "box", OTHER_BOX: "other"}
SCOPE = Scope({BOX: BOX, OTHER_BOX: OTHER_BOX}, {"box": (BOX,), "other": (OTHER_BOX,)})


def wanted(
    name: str = "m",
    *,
    endpoint: str = BOX,
    upstream: str | None = None,
    params: dict[str, Any] | None = None,
    info: dict[str, Any] | None = None,
    api_key: str = "BLANK",
    backend: str | None = None,
    predecessors: tuple[str, ...] | None = None,
    reported: dict[str, Any] | None = None,
    decided: tuple[str, ...] = (),
) -> DesiredDeployment:
    key = Key(endpoint, name, upstream or f"openai/{name}")
    backend = backend or BACKENDS.get(endpoint, "box")
    secret = NO_KEY if api_key == PLACEHOLDER_KEY else _digest(api_key)[:32]
    fields = {
        "litellm_params": {
            "model": key.upstream,
            "api_base": endpoint,
            "api_key": {"$secret": secret},
            **(params or {}),
        },
        "model_info": info or {},
    }
    declared = sorted(f"/{part}/{field}" for part in fields for field in fields[part])
    fingerprint = _digest(canonical_json([OWNER, backend, name, fields]))
    opaque = freeze({"/litellm_params/api_key": secret})
    evidence = tuple(sorted(f"/model_info/{field}" for field in reported or {}))
    declared = sorted([*declared, *evidence])
    fields["model_info"] = {**(reported or {}), **fields["model_info"]}
    mark = Mark(OWNER, backend, 0, tuple(declared), opaque, fingerprint, evidence)
    predecessors = (key.upstream,) if predecessors is None else predecessors
    return DesiredDeployment(
        key,
        freeze(fields),
        mark,
        predecessors=predecessors,
        discovers=reported is not None,
        decided=decided,
    )


def _digest(text: str) -> str:
    """Return what stands for a text in a mark; the core never looks inside."""
    return sha256(text.encode()).hexdigest()


def as_seen(
    deployment: DesiredDeployment, *, row_id: str | None = None, revision: int = 0, **changes: Any
) -> ObservedDeployment:
    """Return the row that registering ``deployment`` leaves; ``changes`` replace its parts."""
    row_id = row_id or deployment_id(OWNER, deployment.key, revision)
    row = thaw(row_of(deployment, row_id, revision=revision))
    row["model_info"].pop("modelprovisioner")
    row["model_info"].pop("id")
    fields = {"litellm_params": row["litellm_params"], "model_info": row["model_info"]}
    mark = replace(deployment.mark, revision=revision)
    seen = ObservedDeployment(deployment.key, freeze(fields), row_id, mark)
    return replace(seen, **changes)


def edited(seen: ObservedDeployment, **params: Any) -> ObservedDeployment:
    """Return a row whose parameters somebody edited; None removes one."""
    fields = thaw(seen.fields)
    fields["litellm_params"].update(params)
    kept = {k: v for k, v in fields["litellm_params"].items() if v is not None}
    return replace(seen, fields=freeze({**fields, "litellm_params": kept}))


def endpoint(url: str = BOX, **changes: Any) -> Endpoint:
    return replace(Endpoint(url, (BACKENDS.get(url, "box"),), "ok", "", complete=True), **changes)


def desired(
    *deployments: DesiredDeployment, endpoints: tuple[Endpoint, ...] | None = None
) -> DesiredState:
    if endpoints is None:
        served = tuple(sorted(d.key.upstream.partition("/")[2] for d in deployments))
        endpoints = (endpoint(served=served),)
    statuses = tuple(status for site in endpoints for status in statuses_of(site))
    in_order = tuple(sorted(deployments, key=lambda d: d.key))
    return DesiredState(OWNER, in_order, endpoints, statuses=statuses)


def statuses_of(site: Endpoint) -> list[EndpointStatus]:
    """Return the status of each backend of an endpoint, all of which answer the same."""
    answered = is_answered(site.outcome, partial=not site.complete)
    return [
        EndpointStatus(name, site.url, site.outcome, answered, site.detail, len(site.served))
        for name in site.backends
    ]


def status(backend: str = "box", outcome: str = "ok", **changes: Any) -> EndpointStatus:
    answered = is_answered(outcome, partial=False)
    return replace(EndpointStatus(backend, BOX, outcome, answered, models=2), **changes)


def observed(
    *deployments: ObservedDeployment,
    editing: Editing = IN_PLACE,
    strays: tuple[ObservedDeployment, ...] = (),
) -> ObservedState:
    return ObservedState(OWNER, deployments, strays=strays, editing=editing)
