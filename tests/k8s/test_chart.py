"""The chart by itself: lint, values that are refused, the Secret, and the package."""

from __future__ import annotations

import tarfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from engine import __version__
from engine.cli.parser import make_parser

from ..documents import read
from .test_same_objects import EVERYTHING
from .tools import CHART, charted, objects, run_tool, succeed

DEPLOYMENT = "Deployment/modelprovisioner"
BACKEND = {"name": "gpu1", "type": "vllm", "url": "http://gpu1:8000"}
LITELLM = {"url": "http://litellm:4000"}
BAD_VALUES = {
    "a value that is none": ({"replicas": 3}, "additional properties 'replicas' not allowed"),
    "high availability of one": (
        {"highAvailability": {"replicas": 1}},
        "at '/highAvailability/replicas': minimum: got 1, want 2",
    ),
    "a pause of none": ({"interval": 0}, "at '/interval'"),
    "a digest that is none": ({"image": {"digest": "latest"}}, "at '/image/digest'"),
    "keys that no Secret would hold": (
        {"secret": {"keys": {"litellm": "sk-1"}}},
        "at '/secret/keys': maxProperties",
    ),
    "a Secret without LiteLLM's key": (
        {"secret": {"create": True, "keys": {"gpu1": "k"}}},
        "at '/secret/keys': missing property 'litellm'",
    ),
    "a misspelled field of the configuration": (
        {"config": {"litellm": LITELLM, "backends": [{**BACKEND, "filter_regexp": "x"}]}},
        "at '/config/backends/0': additional properties 'filter_regexp' not allowed",
    ),
    "a key in the configuration": (
        {"config": {"litellm": {**LITELLM, "api_key": "sk-1"}}},
        "at '/config/litellm': additional properties 'api_key' not allowed",
    ),
}


