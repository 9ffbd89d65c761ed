"""Every command of the operator's guide is carried out as it is typed, in the guide's order.

kubectl and Helm are the real ones, in front of :mod:`tests.k8s.cluster`; what they would run in the
pod is the engine, in front of simulated servers. Docker and kind are only noted down.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from engine.fakes.backend import FakeBackend
from engine.fakes.litellm import LiteLLMSimulator

from ..documents import ROOT, read
from .cluster import APPS, CORE, NAMESPACE, Cluster, running_cluster
from .tools import tool

SERVERS = {
    "http://vllm.gpu1.example:8000": ("openai", "qwen3-32b"),
    "http://llamacpp.gpu2.example:8080": ("openai", "qwen3-8b"),
    "http://ollama.workstation.example:11434": ("ollama", "gemma3:12b"),
}
KEY = "sk-guide-master-key"
PLACEHOLDERS = {"BACKEND": "gpu1-vllm"}
STEP = re.compile(
    r"^( *)```sh\n(?P<block>.*?)^\1```$|`(?P<span>(?:kubectl|helm) [^`\n]+)`",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Desk:
    """Where the guide is followed: a copy of the files, a cluster, LiteLLM, and what was done."""

    folder: Path
    cluster: Cluster
    litellm: LiteLLMSimulator
    environment: dict[str, str]

    def follow(self, text: str) -> None:
        """Carry out all commands of a text; AssertionError at the first that fails."""
        for step in STEP.finditer(text):
            command = step["block"] or step["span"]
            for name, value in PLACEHOLDERS.items():
                command = command.replace(name, value)
            command = re.sub(f"^{step[1] or ''}", "", command, flags=re.MULTILINE)
            self.type(command)

    def type(self, command: str) -> str:
        """Carry out one command, which must succeed; return what it prints."""
        if " jq " in command and "kubectl logs" in command:
            self.cluster.log = self.engine("run", "--once", "--log-format", "json")
        done = self.attempt(command)
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        return done.stdout

    def attempt(self, command: str) -> subprocess.CompletedProcess[str]:
        """Carry out one command, whatever comes of it."""
        return subprocess.run(
            ["bash", "-euo", "pipefail", "-c", command],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def engine(self, *words: str) -> str:
        """Run the engine as in the pod; return what it prints."""
        return self.type(
            f"kubectl exec deployment/modelprovisioner -- python3 -m engine {' '.join(words)}"
        )

    def done(self, program: str = "kubectl") -> list[tuple[list[str], int]]:
        """Return the words and the exit code of each command of one program, in their order."""
        lines = (self.folder / "done.jsonl").read_text(encoding="utf-8").splitlines()
        return [(words, code) for name, words, code in map(json.loads, lines) if name == program]

    def engines(self) -> list[tuple[str, int]]:
        """Return the command of the engine and its exit code, each time it ran in the pod."""
        found = [
            (words[5:], code)
            for words, code in self.done()
            if words[2:5] == ["--", "python3", "-m"]
        ]
        return [(" ".join(words[1:]), code) for words, code in found]

    def register(self, name: str, model: str, url: str) -> None:
        """Make a row in LiteLLM as somebody else would."""
        row = {"model_name": name, "litellm_params": {"model": model, "api_base": url}}
        body = json.dumps(row).encode()
        answer = self.litellm.answer("POST", "/model/new", f"Bearer {KEY}", body)
        assert answer.status == 200, answer.body

    def elect(self) -> None:
        """Let a pod hold the Lease, as it does once there are several."""
        leases = f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases"
        spec = {"holderIdentity": "modelprovisioner-pod"}
        self.cluster.put(f"{leases}/modelprovisioner", {"spec": spec})

    def install(self) -> None:
        """Do what the guide's chapter on it does, in short."""
        create = "kubectl create secret generic modelprovisioner-secrets"
        self.type(f'{create} --from-literal=litellm="$LITELLM_MASTER_KEY"')
        self.type("kubectl apply -k k8s")

    @property
    def deployment(self) -> Any:
        return self.cluster.objects[f"{APPS}/deployments/modelprovisioner"]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    kubectl = tool("kubectl")
    for name in ("helm", "jq"):
        tool(name)
    shutil.copytree(ROOT / "k8s", tmp_path / "k8s")
    for name in ("bin", "pod", "home"):
        (tmp_path / name).mkdir()
    for name in ("kubectl", "docker", "kind", "ollama", "curl"):
        script = f'#!/bin/sh\nexec "{sys.executable}" -m tests.k8s.shim {name} "$@"\n'
        (tmp_path / "bin" / name).write_text(script, encoding="utf-8")
        (tmp_path / "bin" / name).chmod(0o755)
    with ExitStack() as stack:
        litellm = stack.enter_context(LiteLLMSimulator("1.110.2", master_key=KEY))
        servers = {"http://litellm:4000": litellm.url}
        for url, (kind, model) in SERVERS.items():
            servers[url] = stack.enter_context(FakeBackend(kind, [model])).url
        cluster = stack.enter_context(running_cluster(tmp_path / "kubeconfig"))
        environment = {
            **os.environ,
            "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "HOME": str(tmp_path / "home"),
            "KUBECONFIG": str(tmp_path / "kubeconfig"),
            "REAL_KUBECTL": kubectl,
            "SHIM_LOG": str(tmp_path / "done.jsonl"),
            "SHIM_POD": str(tmp_path / "pod"),
            "SHIM_SERVERS": json.dumps(servers),
            "LITELLM_MASTER_KEY": KEY,
            "VLLM_API_KEY": "key-of-vllm",
            "SYNC_TOKEN": "token-of-the-webhook",
            # Compiled once: the engine starts many times here.
            "PYTHONPYCACHEPREFIX": str(tmp_path / "compiled"),
            "PYTHONDONTWRITEBYTECODE": "",
        }
        desk = Desk(tmp_path, cluster, litellm, environment)
        desk.elect()
        yield desk


