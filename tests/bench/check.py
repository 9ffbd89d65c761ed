"""Compares figures with the recorded ones: CPU, as ratio to the floor, and requests.

Wall time and memory are not compared: the time depends on the machine and on what else it does.
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
    compared = (
        ("CPU, times the floor's", ratios(cell)[1], ratios(recorded)[1]),
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