def pod(values: dict[str, Any], folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = objects(charted(values, folder))[DEPLOYMENT]["spec"]["template"]
    return found


@pytest.mark.parametrize("values", [{}, EVERYTHING], ids=["plain", "everything"])
def test_helm_finds_nothing_to_complain_about(values: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "values.yaml"
    path.write_text(yaml.safe_dump(values), encoding="utf-8")
    out = succeed(["helm", "lint", "--strict", "--values", str(path), str(CHART)])
    assert "1 chart(s) linted, 0 chart(s) failed" in out


@pytest.mark.parametrize(("values", "message"), BAD_VALUES.values(), ids=BAD_VALUES)
def test_bad_values_are_refused_with_their_place(
    values: dict[str, Any], message: str, tmp_path: Path
) -> None:
    path = tmp_path / "values.yaml"
    path.write_text(yaml.safe_dump(values), encoding="utf-8")
    done = run_tool(["helm", "template", "modelprovisioner", str(CHART), "--values", str(path)])
    assert done.returncode == 1
    assert message in done.stderr


def test_the_secret_exists_already_unless_the_chart_is_to_make_it(tmp_path: Path) -> None:
    assert not any(name.startswith("Secret/") for name in objects(charted({}, tmp_path)))
    keys = {"litellm": "sk-example", "gpu1": "0123"}
    values = {"secret": {"name": "keys", "create": True, "keys": keys}}
    made = objects(charted(values, tmp_path))
    assert made["Secret/keys"]["stringData"] == keys
    volumes = made[DEPLOYMENT]["spec"]["template"]["spec"]["volumes"]
    assert {volume["secret"]["secretName"] for volume in volumes if "secret" in volume} == {"keys"}


def test_a_digest_replaces_the_tag(tmp_path: Path) -> None:
    digest = "sha256:" + 64 * "a"
    image = {"repository": "registry.example.com/modelprovisioner", "tag": "9.9", "digest": digest}
    (container,) = pod({"image": image}, tmp_path)["spec"]["containers"]
    assert container["image"] == f"registry.example.com/modelprovisioner@{digest}"


def test_every_value_for_pods_gets_there(tmp_path: Path) -> None:
    values = {
        "podLabels": {"team": "ml"},
        "podAnnotations": {"note": "x"},
        "nodeSelector": {"disk": "ssd"},
        "tolerations": [{"key": "gpu", "operator": "Exists"}],
        "affinity": {"nodeAffinity": {}},
        "imagePullSecrets": [{"name": "registry"}],
        "priorityClassName": "high",
        "dryRun": True,
        "interval": 30,
        "extraArgs": ["--debug"],
        "extraEnv": [{"name": "NO_PROXY", "value": "litellm"}],
        "resources": {"limits": {"memory": "512Mi"}},
    }
    template = pod(values, tmp_path)
    spec, (container,) = template["spec"], template["spec"]["containers"]
    assert template["metadata"]["labels"]["team"] == "ml"
    assert template["metadata"]["annotations"] == {"note": "x"}
    for name in ("nodeSelector", "tolerations", "affinity", "imagePullSecrets"):
        assert spec[name] == values[name]
    assert spec["priorityClassName"] == "high"
    assert container["args"][-2:] == ["--dry-run", "--debug"]
    assert {"name": "SLEEP_INTERVAL", "value": "30"} in container["env"]
    assert container["env"][-1]["name"] == "NO_PROXY"
    assert container["resources"]["limits"] == {"memory": "512Mi"}


def test_each_shard_is_a_release_of_its_own(tmp_path: Path) -> None:
    values = {"extraArgs": ["--shard=2/5"], "highAvailability": {"enabled": True}}
    found = objects(charted(values, tmp_path, release="part-2"))
    name = "part-2-modelprovisioner"
    (container,) = found[f"Deployment/{name}"]["spec"]["template"]["spec"]["containers"]
    elect, shard = container["args"][-2:]
    assert str(make_parser().parse_args(["run", shard]).shard) == "2/5"
    # Each elects for itself.
    (named,) = (rule for rule in found[f"Role/{name}"]["rules"] if "resourceNames" in rule)
    assert elect == f"--leader-election={name}"
    assert named["resourceNames"] == [name]


def test_the_network_policy_takes_what_it_is_given(tmp_path: Path) -> None:
    egress = [{"ports": [{"port": 4000}]}]
    values = {"enabled": True, "monitoringNamespace": "prometheus", "egress": egress}
    rendered = objects(charted({"networkPolicy": values}, tmp_path))
    spec = rendered["NetworkPolicy/modelprovisioner"]["spec"]
    assert [rule["ports"] for rule in spec["egress"][1:]] == [[{"port": 4000}]]
    (source,) = spec["ingress"][0]["from"]
    assert "prometheus" in source["namespaceSelector"]["matchLabels"].values()


def test_the_labels_that_a_prometheus_asks_for_are_on_what_it_looks_for(tmp_path: Path) -> None:
    values = {"enabled": True, "labels": {"release": "prometheus"}}
    found = objects(charted({"monitoring": values}, tmp_path))
    for kind in ("ServiceMonitor", "PrometheusRule"):
        assert found[f"{kind}/modelprovisioner"]["metadata"]["labels"]["release"] == "prometheus"


def test_chart_and_application_have_the_version_of_the_engine() -> None:
    chart = yaml.safe_load(read("k8s/chart/Chart.yaml"))
    assert chart["version"] == chart["appVersion"] == __version__


def test_the_package_holds_the_rules_and_the_dashboard_themselves(tmp_path: Path) -> None:
    succeed(["helm", "package", str(CHART), "--destination", str(tmp_path)])
    (package,) = tmp_path.glob("*.tgz")
    with tarfile.open(package) as archive:
        for name in ("rules.yaml", "dashboard.json"):
            member = archive.extractfile(f"modelprovisioner/files/{name}")
            assert member is not None
            assert member.read().decode() == read(f"k8s/monitoring/{name}")
