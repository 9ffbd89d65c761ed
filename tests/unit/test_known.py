"""Cycles that remember the last one do the same as cycles that work everything out anew."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from contextlib import ExitStack
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import engine.reconcile
from engine.config.loader import load_config
from engine.errors import EngineError
from engine.fakes.backend import FakeBackend
from engine.fakes.litellm import LiteLLMSimulator
from engine.fakes.litellm_api import Replica
from engine.fakes.litellm_rows import Row
from engine.fakes.server import Fault
from engine.known import Known
from engine.reconcile import Memory, Options, Ports, reconcile_once
from engine.report.plan_log import PlanLog
from engine.state.deployment import MARK
from engine.state.documents import desired_document
from engine.transport.client_pool import Http
from tests.quick import QUICK, examples

MASTER: Final = "sk-known-master-0123456789"
VERSIONS: Final = ("1.83.14", "1.106.2", "1.110.2")
MODELS: Final = ("a", "b", "c", "dd", "e/f")
KINDS: Final = ("openai", "vllm", "ollama")


class Town:
    """A LiteLLM with three backends, one of them a vLLM, whose answer is another one each time."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder = folder
        self.proxy = stack.enter_context(LiteLLMSimulator(VERSIONS[1], master_key=MASTER))
        self.backends = [stack.enter_context(FakeBackend(kind)) for kind in KINDS]
        self.http = Http(QUICK)
        stack.callback(self.http.close)
        self.reset()

    def reset(self) -> None:
        self.now = 0.0
        self.top: dict[str, Any] = {}
        self.sections: dict[str, dict[str, Any]] = {kind: {} for kind in KINDS}
        self.proxy.database.rows.clear()
        self.proxy.reload()
        for backend in self.backends:
            backend.models = list(MODELS)
            backend.fault = None
        (self.folder / "litellm").write_text(MASTER)
        (self.folder / "vllm").unlink(missing_ok=True)

    def configure(self) -> Any:
        backends = [
            {"name": kind, "type": kind, "url": f"{server.url}/v1", **self.sections[kind]}
            for kind, server in zip(KINDS, self.backends, strict=True)
        ]
        litellm = {"url": self.proxy.url}
        text = json.dumps({"litellm": litellm, "backends": backends, **self.top})
        (self.folder / "config.yaml").write_text(text)
        return load_config(self.folder / "config.yaml", self.folder)

    def cycle(self, memory: Memory, *, dry_run: bool) -> tuple[object, ...]:
        """Return all that a cycle shows of itself."""
        stream = io.StringIO()
        log = PlanLog(stream, clock=lambda: datetime(2026, 1, 1, tzinfo=UTC))
        config = self.configure()
        self.proxy.requests.clear()
        try:
            report = reconcile_once(config, Ports(log, http=self.http), memory, Options(dry_run))
        except EngineError as error:
            return type(error), str(error)
        requests = sorted(self.proxy.requests)
        documents = json.dumps(report.plan.to_json()), json.dumps(desired_document(report.desired))
        return *documents, stream.getvalue(), memory.suspicious_since, requests

    # --- what happens between two cycles ---

    def change_models(self, number: int, value: int) -> None:
        models = self.backends[number % len(KINDS)].models
        name = MODELS[value % len(MODELS)]
        models.remove(name) if name in models else models.append(name)

    def empty(self, number: int, _: int) -> None:
        self.backends[number % len(KINDS)].models.clear()

    def fail(self, number: int, value: int) -> None:
        backend = self.backends[number % len(KINDS)]
        fault = Fault("status", (503, 401, 200)[value % 3], '{"detail": "no"}')
        backend.fault = None if backend.fault else lambda *_: fault

    def edit_row(self, number: int, value: int) -> None:
        rows = list(self.proxy.database.rows.values())
        if rows:
            row = rows[number % len(rows)]
            edits: tuple[tuple[dict[str, Any], str, Any], ...] = (
                (row.litellm_params, "rpm", value),
                (row.litellm_params, "api_base", "http://elsewhere:1/v1"),
                (row.model_info, "team_id", "team"),
                (row.model_info, "mode", "embedding"),
                (row.model_info, MARK, {"owner": "somebody else"}),
                (row.model_info, MARK, None),
            )
            fields, name, new = edits[value % len(edits)]
            fields[name] = new
            self.proxy.reload()

    def rename_row(self, number: int, value: int) -> None:
        """Give a row the name of another model, or a wildcard."""
        names = (*MODELS, "a*", "other")
        self._change_row(number, model_name=names[value % len(names)])

    def block_row(self, number: int, value: int) -> None:
        self._change_row(number, blocked=bool(value % 2))

    def _change_row(self, number: int, **changes: Any) -> None:
        rows = self.proxy.database.rows
        if rows:
            row_id = list(rows)[number % len(rows)]
            rows[row_id] = replace(rows[row_id], **changes)
            self.proxy.reload()

    def delete_row(self, number: int, _: int) -> None:
        rows = self.proxy.database.rows
        if rows:
            del rows[list(rows)[number % len(rows)]]
            self.proxy.reload()

    def add_row(self, number: int, value: int) -> None:
        base = self.backends[number % len(KINDS)].url + "/v1"
        name = MODELS[value % len(MODELS)]
        params = {"model": f"openai/{name}", "api_base": base, "rpm": number}
        row_id = f"by-hand-{number}-{value}"
        self.proxy.database.rows[row_id] = Row(row_id, name, params, {"id": row_id})
        self.proxy.reload()

    def reorder_rows(self, number: int, _: int) -> None:
        rows = list(self.proxy.database.rows.items())
        self.proxy.database.rows.clear()
        self.proxy.database.rows.update(rows[number:] + rows[:number])
        self.proxy.reload()

    def change_section(self, number: int, value: int) -> None:
        changes: tuple[dict[str, Any], ...] = (
            {"litellm_params_defaults": {"drop_params": 1}},
            {"litellm_params_defaults": {"drop_params": True}},
            {"filter_regex": "^[ab]"},
            {"name_format": "{backend}/{model}"},
            {"policy": "create-only"},
            {"ownership": "exclusive"},
            {"maintenance": True},
            {"removal_grace": "1h"},
            {"on_taken_name": "suffix"},
            {},
        )
        self.sections[KINDS[number % len(KINDS)]] = changes[value % len(changes)]

    def change_top(self, number: int, value: int) -> None:
        changes: tuple[dict[str, Any], ...] = (
            {"on_clash": "suffix"},
            {"on_clash": "error"},
            {"owner": f"owner-{number % 2}"},
            {"limits": {"min_deployments": 1, "max_delete_fraction": 0.1}},
            {},
        )
        self.top = changes[value % len(changes)]

    def change_key(self, _: int, value: int) -> None:
        (self.folder / "vllm").write_text(f"sk-key-{value % 2}")

    def change_version(self, number: int, _: int) -> None:
        version = VERSIONS[number % len(VERSIONS)]
        self.proxy._replica = Replica(version, self.proxy.database, [], {MASTER})
        self.proxy.reload()

    def wait(self, number: int, _: int) -> None:
        self.now += (0.0, 60.0, 1000.0)[number % 3]


