"""Waiting for a cycle without being held by it."""

from __future__ import annotations

import threading
import time

import pytest

from engine.reconcile import Ports
from engine.report.plan_log import PlanLog
from engine.run.interruptible import attended
from engine.transport.client_pool import Http
from engine.transport.timing import Timing

PATIENCE = 0.2


@pytest.fixture
def ports() -> Ports:
    return Ports(PlanLog(None), http=Http(Timing(patience=PATIENCE)))


def test_the_result_of_the_work_comes_back(ports: Ports) -> None:
    assert attended(ports, lambda: 5) == 5


def test_its_error_comes_back_as_well(ports: Ports) -> None:
    def fail() -> int:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        attended(ports, fail)


def test_a_stop_leaves_behind_what_only_reads(ports: Ports) -> None:
    silent = threading.Event()
    ports.stop.set()
    begun = time.monotonic()
    assert attended(ports, lambda: silent.wait(60)) is None
    assert time.monotonic() - begun < 30
    silent.set()


def test_a_stop_waits_for_what_writes(ports: Ports) -> None:
    def write() -> str:
        ports.writing.set()
        ports.stop.set()
        time.sleep(2 * PATIENCE)
        ports.writing.clear()
        return "written"

    assert attended(ports, write) == "written"
