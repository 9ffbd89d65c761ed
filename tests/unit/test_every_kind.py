"""Every kind of backend, with recorded answers: one row per model, and no writes after that.

A desired deployment and its row as read back must have the same endpoint, wherever below its URL a
server has its API. Otherwise each cycle would register every model again.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from engine.backends.kinds import KINDS
from engine.config.loader import load_config
from engine.config.model import Config
from engine.fakes.server import Answer
from engine.reconcile import Memory, Ports, Report, reconcile_once
from engine.report.plan_log import PlanLog
from engine.transport.client_pool import Http
from tests import adapters
from tests.quick import QUICK
from tests.recorded import BELOW_A_PATH, RecordedBackend, url_of, with_models
from tests.replay import LITELLM, MASTER_KEY, Replay, proxied


class Town(Replay):
    """A simulated LiteLLM, and one recorded backend that answers under any host name."""

    def __init__(self) -> None:
        super().__init__({})
        self.backend = RecordedBackend({"requests": {}})

    def answer(self, method: str, path: str, authorization: str, body: bytes) -> Answer:
        if urlsplit(path).netloc == urlsplit(LITELLM).netloc:
            return super().answer(method, path, authorization, body)
        return self.backend.answer(method, path, authorization, body)


@pytest.fixture
def town(monkeypatch: pytest.MonkeyPatch) -> Iterator[Town]:
    replay = Town()
    with proxied(replay, monkeypatch):
        yield replay


Cycle = Callable[[str, dict[str, Any]], Report]


@pytest.fixture
def cycle(town: Town, tmp_path: Path) -> Iterator[Cycle]:
    """Return a function that runs one cycle over a backend with the answers of a case."""
    (tmp_path / "litellm").write_text(MASTER_KEY)
    ports, memory = Ports(PlanLog(None), http=Http(QUICK)), Memory()

    def load(kind: str, case: dict[str, Any]) -> Config:
        url = url_of(case).replace("https:", "http:")
        backend = {"name": "box", "type": kind, "url": url, "include_remote": True}
        if "models_endpoint" in case:
            backend["models_endpoint"] = case["models_endpoint"]
        document = {"litellm": {"url": LITELLM}, "backends": [backend]}
        (tmp_path / "config.yaml").write_text(json.dumps(document))
        return load_config(tmp_path / "config.yaml", tmp_path)

    def run(kind: str, case: dict[str, Any]) -> Report:
        town.backend = RecordedBackend(case)
        town.requests.clear()
        return reconcile_once(load(kind, case), ports, memory)

    yield run
    ports.http.close()


def rows_by_name(town: Town) -> Counter[str]:
    return Counter(row["model_name"] for row in town.rows())


@pytest.mark.parametrize("kind", [*KINDS, "auto"])
def test_every_model_gets_one_row_and_later_cycles_write_nothing(
    kind: str, cycle: Cycle, town: Town
) -> None:
    found = set()
    for case in with_models("" if kind == "auto" else kind):
        wanted = len(cycle(kind, case).desired.deployments)
        if kind == "auto" and not wanted:
            continue  # not every case has the answers by which `auto` recognises the kind
        found.add(case["kind"])
        once = rows_by_name(town)
        assert set(once.values()) == {1}, case["label"]
        assert len(once) == wanted, case["label"]
        for _ in range(2):
            report = cycle(kind, case)
            assert not report.plan.operations, case["label"]
            assert not town.writes, case["label"]
        assert rows_by_name(town) == once, case["label"]
        for row in town.rows():
            town.call("POST", "/model/delete", {"id": row["model_info"]["id"]})
    assert found >= (BELOW_A_PATH if kind == "auto" else {kind})


def test_extra_rows_that_earlier_versions_created_in_each_cycle_are_removed(
    cycle: Cycle, town: Town
) -> None:
    case = adapters.read(adapters.CASES / "gpustack" / "legacy.json")
    cycle("gpustack", case)
    for row in town.rows():
        for revision in (1, 2):
            copy = json.loads(json.dumps(row))
            copy["model_info"]["id"] += f"-{revision}"
            copy["model_info"]["modelprovisioner"]["revision"] = revision
            town.call("POST", "/model/new", copy)
    plan = cycle("gpustack", case).plan
    assert {(op.action, op.reason) for op in plan.operations} == {("delete", "duplicate")}
    assert set(rows_by_name(town).values()) == {1}
    assert not cycle("gpustack", case).plan.operations
