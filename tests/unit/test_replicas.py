"""Replicas of LiteLLM behind a load balancer: no name may be missing at any of them, at any moment.

Each replica serves the changes of the others only after its reload, which a test asks for.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from engine.apply.result import NOT_ATTEMPTED, UNKNOWN
from engine.config.loader import load_config
from engine.fakes.backend import FakeBackend
from engine.fakes.litellm import LiteLLMSimulator
from engine.fakes.litellm_rows import Database
from engine.reconcile import Memory, Ports, Report, reconcile_once
from engine.report.plan_log import PlanLog
from engine.transport.client_pool import Http
from engine.transport.timing import DEFAULT_TIMING
from tests.chaos.faultproxy import Balance, FaultProxy, Request
from tests.quick import QUICK

MASTER = "sk-master-key-0123456789"
OLD, NEW = "1.83.14", "1.110.2"
"""A version where every change replaces the row, and one where only a dropped field does."""


class Group:
    """Replicas, a balancer before them, and an engine with one backend that serves ``m``.

    ``lost`` are the names that a replica served and does not serve after some write.
    """

    def __init__(self, folder: Path, stack: ExitStack, version: str, count: int) -> None:
        database = Database()
        self.replicas = [
            stack.enter_context(LiteLLMSimulator(version, master_key=MASTER, database=database))
            for _ in range(count)
        ]
        self.database = database
        self.lost: list[str] = []
        self.format = ""
        self.top: dict[str, object] = {}
        self._folder = folder
        self._served: list[set[str]] = [set() for _ in self.replicas]
        self._box = stack.enter_context(FakeBackend("openai", ["m", "other"]))
        self._memory = Memory()
        self._ports = Ports(PlanLog(None), http=Http(replace(QUICK, streak=DEFAULT_TIMING.streak)))
        stack.callback(self._ports.http.close)
        self.balancer = FaultProxy(folder.name)
        stack.callback(self.balancer.close)
        self.balancer.upstreams = [replica.url for replica in self.replicas]
        self.balancer.on_write = self._look
        (folder / "litellm").write_text(MASTER)

    def served(self, number: int) -> set[str]:
        listing = "/v2/model/info?size=1000"
        answer = self.replicas[number].answer("GET", listing, f"Bearer {MASTER}", b"")
        return {row["model_name"] for row in json.loads(answer.body)["data"]}

    def _look(self) -> None:
        for number, before in enumerate(self._served):
            now = self.served(number)
            self.lost += sorted(before - now)
            before.update(now)

    def reload(self) -> None:
        for replica in self.replicas:
            replica.reload()
        self._look()

    def cycle(self, note: str | None) -> Report:
        """Run a cycle that wants ``note`` in ``model_info``."""
        box = {"name": "box", "url": f"{self._box.url}/v1", "timeout": 20}
        box["model_info_defaults"] = {"note": note} if note else {}
        box |= {"model_format": self.format} if self.format else {}
        litellm = {"url": self.balancer.url, "timeout": 20}
        path = self._folder / "config.yaml"
        path.write_text(json.dumps({"litellm": litellm, "backends": [box], **self.top}))
        return reconcile_once(load_config(path, self._folder), self._ports, self._memory)

    def fill(self, note: str | None) -> None:
        """Create the rows, on every replica."""
        while not self.cycle(note).converged:
            self.reload()
        self.reload()

    def rows(self) -> list[str]:
        return sorted(row.model_name for row in self.database.rows.values())


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


BALANCES: list[Balance] = ["connection", "request", "random"]


@pytest.mark.parametrize("balance", BALANCES)
@pytest.mark.parametrize(("version", "count"), [(OLD, 2), (OLD, 3), (NEW, 3)])
def test_no_name_is_missing_at_any_replica_during_a_replace_and_its_clean_up(
    tmp_path: Path, stack: ExitStack, version: str, count: int, balance: Balance
) -> None:
    """The cycles after the replace come before the other replicas have reloaded."""
    group = Group(tmp_path, stack, version, count)
    group.balancer.balance = balance
    notes = ["a", None, "b", None]
    group.fill(notes[0])
    for note in notes[1:]:
        for _ in range(4):
            group.cycle(note)
        assert group.lost == []
        group.reload()
        assert group.lost == []
        group.cycle(note)
        group.cycle(note)
        group.reload()
        assert group.rows() == ["m", "other"]
        assert group.cycle(note).plan.operations == ()
    assert group.lost == []


def test_a_duplicate_waits_for_every_replica_and_goes_with_the_first_cycle_after_the_reload(
    tmp_path: Path, stack: ExitStack
) -> None:
    group = Group(tmp_path, stack, OLD, 2)
    group.fill("a")
    group.balancer.balance = "random"
    replaced = group.cycle(None)
    assert {result.outcome for result in replaced.results} == {UNKNOWN}
    assert group.rows() == ["m", "m", "other", "other"]
    waiting = [result for _ in range(8) for result in group.cycle(None).results]
    duplicates = [result for result in waiting if result.operation.reason == "duplicate"]
    assert duplicates
    assert {result.outcome for result in duplicates} == {NOT_ATTEMPTED}
    assert "the next cycle removes" in duplicates[0].detail
    assert len(group.rows()) == 4
    group.reload()
    assert group.cycle(None).converged
    assert group.rows() == ["m", "other"]


@pytest.mark.parametrize("version", [OLD, NEW])
def test_a_stale_listing_does_not_bring_an_older_revision_back(
    tmp_path: Path, stack: ExitStack, version: str
) -> None:
    """The earlier configuration is wanted again, and a replica lists its row, long deleted."""
    group = Group(tmp_path, stack, version, 2)
    first, second = (replica.url for replica in group.replicas)
    group.cycle("a")
    group.reload()
    group.balancer.balance = "request"
    group.cycle(None)
    group.reload()
    group.balancer.upstreams = [first]
    assert group.cycle(None).converged
    later = set(group.database.rows)
    assert len(later) == 2
    group.balancer.upstreams = [second]
    plan = group.cycle("a").plan
    assert later.isdisjoint(op.id for op in plan.operations if op.action == "delete")
    group.reload()
    assert group.lost == []
    assert group.rows() == ["m", "other"]
    assert group.cycle("a").plan.operations == ()


def test_a_model_that_moves_to_another_upstream_is_there_before_the_old_row_goes(
    tmp_path: Path, stack: ExitStack
) -> None:
    """The new row is a create and the old one a delete, of one public name."""
    group = Group(tmp_path, stack, NEW, 2)
    group.balancer.balance = "request"
    group.top = {"limits": {"max_delete_fraction": 1}}
    group.cycle("a")
    group.reload()
    group.format = "hosted_vllm/{model}"
    for _ in range(4):
        group.cycle("a")
    assert group.lost == []
    group.reload()
    assert group.cycle("a").converged
    assert group.lost == []
    assert group.rows() == ["m", "other"]


def test_a_new_row_that_other_replicas_do_not_serve_yet_is_not_withdrawn(
    tmp_path: Path, stack: ExitStack
) -> None:
    """Before 1.97 LiteLLM does not say whether it serves a new row.

    Here the first eight answers come from the replica that has not made it.
    """
    group = Group(tmp_path, stack, OLD, 2)
    first, second = (replica.url for replica in group.replicas)
    asked = itertools.count()

    def choose(request: Request) -> None:
        looks = "litellm_model_id" in request.path
        group.balancer.upstreams = [second if looks and next(asked) % 10 < 8 else first]

    group.balancer.on_request = choose
    report = group.cycle(None)
    assert report.converged
    assert next(asked) > 8
    assert group.lost == []
    assert group.rows() == ["m", "other"]
