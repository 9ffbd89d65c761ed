"""Several writers at once: what they do at the same time, and what they leave."""

from __future__ import annotations

import io
import json
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import pytest

from engine.apply.carry_out import write_all
from engine.apply.result import FAILED, NOT_ATTEMPTED
from engine.config.loader import load_config
from engine.config.model import Config
from engine.errors import Unrecorded
from engine.fakes.backend import FakeBackend
from engine.fakes.litellm import LiteLLMSimulator
from engine.fakes.server import Fault
from engine.plan.plan import ACTIONS, Operation
from engine.reconcile import Memory, Ports, Report, reconcile_once
from engine.report.plan_log import PlanLog
from engine.state.deployment import Key
from engine.state.frozen import EMPTY
from engine.transport.client_pool import Http
from engine.validate import validate
from tests.quick import QUICK

MASTER: Final = "sk-writers-master-0123456789"
MODELS: Final = tuple(f"m{number:02}" for number in range(12))
PATIENCE: Final = 20.0


def operation(action: str, name: str, number: int = 0) -> Operation:
    key = Key(f"http://box-{number}:1", name, f"openai/{name}")
    return Operation(action, key, f"{name}-{number}", "missing", "", EMPTY)


def test_an_action_begins_when_the_one_before_it_has_ended() -> None:
    names = [f"n{number}" for number in range(6)]
    plan = [operation(action, name, n) for action in ACTIONS for n in (0, 1) for name in names]
    events: list[tuple[str, Operation]] = []
    lock = threading.Lock()

    def write(current: Operation) -> None:
        with lock:
            events.append(("begin", current))
        threading.Event().wait(0.002)
        with lock:
            events.append(("end", current))

    write_all(plan, [write] * 4)
    assert [event for event, _ in events].count("end") == len(plan)
    assert [current.action for _, current in events] == sorted(
        (current.action for _, current in events), key=ACTIONS.index
    )
    for name in names:
        of_name = [event for event in events if event[1].key.name == name]
        assert of_name == [
            (word, current)
            for current in plan
            if current.key.name == name
            for word in ("begin", "end")
        ], "the operations of one name keep their order, and never overlap"


def test_different_names_are_written_at_the_same_time() -> None:
    together = threading.Barrier(3)

    def write(_: Operation) -> None:
        together.wait(PATIENCE)

    write_all([operation("create", name) for name in "abc"], [write] * 3)
    assert not together.broken


def test_one_writer_keeps_the_order_of_the_plan() -> None:
    plan = [operation("create", name, n) for n in (0, 1) for name in "cab"]
    seen: list[Operation] = []
    write_all(plan, [seen.append])
    assert seen == plan


def test_nothing_is_begun_after_a_writer_has_failed() -> None:
    begun: list[str] = []

    def write(current: Operation) -> None:
        begun.append(current.key.name)
        raise OSError(current.key.name)

    with pytest.raises(OSError, match=r"^n"):
        write_all([operation("create", f"n{number}") for number in range(50)], [write] * 3)
    assert len(begun) <= 3


class Place:
    """A LiteLLM, a backend, and an engine with eight writers."""

    def __init__(self, folder: Path, stack: ExitStack, version: str = "1.110.2") -> None:
        self.folder = folder
        self.proxy = stack.enter_context(LiteLLMSimulator(version, master_key=MASTER))
        self.backend = stack.enter_context(FakeBackend("openai", MODELS))
        self.log = io.StringIO()
        self.ports = Ports(PlanLog(self.log), http=Http(QUICK))
        stack.callback(self.ports.http.close)
        self.memory = Memory()
        (folder / "litellm").write_text(MASTER)

    def config(self, **options: Any) -> Config:
        backend = {"name": "box", "url": f"{self.backend.url}/v1", **options}
        litellm = {"url": self.proxy.url, "writers": 8}
        document = {"litellm": litellm, "backends": [backend], "limits": {"max_delete_fraction": 1}}
        (self.folder / "config.yaml").write_text(json.dumps(document))
        return load_config(self.folder / "config.yaml", self.folder)

    def cycle(self, **options: Any) -> Report:
        report = reconcile_once(self.config(**options), self.ports, self.memory)
        self.proxy.reload()
        return report

    def writes(self) -> list[tuple[str, str]]:
        return [request for request in self.proxy.requests if request[0] != "GET"]

    def fail_writes(self, fault: Fault) -> None:
        self.proxy.fault = lambda method, *_: fault if method != "GET" else None


