"""The benchmark measures what it says, at a size that takes seconds."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from tests.bench.__main__ import main
from tests.bench.check import common, worse
from tests.bench.fleet import NONE, SAME, Fleet, Size, running_fleet
from tests.bench.measure import Cell, Figures, measured_turns, read_cells
from tests.bench.peer import Peer
from tests.bench.processes import run_engine, run_floor, write_requests
from tests.bench.works import WORKS, Work

TINY = ["--rows", "10", "--backends", "2", "--latency", "0", "--runs", "1"]
ROWS, BACKENDS = 10, 2
PEER = """
import json, sys, time, urllib.request

config = json.load(open(sys.argv[1]))
key = open(sys.argv[2] + "/litellm").read()
while True:
    urllib.request.urlopen(config["litellm"]["url"] + "/model/info").read()
    for backend in config["backends"]:
        urllib.request.urlopen(backend["url"] + "/models").read()
    time.sleep(1)
"""


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    with running_fleet(Size(ROWS, BACKENDS), tmp_path_factory.mktemp("bench") / "fleet") as running:
        yield running


def work(name: str) -> Work:
    (found,) = (work for work in WORKS if work.name == name)
    return found


def cell(cpu: float, requests: int, yardstick: float = 1) -> Cell:
    """Return a cell whose floor takes a second of CPU."""
    engine, floor = Figures(1, cpu, 50, requests), Figures(1, 1, 10, requests)
    return Cell("quiet", 10, 2, 0, engine, floor, yardstick)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path, Path]:
    """Measure every work once: what was printed, the figures, and the picture."""
    folder, printed = tmp_path_factory.mktemp("table"), io.StringIO()
    figures, picture = folder / "figures.json", folder / "plot.svg"
    with redirect_stdout(printed):
        assert main([*TINY, "--json", str(figures), "--plot", str(picture)]) == 0
    return printed.getvalue(), figures, picture


@pytest.mark.slow
def test_the_table_has_every_work(table: tuple[str, Path, Path]) -> None:
    printed, figures, picture = table
    cells = read_cells(figures)
    assert [found.work for found in cells] == [work.name for work in WORKS]
    for found, listed in zip(cells, WORKS, strict=True):
        assert listed.title in printed
        assert found.engine.requests == found.floor.requests > BACKENDS
        for side in (found.engine, found.floor):
            assert min(side.wall, side.cpu, side.peak) > 0
    drawn = ET.parse(picture).iter("{http://www.w3.org/2000/svg}polyline")
    assert len([line for line in drawn if line.get("points")]) > 2 * len(WORKS)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["one", "first", "down"])
def test_the_floor_asks_what_the_engine_asks(fleet: Fleet, name: str) -> None:
    """A loop, a process, and a backend that is down; the table counts requests for every work."""
    listed = work(name)
    fleet.set_down(down=listed.down)
    ((engine, floors),) = measured_turns(fleet, listed, runs=1)
    assert [asked for _, asked in floors] == [engine[1]] * len(floors)
    asked = [f"{method} {path.partition('?')[0]}" for method, path in engine[1]]
    assert asked.count("GET /v1/models") == BACKENDS + listed.down
    assert sum(not line.startswith("GET ") for line in asked) == listed.writes(ROWS)


def test_the_floor_sends_the_same_bytes(fleet: Fleet, tmp_path: Path) -> None:
    fleet.set_down(down=False)
    fleet.list_rows(NONE)
    fleet.take()
    run_engine("run", "--once", *fleet.arguments, folder=fleet.folder)
    engine = fleet.take()
    write_requests(engine, tmp_path / "requests", fleet.port)
    run_floor(tmp_path / "requests", fleet.folder)
    floor = fleet.take()
    assert sorted(r.content for r in floor) == sorted(r.content for r in engine)
    writes = [r.time for r in floor if r.line[0] != "GET"]
    assert len(writes) == ROWS
    assert max(r.time for r in floor if r.line[0] == "GET") < min(writes)


def test_listed_rows_have_the_size_of_real_ones(fleet: Fleet) -> None:
    listing = (fleet.folder / SAME).read_text()
    assert 9_000 < len(listing) / ROWS < 10_000
    for row in json.loads(listing)["data"]:
        info = row["model_info"]
        assert list(info.values()).count(None) > 0.75 * len(info)
        assert "api_key" not in row["litellm_params"]


@pytest.mark.slow
def test_another_program_can_be_measured(fleet: Fleet, tmp_path: Path) -> None:
    fleet.set_down(down=False)
    script = tmp_path / "peer.py"
    script.write_text(PEER)
    peer = Peer(f"{sys.executable} {script} {{config}} {{secrets}}")
    ((quiet, asked),) = peer.measure(fleet, work("quiet"), runs=1)
    ((first, _),) = peer.measure(fleet, work("first"), runs=1)
    assert peer.measure(fleet, work("plan"), runs=1) == []
    assert asked == [("GET", "/model/info"), *[("GET", "/v1/models")] * BACKENDS]
    assert 0 < quiet.cpu < first.cpu, "the first one starts the program"
    assert quiet.peak > 0


@pytest.mark.parametrize(
    ("now", "found"),
    [
        (cell(cpu=10, requests=5), []),
        (cell(cpu=11.9, requests=5), []),
        (cell(cpu=12.1, requests=5), ["CPU"]),
        (cell(cpu=10, requests=7), ["requests"]),
        (cell(cpu=1, requests=1), []),
        (cell(cpu=18, requests=5, yardstick=1.6), []),
        (cell(cpu=18, requests=5, yardstick=1.4), ["CPU"]),
        (cell(cpu=11, requests=5, yardstick=0.5), []),
    ],
)
def test_what_is_worse_by_a_fifth_is_named(now: Cell, found: list[str]) -> None:
    texts = worse(now, cell(cpu=10, requests=5))
    assert [text.split(": ")[1].split(",")[0] for text in texts] == found


def test_time_and_memory_are_not_compared() -> None:
    slow = replace(cell(cpu=10, requests=5), engine=Figures(99, 10, 999, 5))
    assert worse(slow, cell(cpu=10, requests=5)) == []


def test_help_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    assert "over 20 % worse" in capsys.readouterr().out


def test_a_comparison_with_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="nothing that was measured"):
        common([cell(cpu=1, requests=1)], [])


@pytest.mark.slow
@pytest.mark.parametrize(("change", "code"), [(2.0, 0), (0.5, 1)])
def test_check_fails_if_more_is_asked_than_was_recorded(
    table: tuple[str, Path, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    change: float,
    code: int,
) -> None:
    document: dict[str, Any] = json.loads(table[1].read_text())
    (recorded,) = (found for found in document["cells"] if found["work"] == "quiet")
    recorded["engine"]["cpu"] *= 100  # only the requests are compared here: CPU differs each time
    recorded["engine"]["requests"] *= change
    figures = tmp_path / "figures.json"
    figures.write_text(json.dumps({**document, "cells": [recorded]}))
    assert main([*TINY, "--work", "quiet", "--check", str(figures)]) == code
    assert ("WORSE quiet cycle" in capsys.readouterr().out) == bool(code)
