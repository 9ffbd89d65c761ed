"""The loop while another engine leads, and at the beginning of each term of its own."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.reconcile import Ports
from engine.report.plan_log import PlanLog
from engine.run.ended import Ended
from engine.run.loop import ConfigSource, Schedule, reconcile_forever
from engine.transport.client_pool import Http
from tests.fleet import Fleet, running_fleet
from tests.quick import QUICK

Json = dict[str, Any]


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    with running_fleet(tmp_path, *"abcdefgh") as running:
        yield running


class Lead:
    """A loop whose term is set by the test; each step runs after a cycle, or a sign of life."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        self.term = 1
        self.ended: list[Ended] = []
        self.beats = 0
        self.stream = io.StringIO()

    def run(self, *steps: Callable[[], object]) -> list[Json]:
        """Run one round more than there are steps, and return the results of operations."""
        left = list(steps)

        def beat() -> None:
            if ports.writing.is_set():
                return
            self.beats += 1
            if left:
                left.pop(0)()
            else:
                ports.stop.set()
            schedule.wake.set()

        schedule = Schedule(60.0, term=lambda: self.term)
        ports = Ports(PlanLog(self.stream), http=Http(QUICK), beat=beat)
        source = ConfigSource(self.fleet.folder / "config.yaml", self.fleet.folder)
        reconcile_forever(source, schedule, ports, watch=self.ended.append)
        lines = [json.loads(text) for text in self.stream.getvalue().splitlines()]
        return [line for line in lines if line["event"] == "result"]

    def sets(self, term: int) -> Callable[[], None]:
        def change() -> None:
            self.term = term

        return change


def test_without_a_term_nobody_is_asked_and_there_are_signs_of_life(fleet: Fleet) -> None:
    lead = Lead(fleet)
    lead.term = 0
    assert lead.run(lambda: None, lambda: None) == []
    assert (lead.beats, lead.ended) == (3, [])
    assert fleet.proxy.requests == fleet.box.requests == []


def test_a_term_begins_with_a_cycle(fleet: Fleet) -> None:
    lead = Lead(fleet)
    lead.term = 0
    lead.run(lambda: None, lead.sets(1))
    assert len(lead.ended) == 1
    assert fleet.names() == list("abcdefgh")


def test_suspicion_begins_anew_with_each_term(fleet: Fleet) -> None:
    fleet.configure(top="limits: {suspicion_period: 0.001}")
    lead = Lead(fleet)

    def lose() -> None:
        del fleet.box.models[1:]

    lead.run(lose, lead.sets(2), lambda: None)
    held = [ended.report.held for ended in lead.ended if ended.report]
    assert held == [False, True, True, False], "the second term waits again"


def test_a_term_that_ends_in_the_middle_of_a_plan_ends_its_writes(fleet: Fleet) -> None:
    lead = Lead(fleet)
    writes: list[str] = []

    def end(method: str, _path: str, _body: bytes) -> None:
        if method == "POST":
            writes.append(method)
            lead.term = 0 if len(writes) == 3 else lead.term

    fleet.proxy.fault = end
    results = lead.run(lambda: None, lead.sets(2))
    assert [line["outcome"] for line in results[:8]] == ["applied"] * 3 + ["not_attempted"] * 5
    assert {line["detail"] for line in results[3:8]} == {"another engine may lead now"}
    assert [line["outcome"] for line in results[8:]] == ["applied"] * 5


def test_a_term_that_ends_within_an_operation_ends_it_before_its_next_write(
    tmp_path: Path,
) -> None:
    """This LiteLLM has a changed row replaced: a new one is made, then the old one deleted."""
    with running_fleet(tmp_path, *"abcdefgh", version="1.83.14") as fleet:
        end_within_a_replace(fleet)


def end_within_a_replace(fleet: Fleet) -> None:
    lead = Lead(fleet)

    def change() -> None:
        fleet.configure("generic_params: {timeout: 7}")
        fleet.proxy.fault = end

    def end(method: str, path: str, _body: bytes) -> None:
        if method == "POST" and path == "/model/new":
            lead.term = 0

    def begin() -> None:
        fleet.proxy.fault = None
        lead.term = 2

    results = lead.run(change, begin, lambda: None)[8:]
    outcomes = [(line["action"], line["outcome"]) for line in results]
    assert outcomes[:8] == [("replace", "unknown")] + [("replace", "not_attempted")] * 7
    assert results[0]["detail"] == "not finished: another engine may lead now"
    assert {outcome for _, outcome in outcomes[8:]} == {"applied"}
    assert fleet.names() == list("abcdefgh"), "the next term has put it right"


def test_a_plan_of_an_earlier_term_is_not_carried_out_in_the_next(fleet: Fleet) -> None:
    lead = Lead(fleet)

    def next_term(method: str, _path: str, _body: bytes) -> None:
        if method == "POST" and lead.term == 1:
            lead.term = 2

    fleet.proxy.fault = next_term
    results = lead.run(lambda: None)
    outcomes = [line["outcome"] for line in results]
    assert outcomes == ["applied"] + ["not_attempted"] * 7 + ["applied"] * 7
