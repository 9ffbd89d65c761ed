"""What k8s/base promises: hardened, loadable, in step with the command line."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from engine import __version__
from engine.cli.parser import make_parser
from engine.config.loader import load_config
from engine.config.model import Config

from .tools import K8S

BASE = K8S / "base"
FILES = sorted(path.name for path in BASE.glob("*.yaml"))
DEFAULTS = "# The defaults"


def document(name: str) -> Any:
    return yaml.safe_load((BASE / name).read_text(encoding="utf-8"))


@pytest.fixture
def pod() -> Any:
    return document("deployment.yaml")["spec"]["template"]["spec"]


@pytest.fixture
def container(pod: Any) -> Any:
    (container,) = pod["containers"]
    return container


@pytest.fixture
def run(container: Any, monkeypatch: pytest.MonkeyPatch) -> argparse.Namespace:
    for variable in ("MODELPROVISIONER_CONFIG", "MODELPROVISIONER_SECRETS"):
        monkeypatch.delenv(variable, raising=False)
    return make_parser().parse_args(container["args"])


def config_text() -> str:
    return str(document("configmap.yaml")["data"]["config.yaml"])


def load(text: str, folder: Path) -> Config:
    """Load a configuration as a pod does, with the keys of the example Secret."""
    for name, key in document("secret.example.yaml")["stringData"].items():
        (folder / name).write_text(key, encoding="utf-8")
    path = folder / "config.yaml"
    path.write_text(text, encoding="utf-8")
    return load_config(path, folder)


@pytest.mark.parametrize("name", FILES)
def test_every_file_is_one_object_of_its_kind(name: str) -> None:
    found = document(name)
    assert found["apiVersion"]
    assert found["kind"].lower() == name.split(".", maxsplit=1)[0]


def test_the_sample_configuration_loads_without_a_warning(tmp_path: Path) -> None:
    config = load(config_text(), tmp_path)
    assert config.warnings == ()
    assert [backend.kind for backend in config.backends] == ["vllm", "openai", "ollama"]


def test_the_defaults_that_the_sample_shows_are_the_defaults(tmp_path: Path) -> None:
    text = config_text()
    kept, defaults = text.split(DEFAULTS, 1)
    shown = re.sub(r"^# ", "", defaults.split("\n", 1)[1], flags=re.MULTILINE)
    assert load(kept + shown, tmp_path) == load(text, tmp_path)
    assert {"owner", "policy", "limits"} < set(yaml.safe_load(shown))


def test_each_key_of_the_example_secret_has_a_user_and_is_a_fake(tmp_path: Path) -> None:
    config = load(config_text(), tmp_path)
    keys = document("secret.example.yaml")["stringData"]
    assert set(keys) <= {"litellm"} | {backend.name for backend in config.backends}
    assert all("not-a-key" in key for key in keys.values())
    assert len(config.secrets()) == len(keys)


def test_kustomization_names_what_is_there_but_no_secret() -> None:
    listed = document("kustomization.yaml")["resources"]
    assert sorted(listed) == sorted(set(FILES) - {"kustomization.yaml", "secret.example.yaml"})


def test_the_pod_has_no_rights(pod: Any, container: Any) -> None:
    assert pod["automountServiceAccountToken"] is False
    assert pod["enableServiceLinks"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] == 65532
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def test_the_pod_has_bounds(pod: Any, container: Any) -> None:
    assert container["resources"]["limits"]["memory"] == "320Mi"
    assert set(container["resources"]["requests"]) == {"cpu", "memory"}
    for volume in pod["volumes"]:
        if "emptyDir" in volume:
            assert volume["emptyDir"]["sizeLimit"]


def test_the_engine_can_read_its_keys_and_others_cannot(pod: Any) -> None:
    (secret,) = (volume["secret"] for volume in pod["volumes"] if "secret" in volume)
    assert secret["defaultMode"] == 0o440
    assert pod["securityContext"]["fsGroup"] == pod["securityContext"]["runAsGroup"]


def test_configuration_and_keys_are_where_the_engine_looks_for_them(
    pod: Any, container: Any, run: argparse.Namespace
) -> None:
    mounts = {mount["name"]: mount for mount in container["volumeMounts"]}
    assert mounts["config"]["mountPath"] == str(run.config.parent)
    assert list(document("configmap.yaml")["data"]) == [run.config.name]
    assert mounts["secrets"]["mountPath"] == str(run.secrets)
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    assert volumes["config"]["configMap"]["name"] == name_of("configmap.yaml")
    assert volumes["secrets"]["secret"]["secretName"] == name_of("secret.example.yaml")
    for name in ("config", "secrets"):
        assert mounts[name]["readOnly"] is True
        assert "subPath" not in mounts[name], "changes would never reach the pod"


def name_of(file: str) -> str:
    return str(document(file)["metadata"]["name"])


def test_it_writes_only_to_volumes_made_for_that(
    pod: Any, container: Any, run: argparse.Namespace
) -> None:
    scratch = {volume["name"] for volume in pod["volumes"] if "emptyDir" in volume}
    mounts = container["volumeMounts"]
    writable = {mount["mountPath"] for mount in mounts if mount["name"] in scratch}
    assert writable == {"/tmp", str(run.artifacts)}
    assert {mount["name"] for mount in mounts} == {volume["name"] for volume in pod["volumes"]}


@pytest.mark.parametrize(
    ("probe", "path"),
    [("startup", "/healthz"), ("liveness", "/healthz"), ("readiness", "/readyz")],
)
def test_the_probes_ask_where_the_engine_listens(
    container: Any, run: argparse.Namespace, probe: str, path: str
) -> None:
    (port,) = container["ports"]
    asked = container[f"{probe}Probe"]
    assert asked["httpGet"] == {"path": path, "port": port["name"]}
    assert asked["timeoutSeconds"] > 1
    assert run.listen == ("", port["containerPort"])


def test_the_log_is_for_machines_and_the_command_is_the_loop(run: argparse.Namespace) -> None:
    assert run.command == "run"
    assert run.log_format == "json"
    assert not run.once
    assert not run.dry_run
    assert not run.force


def test_the_deployment_selects_its_pods_and_replaces_them_without_a_gap() -> None:
    spec = document("deployment.yaml")["spec"]
    assert spec["replicas"] == 1
    labels = spec["template"]["metadata"]["labels"]
    assert spec["selector"]["matchLabels"].items() <= labels.items()
    assert spec["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
    assert spec["template"]["spec"]["terminationGracePeriodSeconds"] == 90


def test_the_image_is_of_this_version(container: Any) -> None:
    assert container["image"] == f"modelprovisioner:{__version__}"
