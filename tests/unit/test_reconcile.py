"""The loop: its schedule, its signals, and a configuration that becomes invalid."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.errors import ConfigError
from engine.fakes.server import Fault
from engine.reconcile import Ports
from engine.report.plan_log import PlanLog
from engine.run.heartbeat import MAX_BACKOFF
from engine.run.loop import ConfigSource, Schedule, reconcile_forever
from engine.transport.client_pool import Http
from tests.fleet import Fleet, running_fleet
from tests.quick import QUICK


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    with running_fleet(tmp_path, "a") as running:
        yield running


def test_the_schedule_has_jitter_and_backs_off_after_failures() -> None:
    schedule = Schedule(10.0)
    steady = {schedule.delay(failed=False) for _ in range(20)}
    assert len(steady) > 1
    assert all(9.0 <= delay <= 11.0 for delay in steady)
    failing = [schedule.delay(failed=True) for _ in range(40)]
    assert 18.0 <= failing[0] <= 22.0
    assert max(failing) <= MAX_BACKOFF * 1.1
    assert schedule.delay(failed=False) <= 11.0


def test_an_interval_longer_than_the_back_off_is_kept() -> None:
    schedule = Schedule(3600.0)
    assert schedule.delay(failed=True) >= 3240.0


def test_an_invalid_first_configuration_is_an_error(fleet: Fleet) -> None:
    fleet.configure("nonsense: 1")
    with pytest.raises(ConfigError):
        ConfigSource(fleet.folder / "config.yaml", fleet.folder).load()


def test_the_last_good_configuration_is_used_when_a_later_one_is_invalid(
    fleet: Fleet, caplog: pytest.LogCaptureFixture
) -> None:
    source = ConfigSource(fleet.folder / "config.yaml", fleet.folder)
    good = source.load()
    fleet.configure("nonsense: 1")
    assert [source.load(), source.load()] == [good, good]
    messages = [record.message for record in caplog.records if "last good" in record.message]
    assert len(messages) == 1
    assert "nonsense" in messages[0]
    fleet.configure("filter_regex: x")
    assert source.load() != good


def test_a_key_that_travels_unencrypted_is_noted_once(
    fleet: Fleet, caplog: pytest.LogCaptureFixture
) -> None:
    path = fleet.folder / "config.yaml"
    path.write_text("litellm: {url: 'http://litellm:4000'}\nbackends: []\n")
    source = ConfigSource(path, fleet.folder)
    for _ in range(3):
        source.load()
    assert "".join(record.message for record in caplog.records).count("unencrypted") == 1


def test_the_loop_continues_after_failures_and_beats_after_each_cycle(fleet: Fleet) -> None:
    beats: list[float] = []
    stop_after = 3

    def beat() -> None:
        beats.append(time.monotonic())
        if len(beats) >= stop_after:
            ports.stop.set()
        schedule.wake.set()

    schedule = Schedule(60.0)
    ports = Ports(PlanLog(None), http=Http(QUICK), beat=beat)
    fleet.proxy.fault = lambda *_: Fault("status", 500, "{}") if len(beats) < 2 else None
    reconcile_forever(ConfigSource(fleet.folder / "config.yaml", fleet.folder), schedule, ports)
    assert fleet.names() == ["a"]
    assert not [t for t in threading.enumerate() if t.name.startswith("list-") and t.is_alive()]


def start_loop(fleet: Fleet, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "engine", "run", *fleet.arguments, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "SLEEP_INTERVAL": "3600"},
    )


def read_next_cycle(process: subprocess.Popen[str]) -> dict[str, object]:
    assert process.stdout is not None
    for text in process.stdout:
        line = json.loads(text)
        if line["event"] == "cycle":
            return dict(line)
    raise AssertionError("the loop ended")


def test_signals_start_a_cycle_and_end_the_loop(fleet: Fleet, tmp_path: Path) -> None:
    heartbeat = tmp_path / "heartbeat"
    process = start_loop(fleet, "--heartbeat", str(heartbeat))
    try:
        assert read_next_cycle(process)["cycle"] == 1
        fleet.box.models.append("b")
        process.send_signal(signal.SIGHUP)
        assert read_next_cycle(process)["cycle"] == 2
        assert fleet.names() == ["a", "b"]
        assert heartbeat.exists()
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 0
    finally:
        process.kill()
        process.communicate()


def test_sigterm_during_a_plan_finishes_the_operation_in_progress(fleet: Fleet) -> None:
    fleet.box.models[:] = [f"m{number}" for number in range(20)]
    begun = threading.Event()

    def slow_writes(method: str, path: str, body: bytes) -> Fault | None:
        if method == "POST":
            begun.set()
            time.sleep(0.2)
        return None

    fleet.proxy.fault = slow_writes
    process = start_loop(fleet)
    try:
        assert begun.wait(20)
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=30)
    finally:
        process.kill()
    assert process.returncode == 0
    last = json.loads(output.splitlines()[-1])
    assert last["results"]["applied"] == len(fleet.names()) < 20
    assert last["results"]["not_attempted"] == 20 - len(fleet.names())
