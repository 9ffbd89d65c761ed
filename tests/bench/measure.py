"""Measures cells of the table: the engine and the floor in turns, the median of several turns."""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from .fleet import SAME, Fleet, Size, running_fleet
from .peer import Peer
from .processes import (
    Cost,
    Loop,
    engine_loop,
    floor_loop,
    run_engine,
    run_floor,
    run_yardstick,
    write_requests,
)
from .server import Request
from .works import Work

Asked = list[tuple[str, str]]
"""Methods and paths of requests, sorted."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What a cycle took: seconds, seconds of CPU, peak memory in MiB, requests."""

    wall: float
    cpu: float
    peak: float
    requests: float


@dataclass(frozen=True, slots=True)
class Cell:
    """A line of the table: the medians for a work at a size and a latency in ms.

    ``yardstick`` is the CPU seconds that the yardstick took at that time.
    """

    work: str
    rows: int
    backends: int
    latency: int
    engine: Figures
    floor: Figures
    yardstick: float
    peer: Figures | None = None

    @property
    def key(self) -> tuple[str, int, int, int]:
        """What was measured, without the figures."""
        return self.work, self.rows, self.backends, self.latency

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON."""
        return asdict(self)

    @classmethod
    def of(cls, document: dict[str, Any]) -> Cell:
        """Return a cell from its JSON."""
        sides = ("engine", "floor", "peer")
        figures = {side: Figures(**document[side]) for side in sides if document.get(side)}
        return cls(**{**document, **figures})


def read_cells(path: Path) -> list[Cell]:
    """Return the cells of a file that ``python -m tests.bench --json`` wrote."""
    return [Cell.of(document) for document in json.loads(path.read_text())["cells"]]


@dataclass(frozen=True, slots=True)
class Matrix:
    """What to measure, and how often."""

    works: tuple[Work, ...]
    sizes: tuple[Size, ...]
    latencies: tuple[int, ...]
    runs: int
    max_writes: int
    """Works that write more rows are left out: each write takes its pause."""
    rate: int = 0
    """Megabytes in a second that LiteLLM sends at most; 0 is as fast as loopback is."""
    peer: Peer | None = None


Sample = tuple[Cost, Asked]
Turn = tuple[Sample, list[Sample]]
"""One of the engine, and some of the floor, which sent what the engine had just sent."""
FLOORS: Final = 9
"""How often a cycle of the floor is measured in a turn: it takes so little that one time may
mislead. Whole processes are measured three times, and what writes many rows, and so takes as long
as the engine, once."""


def measure(matrix: Matrix, folder: Path, report: Callable[[str], None]) -> Iterator[Cell]:
    """Measure cell by cell; ``folder`` is for the files that this takes."""
    for number, size in enumerate(matrix.sizes):
        with running_fleet(size, folder / f"fleet-{number}") as fleet:
            for latency in matrix.latencies:
                fleet.set_pace(latency, matrix.rate)
                for work in matrix.works:
                    if work.writes(size.rows) > max(matrix.max_writes, 1):
                        report(f"left out: {work.title}, {size.rows} rows: too many writes")
                        continue
                    yield measured_cell(fleet, work, latency, matrix)


def measured_cell(fleet: Fleet, work: Work, latency: int, matrix: Matrix) -> Cell:
    """Measure a work with the engine, the floor and the peer."""
    fleet.set_down(down=work.down)
    turns = list(measured_turns(fleet, work, matrix.runs))
    peer = matrix.peer.measure(fleet, work, matrix.runs) if matrix.peer else []
    return Cell(
        work.name,
        fleet.size.rows,
        fleet.size.backends,
        latency,
        medians([engine for engine, _ in turns]),
        medians([floor for _, floors in turns for floor in floors]),
        run_yardstick(fleet.folder).cpu,
        medians(peer) if peer else None,
    )


def medians(samples: list[Sample]) -> Figures:
    """Return the median of each figure."""
    return Figures(
        statistics.median(cost.wall for cost, _ in samples),
        statistics.median(cost.cpu for cost, _ in samples),
        statistics.median(cost.peak for cost, _ in samples),
        statistics.median(len(asked) for _, asked in samples),
    )


def measured_turns(fleet: Fleet, work: Work, runs: int) -> Iterator[Turn]:
    """Run the engine and the floor in turns."""
    if not work.command:
        yield from _loop_turns(fleet, work, runs)
        return
    fleet.list_rows(work.listing)
    fleet.configure(work.writers)
    requests = fleet.folder / "requests"
    for _ in range(runs):
        fleet.take()
        engine = run_engine(*work.command, *fleet.arguments, folder=fleet.folder)
        asked = _recorded(fleet, requests)
        floors = _floors(fleet, work, lambda: run_floor(requests, fleet.folder))
        yield (engine, asked), floors


def _loop_turns(fleet: Fleet, work: Work, runs: int) -> Iterator[Turn]:
    """The engine has two cycles before the first that counts, and the floor one."""
    requests = fleet.folder / "requests"
    requests.mkdir(exist_ok=True)
    fleet.list_rows(SAME)
    with ExitStack() as stack:
        engine = stack.enter_context(engine_loop(fleet.arguments, fleet.folder))
        floor = stack.enter_context(floor_loop(requests, fleet.folder))
        engine.wait()
        _warm_up(fleet, engine, floor, requests)
        for _ in range(runs):
            fleet.list_rows(work.listing)
            cost = engine.cycle()
            asked = _recorded(fleet, requests)
            yield (cost, asked), _floors(fleet, work, floor.cycle)
            if work.listing != SAME:
                fleet.list_rows(SAME)
                engine.cycle()
                fleet.take()


def _floors(fleet: Fleet, work: Work, run: Callable[[], Cost]) -> list[Sample]:
    count = 1 if work.writes(fleet.size.rows) > 1 else 3 if work.command else FLOORS
    return [(run(), _asked(fleet.take())) for _ in range(count)]


def _warm_up(fleet: Fleet, engine: Loop, floor: Loop, requests: Path) -> None:
    fleet.take()
    engine.cycle()
    _recorded(fleet, requests)
    floor.cycle()
    fleet.take()


def _recorded(fleet: Fleet, folder: Path) -> Asked:
    """Let the floor send what was just requested, and return it."""
    requests = fleet.take()
    write_requests(requests, folder, fleet.port)
    return _asked(requests)


def _asked(requests: list[Request]) -> Asked:
    return sorted(request.line for request in requests)