def names(litellm: LiteLLMSimulator) -> set[str]:
    return {row.model_name for row in litellm.database.rows.values()}


def test_the_guide_works_as_typed(desk: Desk) -> None:
    before, removal = read("k8s/README.md").split("\n## Remove a backend\n")
    desk.follow(before)
    # What the guide says in words: the backend is no longer in the configuration.
    path = desk.folder / "k8s/base/configmap.yaml"
    sample = path.read_text(encoding="utf-8")
    removed = re.sub(r"      # vLLM\..*?(?=      # llama)", "", sample, flags=re.DOTALL)
    assert "gpu1-vllm" in sample
    assert "gpu1-vllm" not in removed
    path.write_text(removed, encoding="utf-8")
    desk.type("kubectl apply -k k8s")
    desk.follow(removal)
    engines = desk.engines()
    assert {command.split()[0] for command, _ in engines} == {
        "doctor",
        "explain",
        "plan",
        "retire",
        "validate",
    }
    assert {code for command, code in engines if command.startswith("plan")} == {2}
    assert all(code in (0, 2, 4) for _, code in engines), engines
    assert names(desk.litellm) == set(), "nothing but the loop, which does not run here, writes"
    # The last lines of the guide remove it; the Lease is the pods' own.
    (left,) = desk.cluster.objects
    assert left.endswith("/leases/modelprovisioner")
    built = [words for words, _ in desk.done("docker") if words[0] == "build"]
    (loaded,) = [words for words, _ in desk.done("kind")]
    assert [words[words.index("--tag") + 1] for words in built] == [loaded[-1]]


def test_troubleshooting_works_as_typed(desk: Desk) -> None:
    desk.install()
    desk.follow(read("k8s/troubleshooting.md"))
    assert "apply --force gpu1-vllm" in dict(desk.engines())
    assert names(desk.litellm) == {"qwen3-32b", "gpu2-llamacpp/qwen3-8b", "gemma3:12b"}


def test_the_chapter_on_monitoring_works_as_typed(desk: Desk) -> None:
    desk.install()
    desk.follow(read("k8s/monitoring/README.md"))
    token = desk.cluster.objects[f"{CORE}/secrets/modelprovisioner-sync"]["data"]["token"]
    ((words, _),) = desk.done("curl")
    service = desk.cluster.objects[f"{CORE}/services/modelprovisioner"]
    (port,) = service["spec"]["ports"]
    assert words[-1] == f"http://{service['metadata']['name']}:{port['port']}/sync"
    assert len(token) > 16


