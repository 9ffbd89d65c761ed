"""A real Prometheus on this machine, with its own folder, for as long as a test needs it."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.programs import needed

ROOT = Path(__file__).parents[2]
RULES = ROOT / "k8s/monitoring/rules.yaml"
DASHBOARD = ROOT / "k8s/monitoring/dashboard.json"
CONFIG = """\
global: {{scrape_interval: 500ms, scrape_timeout: 500ms, evaluation_interval: 500ms}}
rule_files: [rules.yaml]
scrape_configs:
  - job_name: modelprovisioner
    static_configs: [{{targets: ['127.0.0.1:{port}']}}]
"""
_open = urllib.request.build_opener(urllib.request.ProxyHandler({})).open


def program(name: str) -> str:
    """Return the path of ``prometheus`` or ``promtool``; without it the test is skipped.

    It fails instead where REQUIRE_PROMETHEUS is set.
    """
    why = f"NOT TESTED WITH A REAL PROMETHEUS: there is no {name}; apt-get install prometheus"
    return needed(name, why, "REQUIRE_PROMETHEUS")


def promtool(*arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
    """Run promtool; return how it ended, with its output."""
    command = [program("promtool"), *arguments]
    return subprocess.run(
        command, input=text, capture_output=True, text=True, timeout=60, check=False
    )


class Prometheus:
    """One that scrapes a port every half second."""

    def __init__(self, url: str) -> None:
        self.url = url

    def get(self, path: str, **parameters: str) -> Any:
        """Return the data of an answer of its API."""
        query = urllib.parse.urlencode(parameters)
        with _open(f"{self.url}/api/v1/{path}?{query}", timeout=10) as answer:
            return json.load(answer)["data"]

    def firing(self) -> dict[str, dict[str, str]]:
        """Return the labels of the alerts that fire, by their names."""
        alerts = self.get("alerts")["alerts"]
        fire = [alert["labels"] for alert in alerts if alert["state"] == "firing"]
        return {labels["alertname"]: labels for labels in fire}

    def value(self, query: str) -> float | None:
        """Return the one value of an expression; None if it has none."""
        result = self.get("query", query=query)["result"]
        assert len(result) <= 1
        return float(result[0]["value"][1]) if result else None

    def wait_until(self, is_so: Callable[[], object], seconds: float = 120.0) -> None:
        """Wait for something that it is to see."""
        deadline = time.monotonic() + seconds
        while not is_so():
            assert time.monotonic() < deadline, self.get("alerts")
            time.sleep(0.2)


@contextmanager
def running_prometheus(folder: Path, port: int) -> Iterator[Prometheus]:
    """Run one that scrapes a port of this machine, with alerts at once instead of after minutes."""
    folder.mkdir()
    (folder / "prometheus.yaml").write_text(CONFIG.format(port=port))
    (folder / "rules.yaml").write_text(re.sub(r"for: \d+m", "for: 1s", RULES.read_text()))
    with socket.create_server(("127.0.0.1", 0)) as probe:
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    command = [
        program("prometheus"),
        f"--config.file={folder / 'prometheus.yaml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address={address}",
    ]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        prometheus = Prometheus(f"http://{address}")
        prometheus.wait_until(lambda: is_ready(prometheus, process))
        yield prometheus
    finally:
        process.terminate()
        process.wait(30)


def is_ready(prometheus: Prometheus, process: subprocess.Popen[bytes]) -> bool:
    """Tell whether it answers; fail if it has ended."""
    assert process.poll() is None
    try:
        with _open(f"{prometheus.url}/-/ready", timeout=10):
            return True
    except OSError:
        return False