EVENTS: Final = (
    *("change_models", "empty", "fail", "edit_row", "delete_row", "add_row", "reorder_rows"),
    *("rename_row", "block_row"),
    *("change_section", "change_top", "change_key", "change_version", "wait"),
)
steps = st.tuples(
    st.lists(
        st.tuples(st.sampled_from(EVENTS), st.integers(0, 30), st.integers(0, 30)), max_size=2
    ),
    st.booleans(),
)


@pytest.fixture
def town(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Town]:
    with ExitStack() as stack:
        town = Town(tmp_path, stack)
        clock = SimpleNamespace(monotonic=lambda: town.now)
        monkeypatch.setattr(engine.reconcile, "time", clock)
        yield town


@settings(
    max_examples=examples(25),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(history=st.lists(steps, min_size=2, max_size=7))
def test_what_is_remembered_changes_nothing(town: Town, history: list[Any]) -> None:
    town.reset()
    memory = Memory()
    for events, applied in history:
        for event, number, value in events:
            getattr(town, event)(number, value)
        anew = Memory(deepcopy(memory.suspicious_since), dict(memory.statuses), memory.unreadable)
        expected = town.cycle(anew, dry_run=True)
        kept = Memory(
            memory.suspicious_since,
            dict(memory.statuses),
            memory.unreadable,
            known=memory.known,
        )
        assert town.cycle(kept, dry_run=True) == expected
        if applied:
            town.cycle(memory, dry_run=False)


def test_a_quiet_cycle_makes_nothing_anew(town: Town) -> None:
    memory = Memory()
    config = town.configure()
    reports = []
    for _ in range(3):
        ports = Ports(PlanLog(None), http=town.http)
        reports.append(reconcile_once(config, ports, memory))
        town.proxy.reload()
    assert len(reports[0].results) == len(KINDS) * len(MODELS)
    assert reports[1].plan.summary["skip"] == 0
    assert reports[2].plan is reports[1].plan
    assert reports[2].desired is reports[1].desired


def test_the_second_cycle_already_makes_nothing_anew(town: Town) -> None:
    ports = Ports(PlanLog(None), http=town.http)
    reconcile_once(town.configure(), ports, Memory())
    town.proxy.reload()
    memory = Memory()
    first, second = (reconcile_once(town.configure(), ports, memory) for _ in range(2))
    assert second.plan is first.plan
    assert first.basis is not None
    assert second.basis is not None
    assert second.basis.observed is first.basis.observed


def test_one_changed_row_is_read_anew_and_the_others_are_not(town: Town) -> None:
    memory, known = Memory(), Known()
    memory.known = known
    ports = Ports(PlanLog(None), http=town.http)
    for _ in range(2):
        reconcile_once(town.configure(), ports, memory)
        town.proxy.reload()
    before = [known.row for known in known.listing.rows]
    town.edit_row(3, 0)
    reconcile_once(town.configure(), ports, memory, Options(dry_run=True))
    after = [known.row for known in known.listing.rows]
    same = [any(row is old for old in before) for row in after]
    assert sorted(same) == [False] + [True] * (len(before) - 1)
