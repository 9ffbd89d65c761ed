"""Engines that share the backends of one configuration, by ``--shard``."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests

from engine.cli.main import main
from engine.config.loader import load_config
from engine.desired.shards import Shard
from engine.fakes.backend import FakeBackend
from engine.fakes.litellm import LiteLLMSimulator
from engine.reconcile import Memory, Options, Ports, Report, reconcile_once
from engine.report.plan_log import PlanLog
from engine.run.ended import Ended
from engine.run.loop import ConfigState
from engine.serve.board import Board
from engine.serve.status.document import status_document
from engine.state.deployment import MARK
from engine.transport.client_pool import Http
from engine.validate import validate
from tests.fleet import MASTER_KEY
from tests.quick import QUICK

NAMES = ("gpu1", "gpu2", "gpu3", "gpu4", "gpu5", "gpu6")


def number_of(name: str, of: int) -> int:
    return next(n for n in range(1, of + 1) if Shard(n, of).has(name))


class Town:
    """Six backends on one LiteLLM, each with two models of its own."""

    def __init__(self, proxy: LiteLLMSimulator, boxes: dict[str, FakeBackend], folder: Path):
        self.proxy, self.boxes, self.folder = proxy, boxes, folder
        (folder / "litellm").write_text(MASTER_KEY)
        self.configure()
        self.memories: dict[object, Memory] = {}
        self.http = Http(QUICK)
        self.log = io.StringIO()

    def configure(self, top: str = "", **options: str) -> None:
        lines = "".join(
            f"  - {{name: {name}, url: '{box.url}', timeout: 2, {options.get(name, '')}}}\n"
            for name, box in self.boxes.items()
        )
        text = f"litellm: {{url: '{self.proxy.url}'}}\n{top}\nbackends:\n{lines}"
        (self.folder / "config.yaml").write_text(text)

    def cycle(self, number: int = 1, of: int = 1) -> Report:
        """Run one cycle of an engine that has been running since its first one."""
        memory = self.memories.setdefault((number, of), Memory())
        config = load_config(self.folder / "config.yaml", self.folder)
        ports = Ports(PlanLog(self.log), http=self.http)
        return reconcile_once(config, ports, memory, Options(shard=Shard(number, of)))

    def run(self, *words: str) -> int:
        where = ["--config", str(self.folder / "config.yaml"), "--secrets", str(self.folder)]
        return main([*words, *where], QUICK)

    def ask(self, method: str, path: str, body: object) -> None:
        """Do something to LiteLLM by hand."""
        headers = {"Authorization": f"Bearer {MASTER_KEY}"}
        url = f"{self.proxy.url}{path}"
        requests.request(method, url, json=body, headers=headers, timeout=10).raise_for_status()

    def rows(self) -> dict[str, str]:
        """Return the backend of each row, by its public name."""
        return {
            row.model_name: row.model_info.get(MARK, {}).get("backend", "")
            for row in self.proxy.database.rows.values()
        }

    def ids(self) -> set[str]:
        return set(self.proxy.database.rows)

    def mine(self, number: int, of: int) -> list[str]:
        return [name for name in self.boxes if number_of(name, of) == number]


@pytest.fixture
def town(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> Iterator[Town]:
    caplog.set_level(logging.INFO)
    with ExitStack() as stack:
        proxy = stack.enter_context(LiteLLMSimulator("1.110.2", master_key=MASTER_KEY))
        boxes = {
            name: stack.enter_context(FakeBackend("openai", [f"{name}-x", f"{name}-y"]))
            for name in NAMES
        }
        made = Town(proxy, boxes, tmp_path)
        yield made
        made.http.close()


def names_on(*backends: str) -> dict[str, str]:
    return {f"{name}-{letter}": name for name in backends for letter in "xy"}


def test_both_parts_have_something() -> None:
    assert {number_of(name, 2) for name in NAMES} == {1, 2}


def test_an_engine_asks_and_manages_its_part_only(town: Town) -> None:
    report = town.cycle(1, 2)
    mine = town.mine(1, 2)
    assert town.rows() == names_on(*mine)
    for name, box in town.boxes.items():
        assert bool(box.requests) == (name in mine)
    assert [status.backend for status in report.plan.endpoints] == mine
    assert report.plan.skips == ()
    assert not report.plan.degraded
    town.cycle(2, 2)
    assert town.rows() == names_on(*NAMES)


def test_nothing_is_told_of_the_other_parts(town: Town, caplog: pytest.LogCaptureFixture) -> None:
    town.cycle()
    caplog.clear()
    town.log.seek(0)
    town.log.truncate()
    for name in town.mine(2, 2):
        town.boxes[name].stop()
    assert town.cycle(1, 2).plan.operations == ()
    assert town.cycle(1, 2).plan.operations == ()
    told = town.log.getvalue()
    assert not any(name in told + caplog.text for name in town.mine(2, 2))
    assert len(told.splitlines()) == 2
    for line in map(json.loads, told.splitlines()):
        assert (line["degraded"], set(line["backends"])) == (False, set(town.mine(1, 2)))
        assert set(line["endpoints"]) == {town.boxes[name].url for name in town.mine(1, 2)}


@pytest.mark.parametrize(
    ("top", "how"),
    [
        ("on_unreachable: remove", ""),
        ("ownership: exclusive\non_unreachable: remove", ""),
        ("", "maintenance: true"),
        ("limits: {max_delete_fraction: 1}", ""),
    ],
)
def test_whatever_the_configuration_says_rows_of_another_part_stay(
    town: Town, top: str, how: str
) -> None:
    town.cycle()
    before = town.ids()
    others = town.mine(2, 2)
    for name in others:
        town.boxes[name].models.clear()
    town.configure(top, **dict.fromkeys(others, how))
    assert town.cycle(1, 2).plan.operations == ()
    assert town.ids() == before


def test_an_unmarked_row_of_another_part_is_neither_adopted_nor_deleted(town: Town) -> None:
    other = town.mine(2, 2)[0]
    row = {
        "model_name": f"{other}-x",
        "litellm_params": {"model": f"openai/{other}-x", "api_base": town.boxes[other].url},
        "model_info": {"id": "by-hand"},
    }
    town.ask("POST", "/model/new", row)
    town.configure("ownership: exclusive")
    assert all(op.id != "by-hand" for op in town.cycle(1, 2).plan.operations)
    assert "by-hand" in town.ids()


def test_a_row_that_was_moved_by_hand_is_put_back_by_the_part_of_its_home(town: Town) -> None:
    town.cycle()
    mine, other = town.mine(1, 2)[0], town.mine(2, 2)[0]
    moved = next(i for i, row in town.proxy.database.rows.items() if row.model_name == f"{mine}-x")
    params = {"api_base": f"{town.boxes[other].url}/v1"}
    town.ask("PATCH", f"/model/{moved}/update", {"litellm_params": params})
    assert town.cycle(2, 2).plan.operations == ()
    (operation,) = town.cycle(1, 2).plan.operations
    assert (operation.action, operation.id) == ("update", moved)
    assert town.cycle().plan.operations == ()


def test_names_of_another_part_stay_reserved(town: Town) -> None:
    first, last = NAMES[0], next(n for n in NAMES if number_of(n, 2) != number_of(NAMES[0], 2))
    town.configure("on_clash: suffix")
    town.boxes[first].models[:] = town.boxes[last].models[:] = ["same"]
    here, there = number_of(first, 2), number_of(last, 2)
    town.cycle(there, 2)
    town.cycle(here, 2)
    for number in (there, here, there):
        town.cycle(number, 2)
    rows = town.rows()
    assert (rows["same"], rows[f"same@{last}"]) == (first, last)
    assert town.cycle().plan.operations == ()
    town.boxes[first].stop()
    assert town.cycle(there, 2).plan.operations == ()


def test_another_number_of_parts_loses_and_doubles_nothing(town: Town) -> None:
    for number in (1, 2):
        town.cycle(number, 2)
    before = town.ids()
    for of in (3, 1, 5, 6, 2):
        for number in range(1, of + 1):
            assert town.cycle(number, of).plan.operations == ()
    assert town.ids() == before
    assert town.rows() == names_on(*NAMES)


def test_a_stray_is_told_by_one_part_only(town: Town) -> None:
    town.cycle()
    gone = NAMES[0]
    del town.boxes[gone]
    town.configure()
    told = {n: [skip.reason for skip in town.cycle(n, 3).plan.skips] for n in (1, 2, 3)}
    assert told == {n: ["stray", "stray"] * (n == number_of(gone, 3)) for n in (1, 2, 3)}


def test_the_status_of_an_engine_has_its_part_only(town: Town) -> None:
    began = datetime(2026, 11, 28, 9, 0, tzinfo=UTC)
    board = Board(ConfigState, 600.0, lambda: began)
    board.ended(Ended(town.cycle(1, 2), "", began, 0.1, began + timedelta(minutes=1)))
    document = status_document(board.snapshot())
    validate(document, "status")
    assert [backend["name"] for backend in document["backends"]] == town.mine(1, 2)
    assert {each["backend"] for each in document["deployments"]} == set(town.mine(1, 2))
    assert document["summary"]["state"] == "in_step"


# The command line.


def test_the_commands_take_a_shard(town: Town, capsys: pytest.CaptureFixture[str]) -> None:
    mine = town.mine(1, 2)
    assert town.run("plan", "--shard", "1/2") == 2
    captured = capsys.readouterr()
    assert f"shard 1/2 manages {len(mine)} of 6 backends: {', '.join(mine)}" in captured.err
    assert f"Plan: {2 * len(mine)} to create" in captured.out
    assert town.run("apply", "--shard", "1/2") == 0
    assert town.rows() == names_on(*mine)
    assert town.run("run", "--once", "--shard", "2/2") == 0
    assert town.rows() == names_on(*NAMES)


def test_a_backend_that_is_down_degrades_its_part_only(town: Town) -> None:
    town.boxes[town.mine(2, 2)[0]].stop()
    assert town.run("apply", "--shard", "1/2") == 0
    assert town.run("apply", "--shard", "2/2") == 4


def test_a_part_without_backends_has_nothing_to_do(town: Town) -> None:
    free = next(n for n in range(1, 100) if n not in {number_of(name, 99) for name in NAMES})
    assert town.run("apply", "--shard", f"{free}/99") == 0
    assert town.rows() == {}


@pytest.mark.parametrize("text", ["0/2", "3/2", "1", "1/0", "a/b", "1/1000", "", "01/2", "1/2/3"])
def test_what_is_no_shard_is_wrong_usage(
    town: Town, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        town.run("plan", f"--shard={text}")
    assert left.value.code == 64
    assert "expected N/OF" in capsys.readouterr().err


def test_a_backend_of_another_shard_and_a_saved_plan_are_wrong_usage(
    town: Town, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = town.mine(2, 2)[0]
    assert town.run("plan", "--shard", "1/2", "--backend", other) == 64
    assert "is not in shard 1/2" in capsys.readouterr().err
    assert town.run("apply", str(tmp_path / "plan.json"), "--shard", "1/2") == 64


def test_a_saved_plan_of_a_part_is_applied_as_it_is(town: Town, tmp_path: Path) -> None:
    path = str(tmp_path / "plan.json")
    assert town.run("plan", "--shard", "2/2", "--out", path) == 2
    assert town.run("apply", path) == 0
    assert town.rows() == names_on(*town.mine(2, 2))


def test_a_recording_is_replayed_for_a_part(
    town: Town, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert town.run("record", str(tmp_path / "recording")) == 0
    capsys.readouterr()
    assert main(["replay", str(tmp_path / "recording"), "--shard", "1/2", "--json"], QUICK) == 2
    plan = json.loads(capsys.readouterr().out)
    assert {status["backend"] for status in plan["endpoints"]} == set(town.mine(1, 2))
