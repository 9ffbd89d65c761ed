"""What the overlay for several pods gives them, and what it does not."""

from __future__ import annotations

from typing import Any

import pytest

from .tools import Object, kustomized

NAME = "modelprovisioner"


@pytest.fixture(scope="module")
def found() -> dict[str, Object]:
    return kustomized("k8s/overlays/ha")


@pytest.fixture
def spec(found: dict[str, Object]) -> Any:
    return found[f"Deployment/{NAME}"]["spec"]


def test_only_these_pods_have_a_token_and_only_if_they_ask(
    found: dict[str, Object], spec: Any
) -> None:
    pods = spec["template"]["spec"]
    assert pods["automountServiceAccountToken"] is True
    assert pods["serviceAccountName"] == NAME
    assert found[f"ServiceAccount/{NAME}"]["automountServiceAccountToken"] is False
    plain = kustomized("k8s")[f"Deployment/{NAME}"]["spec"]["template"]["spec"]
    assert plain["automountServiceAccountToken"] is False
    assert "serviceAccountName" not in plain


def test_the_account_may_do_what_an_election_and_events_take_and_no_more(
    found: dict[str, Object],
) -> None:
    rules = found[f"Role/{NAME}"]["rules"]
    allowed = {
        (resource, verb, tuple(rule.get("resourceNames", ())))
        for rule in rules
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }
    assert allowed == {
        *(("leases", verb, (NAME,)) for verb in ("get", "update")),
        ("leases", "create", ()),
        ("events", "create", ()),
        ("events", "patch", ()),
        ("pods", "get", ()),
        ("replicasets", "get", ()),
    }
    assert not any("*" in words for rule in rules for words in rule.values())


def test_the_binding_is_of_this_role_to_this_account(found: dict[str, Object]) -> None:
    binding = found[f"RoleBinding/{NAME}"]
    assert binding["roleRef"] == {
        "apiGroup": "rbac.authorization.k8s.io",
        "kind": "Role",
        "name": NAME,
    }
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": NAME}]
    assert not any(name.startswith("Cluster") for name in found)


def test_the_pods_keep_apart_and_one_may_always_be_away(
    found: dict[str, Object], spec: Any
) -> None:
    assert spec["replicas"] >= 2
    labels = spec["template"]["metadata"]["labels"]
    spread = spec["template"]["spec"]["topologySpreadConstraints"]
    assert {one["topologyKey"] for one in spread} == {
        "kubernetes.io/hostname",
        "topology.kubernetes.io/zone",
    }
    budget = found[f"PodDisruptionBudget/{NAME}"]["spec"]
    assert budget["maxUnavailable"] == 1
    for selector in (budget["selector"], *(one["labelSelector"] for one in spread)):
        assert selector["matchLabels"].items() <= labels.items()


def test_the_pods_elect_who_works(spec: Any) -> None:
    (container,) = spec["template"]["spec"]["containers"]
    assert f"--leader-election={NAME}" in container["args"]


def test_the_network_policy_lets_in_prometheus_alone_and_keeps_credentials_of_clouds_away() -> None:
    found = kustomized("k8s/overlays/production")
    policy = found[f"NetworkPolicy/{NAME}"]["spec"]
    labels = found[f"Deployment/{NAME}"]["spec"]["template"]["metadata"]["labels"]
    assert policy["podSelector"]["matchLabels"].items() <= labels.items()
    (ingress,) = policy["ingress"]
    assert ingress["ports"] == [{"port": "http", "protocol": "TCP"}]
    assert ingress["from"] == [
        {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}
    ]
    names, anything = policy["egress"]
    assert {port["port"] for port in names["ports"]} == {53}
    blocks = [one["ipBlock"] for one in anything["to"] if "ipBlock" in one]
    assert any("169.254.0.0/16" in block["except"] for block in blocks)
