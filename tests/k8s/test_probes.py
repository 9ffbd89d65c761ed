"""The command of the pod, as it is written, answers the probes of the pod, as they are written."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import yaml

from ..documents import ROOT, read
from ..fleet import running_fleet
from ..served import ask

PATIENCE = 60.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until_good(port: int, probe: Any) -> None:
    """Ask as the kubelet does, until the answer is good."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            status = ask(port, probe["httpGet"]["path"]).status
        except OSError:
            status = 0
        if 200 <= status < 400:
            return
        assert time.monotonic() < until, f"{probe}: {status}"
        time.sleep(0.1)


def test_the_pod_answers_its_probes_and_ends_when_it_is_told_to(tmp_path: Path) -> None:
    deployment = yaml.safe_load(read("k8s/base/deployment.yaml"))
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    port = free_port()
    # Where two of them may not have what a pod of its own has.
    places = {":8080": f"127.0.0.1:{port}", "/artifacts": str(tmp_path / "artifacts")}
    words = [places.get(word, word) for word in container["args"]]
    assert set(places) < set(container["args"])
    with running_fleet(tmp_path, "qwen3") as fleet:
        command = [sys.executable, "-m", "engine", *words, *fleet.arguments]
        environment = {
            **os.environ,
            **{one["name"]: one["value"] for one in container["env"]},
            "PYTHONPATH": str(ROOT),
        }
        process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
        try:
            for name in ("startupProbe", "livenessProbe", "readinessProbe"):
                until_good(port, container[name])
            assert fleet.names() == ["qwen3"], "ready, but there was no cycle"
        finally:
            process.send_signal(signal.SIGTERM)
            code = process.wait(timeout=PATIENCE)
    assert code == 0