@pytest.fixture
def build(tmp_path: Path) -> Iterator[Callable[..., Place]]:
    with ExitStack() as stack:
        yield lambda *version: Place(tmp_path, stack, *version)


@pytest.fixture
def place(build: Callable[..., Place]) -> Place:
    return build()


def test_a_plan_is_carried_out_by_several_writers(place: Place) -> None:
    together = threading.Barrier(8)

    def meet(method: str, path: str, body: bytes) -> None:
        if len(place.writes()) <= 8 and path == "/model/new":
            together.wait(PATIENCE)

    place.proxy.fault = meet
    report = place.cycle()
    assert report.converged
    assert not together.broken
    assert [result.operation for result in report.results] == list(report.plan.operations)
    assert sorted(row.model_name for row in place.proxy.database.rows.values()) == list(MODELS)
    for line in place.log.getvalue().splitlines():
        validate(json.loads(line), "planlog")
    place.proxy.fault = None
    place.backend.models = list(MODELS[4:])
    changed = place.cycle(litellm_params_defaults={"rpm": 7})
    assert changed.converged
    assert changed.plan.summary["update"] == 8
    assert changed.plan.summary["delete"] == 4
    actions = [path for _, path in place.writes()[len(MODELS) :]]
    assert all("/update" in path for path in actions[:8])
    assert actions[8:] == ["/model/delete"] * 4
    assert not place.cycle(litellm_params_defaults={"rpm": 7}).results


def test_an_older_litellm_gets_one_writer_and_that_is_told_once(
    build: Callable[..., Place], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    place = build("1.83.14")
    busy, most = threading.Lock(), []

    def look(method: str, path: str, body: bytes) -> None:
        if method != "GET":
            most.append(busy.acquire(blocking=False))
            threading.Event().wait(0.005)
            busy.release()

    place.proxy.fault = look
    assert place.cycle().converged
    assert most == [True] * len(MODELS)
    place.cycle()
    told = [text for text in caplog.messages if "litellm.writers is 8, but one is used" in text]
    assert len(told) == 1
    assert "LiteLLM 1.83.14 loses models" in told[0]


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        (Fault("status", 403, '{"error": "no"}'), "LiteLLM does not let us write"),
        (Fault("refuse"), "LiteLLM does not answer"),
    ],
    ids=["refused", "gone"],
)
def test_writers_stop_where_writing_is_no_use(place: Place, fault: Fault, why: str) -> None:
    place.fail_writes(fault)
    report = place.cycle()
    left = [result for result in report.results if result.outcome == NOT_ATTEMPTED]
    assert len(left) >= len(MODELS) - 8
    assert {result.detail for result in left} == {why}


def test_a_stop_lets_only_the_operations_in_progress_end(place: Place) -> None:
    def stop(method: str, *_: object) -> None:
        if method != "GET":
            place.ports.stop.set()

    place.proxy.fault = stop
    report = place.cycle()
    done = [result for result in report.results if result.done]
    assert 1 <= len(done) <= 8
    rest = {result.detail for result in report.results if not result.done}
    assert rest == {"stopping"}
    assert len(place.proxy.database.rows) == len(done)


def test_after_a_result_that_is_not_recorded_nothing_is_begun(place: Place) -> None:
    class Full(io.StringIO):
        def write(self, text: str) -> int:
            if '"event": "result"' in text:
                raise OSError(28, "No space left on device")
            return super().write(text)

    place.ports = Ports(PlanLog(Full()), http=place.ports.http)
    with pytest.raises(Unrecorded):
        place.cycle()
    assert 1 <= len(place.writes()) <= 8


def test_a_failed_create_keeps_the_rows_of_its_name(place: Place) -> None:
    place.backend.models = ["m"]
    place.cycle()
    place.fail_writes(Fault("status", 400, '{"error": {"message": "not this one"}}'))
    report = place.cycle(regex_rename=[{"regex": "/m$", "replace": "/another"}])
    outcomes = [(result.operation.action, result.outcome) for result in report.results]
    assert outcomes == [("create", FAILED), ("delete", NOT_ATTEMPTED)]
    assert "might lose its last deployment" in report.results[1].detail
