"""Compares figures with the recorded ones: CPU, as a ratio, and requests.

CPU counts as worse if it is so beside the floor and beside the yardstick: a busy neighbour makes
the first ratio worse, another kind of processor the second. Wall time and memory are not compared:
the time depends on the machine and on what else it does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from .measure import Cell
from .table import TITLES, ratios

TOLERANCE: Final = 0.2
"""By how much a figure may be worse than the recorded one, as a fraction."""


def worse(cell: Cell, recorded: Cell) -> list[str]:
    """Return a sentence for each figure that is worse than the recorded one by too much."""
    floors, yardsticks = ratios(cell)[1], cell.engine.cpu / cell.yardstick
    earlier = ratios(recorded)[1], recorded.engine.cpu / recorded.yardstick
    nearer = min((floors, earlier[0]), (yardsticks, earlier[1]), key=lambda pair: pair[0] / pair[1])
    what = "floor" if nearer[0] == floors else "yardstick"
    compared = (
        (f"CPU, times the {what}'s", *nearer),
        ("requests", cell.engine.requests, recorded.engine.requests),
    )
    where = f"{TITLES[cell.work]}, {cell.rows:,} rows, {cell.backends} backends, {cell.latency} ms"
    return [
        f"{where}: {what}: {now:.2f}, recorded {before:.2f} ({now / before - 1:+.0%})"
        for what, now, before in compared
        if now > before * (1 + TOLERANCE)
    ]


def common(cells: Sequence[Cell], recorded: Sequence[Cell]) -> list[tuple[Cell, Cell]]:
    """Return the cells that both have, in pairs.

    Raises:
        ValueError: there are none, so nothing would be compared.
    """
    known = {cell.key: cell for cell in recorded}
    pairs = [(cell, known[cell.key]) for cell in cells if cell.key in known]
    if not pairs:
        raise ValueError("nothing that was measured is among the recorded figures")
    return pairs
