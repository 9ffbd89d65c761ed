"""A real Prometheus scrapes the loop, and its alerts fire when something is wrong."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from engine.fakes.server import Fault
from tests.fleet import Fleet, running_fleet
from tests.monitoring.prometheus import running_prometheus

BACKEND_DOWN = "ModelProvisionerBackendDown"
DELETION_HELD = "ModelProvisionerDeletionHeld"
LOOP_STUCK = "ModelProvisionerLoopStuck"
ABSENT = "ModelProvisionerAbsent"


@contextmanager
def running_engine(fleet: Fleet) -> Iterator[int]:
    """Run the loop as a process with a cycle each second; yield its port."""
    options = ["run", "--interval", "1s", "--listen", "127.0.0.1:0", "--max-age", "5s"]
    process = subprocess.Popen(
        [sys.executable, "-m", "engine", *options, *fleet.arguments],
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    with process.stderr as log:
        found = re.search(r"listening on http://127\.0\.0\.1:(\d+)", log.readline())
        drain = threading.Thread(target=log.read)
        drain.start()
        try:
            assert found
            yield int(found[1])
        finally:
            process.terminate()
            process.wait(60)
            drain.join()


@pytest.mark.slow
def test_an_outage_a_held_deletion_and_a_stuck_loop_each_fire_their_alert(tmp_path: Path) -> None:
    fleet_folder = tmp_path / "fleet"
    fleet_folder.mkdir()
    with running_fleet(fleet_folder, "a", "b", "c") as fleet:
        with (
            running_engine(fleet) as port,
            running_prometheus(tmp_path / "prometheus", port) as prometheus,
        ):
            observed = 'modelprovisioner_deployments{state="observed"}'
            prometheus.wait_until(lambda: prometheus.value(observed) == 3)
            prometheus.wait_until(lambda: not prometheus.firing())
            assert prometheus.value("up") == 1

            fleet.box.stop()
            prometheus.wait_until(lambda: BACKEND_DOWN in prometheus.firing())
            assert prometheus.firing()[BACKEND_DOWN]["backend"] == "box"
            assert prometheus.value('modelprovisioner_deployments{state="kept"}') == 3
            fleet.box.start()
            prometheus.wait_until(lambda: not prometheus.firing())

            fleet.box.models.clear()
            prometheus.wait_until(lambda: prometheus.firing().keys() == {DELETION_HELD})
            assert prometheus.firing()[DELETION_HELD]["backend"] == "box"
            assert fleet.names() == ["a", "b", "c"]
            fleet.box.models.extend(["a", "b", "c"])
            prometheus.wait_until(lambda: not prometheus.firing())

            fleet.proxy.fault = lambda method, path, body: Fault("hang", seconds=600)
            prometheus.wait_until(lambda: LOOP_STUCK in prometheus.firing())
            fleet.proxy.fault = None
        fleet.proxy.fault = None


@pytest.mark.slow
def test_a_loop_that_is_gone_fires_its_alert(tmp_path: Path) -> None:
    with running_prometheus(tmp_path / "prometheus", 1) as prometheus:
        prometheus.wait_until(lambda: prometheus.firing().keys() == {ABSENT})
