"""A configuration and keys that are exchanged while the loop runs."""

from __future__ import annotations

import io
import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.fakes.backend import FakeBackend
from engine.reconcile import Ports
from engine.report.plan_log import PlanLog
from engine.run.ended import Ended
from engine.run.loop import ConfigSource, Schedule, reconcile_forever
from engine.transport.client_pool import Http
from tests.fleet import MASTER_KEY, Fleet, running_fleet
from tests.mounted import Mounted
from tests.quick import QUICK

Step = Callable[[], object]


@pytest.fixture
def fleet(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> Iterator[Fleet]:
    caplog.set_level(logging.INFO)
    with running_fleet(tmp_path, "a") as running:
        yield running


class Pod:
    """The ConfigMap and the Secret of a fleet, mounted, and a loop that reads them."""

    def __init__(self, fleet: Fleet, other: FakeBackend) -> None:
        self._fleet = fleet
        self._other = other
        self.config = Mounted(fleet.folder / "config", self.text())
        self.secrets = Mounted(fleet.folder / "secrets", {"litellm": MASTER_KEY})

    def text(self, *, other: bool = False, owner: str = "us") -> dict[str, str]:
        backends = f"\n  - {{name: box, url: '{self._fleet.box.url}', timeout: 2}}"
        if other:
            backends += f"\n  - {{name: other, url: '{self._other.url}', timeout: 2}}"
        url = self._fleet.proxy.url
        text = f"owner: {owner}\nlitellm: {{url: '{url}'}}\nbackends:{backends}\n"
        return {"config.yaml": text}

    def run(self, *steps: Step) -> list[list[str]]:
        """Run one cycle more than there are steps; return which names each one created."""
        ended: list[Ended] = []
        left = list(steps)
        schedule = Schedule(60.0)
        ports = Ports(PlanLog(io.StringIO()), http=Http(QUICK))

        def watch(cycle: Ended) -> None:
            ended.append(cycle)
            left.pop(0)() if left else ports.stop.set()
            schedule.wake.set()

        path = self.config.folder / "config.yaml"
        source = ConfigSource(path, self.secrets.folder, environment=os.environ)
        reconcile_forever(source, schedule, ports, watch=watch)
        assert [cycle.error for cycle in ended] == [""] * len(ended)
        return [
            [result.operation.key.name for result in cycle.report.results if result.done]
            for cycle in ended
            if cycle.report is not None
        ]


@pytest.fixture
def pod(fleet: Fleet) -> Iterator[Pod]:
    with FakeBackend("openai", ["b"]) as other:
        yield Pod(fleet, other)


def test_a_configuration_that_is_swapped_is_in_force_in_the_next_cycle(
    pod: Pod, caplog: pytest.LogCaptureFixture
) -> None:
    created = pod.run(lambda: pod.config.swap(pod.text(other=True)))
    assert created == [["a"], ["b"]]
    assert "configuration reloaded: added other" in caplog.messages


def test_a_swap_while_a_cycle_runs_counts_from_the_next_one(pod: Pod, fleet: Fleet) -> None:
    swaps: list[Step] = [lambda: pod.config.swap(pod.text(other=True))]

    def swap_once(*_: object) -> None:
        if swaps:
            swaps.pop()()

    fleet.box.fault = swap_once
    assert pod.run(lambda: None) == [["a"], ["b"]]


def test_a_key_that_is_swapped_is_used_in_the_next_cycle(
    pod: Pod, fleet: Fleet, caplog: pytest.LogCaptureFixture
) -> None:
    fleet.box.key = "sk-right-key"
    keys = {"litellm": MASTER_KEY, "box": "sk-right-key"}
    assert pod.run(lambda: pod.secrets.swap(keys)) == [[], ["a"]]
    assert "key of box changed" in caplog.messages
    assert "sk-right" not in caplog.text


def test_a_broken_configuration_keeps_the_last_good_one_and_says_so_once(
    pod: Pod, caplog: pytest.LogCaptureFixture
) -> None:
    broken = {"config.yaml": pod.text()["config.yaml"] + "polciy: sync\n"}
    created = pod.run(
        lambda: pod.config.swap(broken),
        lambda: None,
        lambda: pod.config.swap(pod.text(other=True)),
    )
    assert created == [["a"], [], [], ["b"]]
    told = [text for text in caplog.messages if "keeping the last good configuration" in text]
    assert len(told) == 1
    assert "config.yaml:5: polciy: unknown" in told[0]
    assert "the configuration is valid again" in caplog.messages
