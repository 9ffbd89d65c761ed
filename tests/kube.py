"""Engines as processes, with an election, against the fake API server and the simulated LiteLLM."""

from __future__ import annotations

import json
import math
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from tests.apiserver import ApiServer
from tests.fleet import Fleet, running_fleet

LEASE_SECONDS: Final = 3
PATIENCE: Final = 60.0


class Replica:
    """One engine: a process with the name of a pod."""

    def __init__(self, pod: str, process: subprocess.Popen[bytes], folder: Path) -> None:
        self.pod = pod
        self.process = process
        self._log, self._plan_log = folder / f"{pod}.log", folder / f"{pod}.jsonl"

    @property
    def log(self) -> str:
        """What it wrote to its operator log."""
        return self._log.read_text()

    def events(self, name: str) -> list[dict[str, Any]]:
        """What it wrote to its plan log, by the name of the event."""
        lines = map(json.loads, self._plan_log.read_text().splitlines())
        return [line for line in lines if line["event"] == name]

    @property
    def port(self) -> int:
        """Where it listens, with ``--listen 0``."""
        found = re.search(r"listening on http://127\.0\.0\.1:(\d+)", self.log)
        assert found, self.log
        return int(found[1])

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def pause(self) -> None:
        """Stop the process, and return once it stands still."""
        self.send(signal.SIGSTOP)
        status = Path(f"/proc/{self.process.pid}/stat")
        while status.read_text().rpartition(")")[2].split()[0] != "T":
            time.sleep(0.001)

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and return the exit code."""
        self.send(number)
        return self.process.wait(PATIENCE)


class Town:
    """A fleet, an API server, and the replicas of one engine."""

    def __init__(self, fleet: Fleet, api: ApiServer) -> None:
        self.fleet = fleet
        self.api = api
        self.replicas: list[Replica] = []
        self.asked: list[tuple[float, str]] = []
        """When LiteLLM and the backend were asked for something, and by which method."""
        self.on_write: Callable[[], None] = lambda: None
        """Is called when a write arrives at LiteLLM, before it is done."""
        fleet.proxy.fault = self._witness
        fleet.box.fault = self._witness

    def _witness(self, method: str, path: str, body: bytes) -> None:
        del path, body
        self.asked.append((time.monotonic(), method))
        if method != "GET":
            self.on_write()

    def methods_since(self, moment: float, until: float = math.inf) -> list[str]:
        """Return the methods of all requests between two moments."""
        return [method for when, method in self.asked if moment < when < until]

    def writes_since(self, moment: float) -> list[str]:
        return [method for method in self.methods_since(moment) if method != "GET"]

    def start(self, pod: str, *options: str, lease: int = LEASE_SECONDS) -> Replica:
        """Start a replica; it takes part in the election from now on."""
        folder = self.fleet.folder
        words = ["run", "--interval", "1", "--leader-election", "--lease-duration", str(lease)]
        with (folder / f"{pod}.log").open("wb") as log, (folder / f"{pod}.jsonl").open("wb") as out:
            process = subprocess.Popen(
                [sys.executable, "-m", "engine", *self.fleet.arguments, *words, *options],
                env={
                    **os.environ,
                    "KUBECONFIG": str(self.api.kubeconfig(folder)),
                    "POD_NAME": pod,
                },
                stdout=out,
                stderr=log,
            )
        self.replicas.append(Replica(pod, process, folder))
        return self.replicas[-1]

    def leads(self, replica: Replica) -> bool:
        return self.api.holder.startswith(f"{replica.pod}_")

    def wait_for_leader(self, replica: Replica) -> None:
        self.wait(lambda: self.leads(replica), f"{replica.pod} leads")

    def wait(self, condition: Callable[[], object], what: str) -> None:
        """Wait until something holds."""
        deadline = time.monotonic() + PATIENCE
        while not condition():
            logs = "\n".join(f"{replica.pod}:\n{replica.log}" for replica in self.replicas)
            assert time.monotonic() < deadline, f"waited for: {what}\n{logs}"
            time.sleep(0.02)


@contextmanager
def running_town(folder: Path, *models: str) -> Iterator[Town]:
    with ApiServer() as api, running_fleet(folder, *models) as fleet:
        town = Town(fleet, api)
        try:
            yield town
        finally:
            for replica in town.replicas:
                replica.process.kill()
                replica.process.wait(PATIENCE)
