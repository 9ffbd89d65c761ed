"""Every object is one that Kubernetes takes, in each version, and hardened."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from ..documents import read
from .restricted import violations
from .test_same_objects import EVERYTHING, PAIRS, sample
from .tools import Object, charted, kustomized, objects

VERSIONS = ("1.27", "1.30", "1.33", "1.37")
"""The oldest that the chart takes, the newest that is known, and two between."""
OPERATORS = {"ServiceMonitor", "PrometheusRule"}
PLACES = [*PAIRS, "chart"]


def rendered(place: str, folder: Path) -> dict[str, Object]:
    if place == "chart":
        secret = {"create": True, "keys": {"litellm": "sk-example"}}
        return objects(charted({**EVERYTHING, "config": sample(), "secret": secret}, folder))
    return kustomized(place)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("place", PLACES)
def test_kubernetes_knows_every_field(place: str, version: str, tmp_path: Path) -> None:
    validate = pytest.importorskip("kubernetes_validate").validate
    for one in rendered(place, tmp_path).values():
        if one["kind"] not in OPERATORS:
            validate(one, version, strict=True)


def test_a_field_that_kubernetes_does_not_know_would_be_found() -> None:
    kubernetes = pytest.importorskip("kubernetes_validate")
    deployment = kustomized("k8s")["Deployment/modelprovisioner"]
    deployment["spec"]["template"]["spec"]["containers"][0]["readyProbe"] = {}
    with pytest.raises(kubernetes.ValidationError):
        kubernetes.validate(deployment, VERSIONS[-1], strict=True)


def test_the_oldest_version_is_that_of_the_chart() -> None:
    assert yaml.safe_load(read("k8s/chart/Chart.yaml"))["kubeVersion"] == f">={VERSIONS[0]}.0-0"


def test_the_example_secret_is_valid() -> None:
    validate = pytest.importorskip("kubernetes_validate").validate
    validate(yaml.safe_load(read("k8s/base/secret.example.yaml")), VERSIONS[0], strict=True)


def test_prometheus_finds_the_service_by_its_labels_and_port() -> None:
    found = kustomized("k8s/overlays/production")
    monitor = found["ServiceMonitor/modelprovisioner"]
    service = found["Service/modelprovisioner"]
    assert monitor["apiVersion"] == "monitoring.coreos.com/v1"
    assert set(monitor["spec"]) == {"selector", "endpoints"}
    labels = service["metadata"]["labels"]
    assert monitor["spec"]["selector"]["matchLabels"].items() <= labels.items()
    (endpoint,), (port,) = monitor["spec"]["endpoints"], service["spec"]["ports"]
    assert set(endpoint) == {"port", "path", "interval", "scrapeTimeout"}
    assert endpoint["port"] == port["name"]
    template = found["Deployment/modelprovisioner"]["spec"]["template"]
    assert service["spec"]["selector"].items() <= template["metadata"]["labels"].items()
    (opened,) = template["spec"]["containers"][0]["ports"]
    assert opened["name"] == port["targetPort"]


def test_the_rule_object_has_the_rules_and_nothing_else() -> None:
    rule = kustomized("k8s/overlays/production")["PrometheusRule/modelprovisioner"]
    assert rule["apiVersion"] == "monitoring.coreos.com/v1"
    assert rule["spec"] == yaml.safe_load(read("k8s/monitoring/rules.yaml"))
    assert set(rule["spec"]) == {"groups"}
    for group in rule["spec"]["groups"]:
        assert set(group) <= {"name", "interval", "rules"}
        for alert in group["rules"]:
            assert set(alert) <= {
                "alert",
                "record",
                "expr",
                "for",
                "keep_firing_for",
                "labels",
                "annotations",
            }
            assert isinstance(alert["expr"], str)


def test_grafana_finds_the_dashboard_as_it_is() -> None:
    found = kustomized("k8s/overlays/production")["ConfigMap/modelprovisioner-dashboard"]
    assert found["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert found["data"] == {"dashboard.json": read("k8s/monitoring/dashboard.json")}


@pytest.mark.parametrize("place", PLACES)
def test_the_pods_are_restricted(place: str, tmp_path: Path) -> None:
    template = rendered(place, tmp_path)["Deployment/modelprovisioner"]["spec"]["template"]
    assert violations(template) == []


LOOSENED: dict[str, tuple[tuple[str | int, ...], Any]] = {
    "hostNetwork": (("spec", "hostNetwork"), True),
    "volume hostPath": (("spec", "volumes", 0), {"name": "config", "hostPath": {"path": "/"}}),
    "no seccompProfile": (("spec", "securityContext", "seccompProfile"), {"type": "Unconfined"}),
    "runAsUser is 0": (("spec", "containers", 0, "securityContext", "runAsUser"), 0),
    "runAsNonRoot is not true": (("spec", "securityContext", "runAsNonRoot"), False),
    "privileged": (("spec", "containers", 0, "securityContext", "privileged"), True),
    "allowPrivilegeEscalation is not false": (
        ("spec", "containers", 0, "securityContext", "allowPrivilegeEscalation"),
        True,
    ),
    "not all capabilities are dropped": (
        ("spec", "containers", 0, "securityContext", "capabilities"),
        {"drop": ["NET_RAW"]},
    ),
}


@pytest.mark.parametrize("found", LOOSENED)
def test_each_right_that_a_pod_took_would_be_found(found: str) -> None:
    template = copy.deepcopy(kustomized("k8s")["Deployment/modelprovisioner"]["spec"]["template"])
    path, value = LOOSENED[found]
    place: Any = template
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    assert violations(template) == [found]
