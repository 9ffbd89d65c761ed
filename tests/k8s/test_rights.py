"""What the engine asks of Kubernetes is what its Role allows."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from engine.cli.parser import make_parser

from ..documents import read
from .tools import kustomized

POD, DEPLOYMENT = "modelprovisioner-1-a", "modelprovisioner"
PLACE = re.compile(
    r"/(?:api|apis/(?P<group>[^/]+))/v1/namespaces/[^/]+/(?P<resource>[^/?]+)(?:/(?P<name>[^/?]+))?"
)
VERBS = {"GET": "get", "POST": "create", "PUT": "update", "PATCH": "patch"}


def allowed(rules: list[dict[str, Any]], method: str, path: str) -> bool:
    """Tell whether a Role has a rule for a request."""
    found = PLACE.match(path)
    assert found, path
    return any(
        (found["group"] or "") in rule["apiGroups"]
        and found["resource"] in rule["resources"]
        and VERBS[method] in rule["verbs"]
        and found["name"] in rule.get("resourceNames", [found["name"]])
        for rule in rules
    )


def test_the_role_allows_each_request_of_an_engine_that_leads(tmp_path: Path) -> None:
    # With the election, which is a package of its own.
    running_town = pytest.importorskip("tests.kube").running_town
    rules = yaml.safe_load(read("k8s/ha/role.yaml"))["rules"]
    with running_town(tmp_path, "qwen3") as town:
        town.api.add_pod(POD, f"{DEPLOYMENT}-1", DEPLOYMENT)
        town.wait_for_leader(town.start(POD))
        town.wait(lambda: town.fleet.names() == ["qwen3"], "a cycle")
        town.wait(lambda: town.api.events, "an Event")
        town.wait(lambda: ("PUT", "leases") in asked(town.api.requests), "the Lease renewed")
        requests = list(town.api.requests)
        (about,) = {event["regarding"]["name"] for event in town.api.events}
    assert about == DEPLOYMENT
    assert [one for one in requests if not allowed(rules, *one)] == []
    assert {resource for _, resource in asked(requests)} == {
        resource for rule in rules for resource in rule["resources"]
    }


def test_the_pods_take_part_in_the_election_of_the_lease_that_the_role_names() -> None:
    pytest.importorskip("engine.kube")
    found = kustomized("k8s/overlays/ha")
    spec = found[f"Deployment/{DEPLOYMENT}"]["spec"]["template"]["spec"]
    run = make_parser().parse_args(spec["containers"][0]["args"])
    (named,) = (one for one in found[f"Role/{DEPLOYMENT}"]["rules"] if "resourceNames" in one)
    assert run.leader_election == ("", *named["resourceNames"])


def asked(requests: list[tuple[str, str]]) -> set[tuple[str, str]]:
    """Return the methods and the resources of requests."""
    return {(method, PLACE.match(path)["resource"]) for method, path in requests}  # type: ignore[index]


def test_another_lease_or_a_secret_would_not_be_allowed() -> None:
    rules = yaml.safe_load(read("k8s/ha/role.yaml"))["rules"]
    leases = "/apis/coordination.k8s.io/v1/namespaces/models/leases"
    assert allowed(rules, "GET", f"{leases}/{DEPLOYMENT}")
    assert not allowed(rules, "PUT", f"{leases}/kube-scheduler")
    assert not allowed(rules, "GET", "/api/v1/namespaces/models/secrets/modelprovisioner-secrets")
