"""The chart yields the objects that the overlays yield."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from engine.cli.parser import make_parser
from engine.config.loader import load_config

from ..documents import read
from .generate import MADE
from .tools import K8S, Object, charted, kustomized, objects, succeed

EVERYTHING = {
    "highAvailability": {"enabled": True},
    "monitoring": {"enabled": True},
    "networkPolicy": {"enabled": True},
}
PAIRS: dict[str, dict[str, Any]] = {
    "k8s": {},
    "k8s/overlays/ha": {"highAvailability": {"enabled": True}},
    "k8s/overlays/production": EVERYTHING,
}
HELMS = {
    "app.kubernetes.io/instance",
    "app.kubernetes.io/version",
    "app.kubernetes.io/managed-by",
    "helm.sh/chart",
}
"""Labels that only the chart gives: by them Helm knows its own."""


def sample() -> dict[str, Any]:
    """Return the configuration of the base, as values."""
    text = yaml.safe_load(read("k8s/base/configmap.yaml"))["data"]["config.yaml"]
    found: dict[str, Any] = yaml.safe_load(text)
    return found


def normal(value: Any) -> Any:
    """Return an object without what Helm adds, and its configuration as it is understood."""
    if isinstance(value, list):
        return [normal(member) for member in value]
    if not isinstance(value, dict):
        return value
    kept = {name: normal(member) for name, member in value.items() if name not in HELMS}
    if "config.yaml" in kept:
        kept["config.yaml"] = yaml.safe_load(kept["config.yaml"])
    # The default of every image with a tag.
    if kept.get("imagePullPolicy") == "IfNotPresent":
        del kept["imagePullPolicy"]
    return kept


@pytest.mark.parametrize("folder", PAIRS)
def test_chart_and_overlay_yield_the_same_objects(folder: str, tmp_path: Path) -> None:
    ours = kustomized(folder)
    charts = objects(charted({**PAIRS[folder], "config": sample()}, tmp_path))
    assert normal(charts) == normal(ours)


def test_the_component_for_a_webhook_yields_what_the_value_for_it_yields(tmp_path: Path) -> None:
    shutil.copytree(K8S, tmp_path / "k8s")
    path = tmp_path / "k8s/kustomization.yaml"
    text = re.sub(r"^# (components:|  - sync)$", r"\1", path.read_text(), flags=re.MULTILINE)
    path.write_text(text, encoding="utf-8")
    ours = objects(succeed(["kubectl", "kustomize", str(tmp_path / "k8s")]))
    values = {"sync": {"secret": "modelprovisioner-sync"}, "config": sample()}
    assert normal(objects(charted(values, tmp_path))) == normal(ours)
    pods = ours["Deployment/modelprovisioner"]["spec"]["template"]["spec"]
    run = make_parser().parse_args(pods["containers"][0]["args"])
    assert str(run.sync_token) == "/etc/sync/token"
    assert pods["volumes"][-1]["secret"]["secretName"] == "modelprovisioner-sync"


def test_each_overlay_has_the_objects_of_the_one_before() -> None:
    plain, available, everything = (set(kustomized(folder)) for folder in PAIRS)
    assert plain == {"ConfigMap/modelprovisioner-config", "Deployment/modelprovisioner"}
    assert plain < available < everything
    kinds = {name.split("/")[0] for name in everything}
    assert {"NetworkPolicy", "ServiceMonitor", "PrometheusRule", "PodDisruptionBudget"} < kinds


@pytest.mark.parametrize("path", MADE)
def test_what_is_made_from_other_files_is_as_they_are(path: str) -> None:
    assert read(path) == MADE[path](), "python -m tests.k8s.generate"


def test_the_configuration_of_the_chart_is_the_engines(tmp_path: Path) -> None:
    config = sample()
    numbers = {"max_tokens": 1_000_000, "input_cost_per_token": 5e-07, "id": "0123", "yes": "no"}
    config["backends"][0]["model_info_defaults"] = numbers
    rendered = objects(charted({"config": config}, tmp_path))
    text = rendered["ConfigMap/modelprovisioner-config"]["data"]["config.yaml"]
    for name, content in (("chart.yaml", text), ("direct.yaml", yaml.safe_dump(config))):
        (tmp_path / name).write_text(content, encoding="utf-8")
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys/litellm").write_text("sk-example", encoding="utf-8")
    through_helm = load_config(tmp_path / "chart.yaml", tmp_path / "keys")
    assert (
        through_helm.backends == load_config(tmp_path / "direct.yaml", tmp_path / "keys").backends
    )


def test_a_release_of_another_name_names_all_its_objects_and_selects_only_them(
    tmp_path: Path,
) -> None:
    found = objects(charted(EVERYTHING, tmp_path, release="site-1"))
    assert all(name.split("/")[1].startswith("site-1-modelprovisioner") for name in found)
    pods = found["Deployment/site-1-modelprovisioner"]["spec"]["template"]["metadata"]["labels"]
    for selector in selectors(list(found.values())):
        assert selector.items() <= pods.items()
        assert selector["app.kubernetes.io/instance"] == "site-1"


def selectors(value: Any) -> list[Object]:
    """Return every set of labels by which objects find the pods or the Service."""
    if isinstance(value, list):
        return [one for member in value for one in selectors(member)]
    if not isinstance(value, dict):
        return []
    below = [one for name, member in value.items() for one in selectors(member)]
    own = [value["matchLabels"]] if "matchLabels" in value else []
    own += [value["selector"]] if value.get("type") == "ClusterIP" else []
    return below + [one for one in own if "kubernetes.io/metadata.name" not in one]
