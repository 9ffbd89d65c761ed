"""Work that runs until it ends, or until a stop interrupts its reading."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from engine.run.interruptible import run_interruptibly

PATIENCE = 0.2


@pytest.fixture
def stop() -> threading.Event:
    return threading.Event()


@pytest.fixture
def writing() -> threading.Event:
    return threading.Event()


@pytest.fixture
def run(
    stop: threading.Event, writing: threading.Event
) -> Callable[[Callable[[], object]], object]:
    return lambda work: run_interruptibly(work, stop, writing, PATIENCE)


def test_the_result_of_the_work_is_returned(run: Callable[..., object]) -> None:
    assert run(lambda: 5) == 5


def test_an_error_of_the_work_is_raised(run: Callable[..., object]) -> None:
    def fail() -> int:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        run(fail)


def test_a_stop_abandons_work_that_only_reads(
    run: Callable[..., object], stop: threading.Event
) -> None:
    answer = threading.Event()
    stop.set()
    assert run(lambda: answer.wait(60)) is None
    answer.set()


def test_a_stop_waits_for_work_that_writes(
    run: Callable[..., object], stop: threading.Event, writing: threading.Event
) -> None:
    def write() -> str:
        writing.set()
        stop.set()
        time.sleep(2 * PATIENCE)
        writing.clear()
        return "written"

    assert run(write) == "written"
