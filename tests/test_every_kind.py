"""Every kind of backend, by its recordings: one row per model, and then not a write more.

The endpoint of what is wanted and that of the row as it is read back have to be the same, wherever
below its URL a server has its API; else each cycle would register everything once more.
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
from engine.config import Config, load_config
from engine.demo.loopback import Answer, LoopbackServer
from engine.endpoint import canonical_endpoint
from engine.planlog import PlanLog
from engine.reconcile import Engine, Report, reconcile_once

from . import adapters
from .replay import LITELLM, MASTER_KEY, Replay


class RecordedBackend(Replay):
    """LiteLLM, simulated, and one backend that answers as a case of ``fixtures/adapters``."""

    def __init__(self) -> None:
        super().__init__({})
        self.case: dict[str, Any] = {}
        self.below = ""  # the path of its endpoint: a case holds paths below that

    def answer(self, method: str, path: str, authorization: str, body: bytes) -> Answer:
        url = urlsplit(path)
        if url.netloc == urlsplit(LITELLM).netloc:
            return super().answer(method, path, authorization, body)
        place = url.path.removeprefix(self.below)
        asked = f"{method} {place}" + (f"?{url.query}" if url.query else "")
        requests = self.case["requests"]
        # A real server has the list without the query, too; the case holds what its adapter asks.
        plain = {key.partition("?")[0]: key for key in reversed(requests)}
        full = f"{asked} {json.dumps(json.loads(body))}" if body else asked
        keys = (full, asked, plain.get(asked), adapters.ANY)
        page = next((requests[key] for key in keys if key in requests), {"status": 404})
        if isinstance(page, dict) and set(page) <= {"status", "body"} and "status" in page:
            return Answer(page["status"] or 502, json.dumps(page.get("body", {})).encode())
        return Answer(200, json.dumps(page).encode())


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> Iterator[RecordedBackend]:
    replay = RecordedBackend()
    server = LoopbackServer(replay)
    server.start()
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    yield replay
    server.stop()


Cycle = Callable[[str, dict[str, Any]], Report]


@pytest.fixture
def cycle(recorded: RecordedBackend, tmp_path: Path) -> Iterator[Cycle]:
    """Run one cycle over a backend of a kind that answers as a case says."""
    (tmp_path / "litellm").write_text(MASTER_KEY)
    engine = Engine(PlanLog(None))

    def configured(kind: str, case: dict[str, Any]) -> Config:
        url = case.get("url", "http://box:8000").replace("https:", "http:")
        backend = {"name": "box", "type": kind, "url": url, "include_remote": True}
        if "models_endpoint" in case:
            backend["models_endpoint"] = case["models_endpoint"]
        document = {"litellm": {"url": LITELLM}, "backends": [backend]}
        (tmp_path / "config.yaml").write_text(json.dumps(document))
        return load_config(tmp_path / "config.yaml", tmp_path)

    def run(kind: str, case: dict[str, Any]) -> Report:
        config = configured(kind, case)
        recorded.case = case
        recorded.below = urlsplit(canonical_endpoint(config.backends[0].url)).path
        recorded.requests.clear()
        return reconcile_once(config, engine)

    yield run
    engine.http.close()


def with_models() -> list[Path]:
    """Return the cases in which an adapter finds models."""
    every = sorted(adapters.CASES.glob("*/*.json"))
    return [path for path in every if adapters.read(path).get("records")]


def rows_by_name(recorded: RecordedBackend) -> Counter[str]:
    return Counter(row["model_name"] for row in recorded.rows())


@pytest.mark.parametrize("kind", [*KINDS, "auto"])
def test_every_model_gets_one_row_and_later_cycles_write_nothing(
    kind: str, cycle: Cycle, recorded: RecordedBackend
) -> None:
    paths = [path for path in with_models() if kind in ("auto", path.parent.name)]
    found = set()
    for path in paths:
        case = adapters.read(path)
        wanted = len(cycle(kind, case).desired.deployments)
        if kind == "auto" and not wanted:
            continue  # a case holds what its own adapter asks, not always what tells it from others
        found.add(path.parent.name)
        once = rows_by_name(recorded)
        assert set(once.values()) == {1}, path
        assert len(once) == wanted, path
        for _ in range(2):
            report = cycle(kind, case)
            assert not report.plan.operations, path
            assert not recorded.writes, path
        assert rows_by_name(recorded) == once, path
        for row in recorded.rows():
            recorded.call("POST", "/model/delete", {"id": row["model_info"]["id"]})
    elsewhere = {"gpustack", "docker_model_runner", "lemonade", "openrouter"}
    assert found >= (elsewhere if kind == "auto" else {kind})


def test_rows_that_were_made_once_more_in_each_cycle_are_removed(
    cycle: Cycle, recorded: RecordedBackend
) -> None:
    case = adapters.read(adapters.CASES / "gpustack" / "legacy.json")
    cycle("gpustack", case)
    for row in recorded.rows():
        for revision in (1, 2):
            copy = json.loads(json.dumps(row))
            copy["model_info"]["id"] += f"-{revision}"
            copy["model_info"]["modelprovisioner"]["revision"] = revision
            recorded.call("POST", "/model/new", copy)
    plan = cycle("gpustack", case).plan
    assert {(op.action, op.reason) for op in plan.operations} == {("delete", "duplicate")}
    assert set(rows_by_name(recorded).values()) == {1}
    assert not cycle("gpustack", case).plan.operations