def test_each_filter_of_the_log_finds_its_lines(desk: Desk) -> None:
    desk.install()
    # A name that others have is left alone; a key that nothing uses is worth a message.
    desk.register("qwen3-32b", "openai/gpt-9", "https://cloud.example/v1")
    desk.type(
        "kubectl create secret generic modelprovisioner-secrets --from-literal=nobody=key "
        '--from-literal=litellm="$LITELLM_MASTER_KEY" --dry-run=client --output=yaml | '
        "kubectl apply -f -"
    )
    log = desk.engine("run", "--once", "--log-format", "json", "2>&1")
    desk.cluster.log = log
    (block,) = [
        step["block"]
        for step in STEP.finditer(read("k8s/troubleshooting.md"))
        if " jq " in str(step["block"])
    ]
    found = [desk.attempt(line).stdout for line in block.splitlines() if not line.startswith("#")]
    assert all(found), found


GO_CONFIG = """\
litellm:
  url: http://litellm:4000
backends:
  - name: gpu1-vllm
    type: openai
    url: http://vllm.gpu1.example:8000/v1
"""


def go_program(desk: Desk) -> None:
    """Put into the cluster what somebody has who used the Go program until now."""
    labels = {"app": "modelprovisioner"}
    container = {"name": "configurator", "image": "ghcr.io/mono-of-pg/modelprovisioner:main"}
    pods = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    spec = {"replicas": 1, "selector": {"matchLabels": labels}, "template": pods}
    config = {"data": {"config.yaml": GO_CONFIG}}
    desk.cluster.put(f"{CORE}/configmaps/modelprovisioner-config", config)
    keys = {"stringData": {}, "data": {"litellm": "c2stZ3VpZGUtbWFzdGVyLWtleQ=="}}
    desk.cluster.put(f"{CORE}/secrets/modelprovisioner-secrets", keys)
    desk.cluster.put(f"{APPS}/deployments/modelprovisioner", {"spec": spec})


def test_the_migration_works_as_typed_with_the_way_back(desk: Desk) -> None:
    go_program(desk)
    vllm = json.loads(desk.environment["SHIM_SERVERS"])["http://vllm.gpu1.example:8000"]
    desk.register("qwen3-32b", "openai/qwen3-32b", f"{vllm}/v1")
    before = desk.deployment["spec"]
    steps, back = read("k8s/migration.md").split("The way back:")
    desk.follow(steps)
    config = desk.cluster.objects[f"{CORE}/configmaps/modelprovisioner-config"]
    assert config["data"] == {"config.yaml": GO_CONFIG}
    assert "--dry-run" not in desk.deployment["spec"]["template"]["spec"]["containers"][0]["args"]
    assert [command for command, _ in desk.engines()] == ["doctor", "plan"]
    assert "adopted: " in desk.engine("plan")
    desk.follow(back.split("\n## ")[0])
    assert desk.deployment["spec"] == before


def test_the_new_deployment_cannot_take_the_place_of_the_old_one(desk: Desk) -> None:
    go_program(desk)
    done = desk.attempt("kubectl apply -k k8s")
    assert done.returncode != 0
    assert "field is immutable" in done.stderr
    assert "field is immutable" in read("k8s/troubleshooting.md")


def test_a_dry_run_becomes_the_real_thing_and_each_overlay_follows_on_another(desk: Desk) -> None:
    desk.install()
    arguments = []
    for folder in ("k8s/overlays/dry-run", "k8s/overlays/ha", "k8s/overlays/production", "k8s"):
        desk.type(f"kubectl apply -k {folder}")
        arguments.append(desk.deployment["spec"]["template"]["spec"]["containers"][0]["args"][6:])
    elect = ["--leader-election=modelprovisioner"]
    assert [words[1:] for words in arguments] == [["--dry-run"], elect, elect, []]


def test_all_files_of_the_guide_are_followed() -> None:
    here = {str(path.relative_to(ROOT / "k8s")) for path in (ROOT / "k8s").rglob("*.md")}
    assert here == {"README.md", "migration.md", "troubleshooting.md", "monitoring/README.md"}
    assert yaml.safe_load(read("k8s/kustomization.yaml"))["resources"] == ["base"]
