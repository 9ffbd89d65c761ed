"""Events: repetitions, bounds, secrets, and an API server that does not take them."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from engine.errors import Rejected, Unavailable
from engine.kube.happening import Happening
from engine.kube.recorder import BURST, MOST_WAITING, REFILL_SECONDS, SERIES_SECONDS, Recorder
from engine.state.secret import Secret
from engine.text import Redactor

DOWN = Happening("BackendDown", "Ask", "backend gpu1 cannot be reached", warning=True)


class Kept:
    """Keeps what it is told; ``hold`` makes it wait, ``error`` is raised instead."""

    def __init__(self) -> None:
        self.made: list[Happening] = []
        self.repeated: list[tuple[str, int]] = []
        self.gone: set[str] = set()
        self.hold = threading.Event()
        self.hold.set()
        self.error: Exception | None = None
        self.closed = False

    def create(self, happening: Happening) -> str:
        self.hold.wait(30)
        if self.error:
            raise self.error
        self.made.append(happening)
        return f"event-{len(self.made)}"

    def repeat(self, name: str, count: int) -> None:
        if name in self.gone:
            raise Rejected("not found", status=404)
        self.repeated.append((name, count))

    def close(self) -> None:
        self.closed = True


class Bench:
    """A recorder with a clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.events = Kept()
        self.redactor = Redactor()
        self.recorder = Recorder(lambda: self.events, self.redactor.redact, lambda: self.now)

    def record(self, *happenings: Happening) -> None:
        """Have some recorded, and wait until that is done."""
        for happening in happenings:
            self.recorder.record(happening)
        until(lambda: self.recorder.waiting == 0)


@pytest.fixture
def bench(caplog: pytest.LogCaptureFixture) -> Iterator[Bench]:
    caplog.set_level(logging.INFO, "engine")
    made = Bench()
    made.recorder.start()
    yield made
    made.events.hold.set()
    made.recorder.stop(30)
    assert made.events.closed


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_the_same_again_is_a_repetition_of_the_event(bench: Bench) -> None:
    bench.record(DOWN)
    for _ in range(3):
        bench.now += SERIES_SECONDS - 1
        bench.record(DOWN)
    assert bench.events.made == [DOWN]
    assert bench.events.repeated == [("event-1", 2), ("event-1", 3), ("event-1", 4)]
    bench.now += SERIES_SECONDS + 1
    bench.record(DOWN)
    assert bench.events.made == [DOWN, DOWN]


def test_what_differs_is_an_event_of_its_own(bench: Bench) -> None:
    other = Happening("BackendDown", "Ask", "backend gpu2 cannot be reached", warning=True)
    bench.record(DOWN, other, DOWN)
    assert bench.events.made == [DOWN, other]


def test_an_event_that_kubernetes_has_forgotten_is_made_again(bench: Bench) -> None:
    bench.record(DOWN)
    bench.events.gone = {"event-1"}
    bench.record(DOWN, DOWN)
    assert bench.events.made == [DOWN, DOWN]
    assert bench.events.repeated == [("event-2", 2)]


def test_too_many_are_dropped_with_one_line_until_there_is_room_again(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    many = [Happening("ModelsDeleted", "Delete", f"1 row deleted: m{n}") for n in range(BURST + 9)]
    bench.record(*many)
    assert bench.events.made == many[:BURST]
    assert caplog.messages == ["Events of Kubernetes are dropped: there are too many"]
    bench.now += REFILL_SECONDS + 1
    bench.record(DOWN, *many[-2:])
    assert bench.events.made[BURST:] == [DOWN]
    assert len(caplog.messages) == 2


def test_who_records_never_waits(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    bench.events.hold.clear()
    for number in range(MOST_WAITING + 50):
        bench.recorder.record(Happening("ModelsDeleted", "Delete", f"{number}"))
    assert bench.events.made == []
    assert caplog.messages == [
        "Events of Kubernetes are dropped: the API server does not take them in time"
    ]


def test_a_refusal_is_told_once_with_a_remedy(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.events.error = Rejected("create event: HTTP 403: forbidden", status=403)
    bench.record(DOWN, DOWN, DOWN)
    (told,) = caplog.messages
    assert "HTTP 403" in told
    assert "a Role with create and patch on events of events.k8s.io" in told
    bench.events.error = None
    bench.record(DOWN)
    bench.events.error = Unavailable("create event: HTTP 500", status=500)
    bench.record(Happening("BackendBack", "Ask", "backend gpu1 is back"))
    assert len(caplog.messages) == 2


def test_a_bug_does_not_end_the_thread(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    bench.events.error = ZeroDivisionError("oops")
    bench.record(DOWN)
    bench.events.error = None
    bench.record(DOWN)
    assert bench.events.made == [DOWN]
    assert "this is a bug" in caplog.text


def test_notes_have_no_secret_nothing_that_steers_and_fit_into_an_event(bench: Bench) -> None:
    bench.redactor.learn([Secret("sk-very-secret")])
    bench.record(Happening("BackendDown", "Ask", f"sk-very-secret \x1b[1m {'ü' * 2000}"))
    (made,) = bench.events.made
    assert made.note.startswith("*** \\x1b[1m ü")
    assert 990 < len(made.note.encode()) <= 1000
