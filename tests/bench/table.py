"""The figures as a table: as text for a terminal, and as Markdown."""

from __future__ import annotations

from typing import Final

from .measure import Cell, Figures
from .works import WORKS

TITLES: Final = {work.name: work.title for work in WORKS}
_SIZE: Final = ("work", "rows", "backends", "latency")
_HEADLINES: Final = (("quiet", 1_000, 50, 20), ("quiet", 10_000, 10, 0), ("first", 1_000, 50, 20))
"""The cells that the README at the root shows."""


def table(cells: list[Cell]) -> list[list[str]]:
    """Return the table, its head first.

    Figures are those of the engine, of the floor, of a peer if there is one, and the engine's
    divided by the floor's. The last column is :func:`above_floor`.
    """
    peer = any(cell.peer for cell in cells)
    sides = ["", " floor", *([" peer"] if peer else [])]
    units = ("s", "CPU ms", "MiB", "requests")
    head = [*_SIZE, *(unit + part for unit in units for part in [*sides, " ratio"])]
    head[-1] = "CPU ms/row more"
    return [head, *(_line(cell, peer=peer) for cell in cells)]


def _line(cell: Cell, *, peer: bool) -> list[str]:
    sides = [cell.engine, cell.floor, *([cell.peer] if peer else [])]
    line = [TITLES[cell.work], f"{cell.rows:,}", str(cell.backends), f"{cell.latency} ms"]
    columns = [[_texts(side)[number] for side in sides] for number in range(4)]
    last = [*(f"{value:.2f}" for value in ratios(cell)), f"{above_floor(cell):.3f}"]
    for texts, value in zip(columns, last, strict=True):
        line += [*texts, value]
    return line


def _texts(figures: Figures | None) -> tuple[str, str, str, str]:
    if figures is None:
        return "", "", "", ""
    wall, cpu = f"{figures.wall:.3f}", f"{figures.cpu * 1000:,.1f}"
    return wall, cpu, f"{figures.peak:.1f}", f"{figures.requests:,.0f}"


def ratios(cell: Cell) -> tuple[float, float, float]:
    """Return engine / floor of the wall time, the CPU and the memory."""
    ours, floor = cell.engine, cell.floor
    return ours.wall / floor.wall, ours.cpu / floor.cpu, ours.peak / floor.peak


def above_floor(cell: Cell) -> float:
    """Return the CPU ms for each row, beyond the floor's."""
    return (cell.engine.cpu - cell.floor.cpu) * 1000 / cell.rows


def brief(cells: list[Cell]) -> list[list[str]]:
    """Return the seconds of each cell, of the engine, the floor and the peer, with a head."""
    head = ["seconds", "ModelProvisioner", "the same requests by the barest client", "Go program"]
    return [head, *(_brief(cell) for cell in cells)]


def _brief(cell: Cell) -> list[str]:
    size = f"{cell.rows:,} rows, {cell.backends} backends of {cell.latency} ms"
    sides = (cell.engine, cell.floor, cell.peer)
    return [f"{TITLES[cell.work]}: {size}", *(f"{side.wall:.3f}" if side else "" for side in sides)]


def aligned(rows: list[list[str]]) -> str:
    """Return a table as text in columns, the first column to the left."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            [
                row[0].ljust(widths[0]),
                *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True)),
            ]
        )
        for row in rows
    )


def markdown(rows: list[list[str]]) -> str:
    """Return a table as Markdown."""
    lines = [f"| {' | '.join(row)} |" for row in rows]
    lines.insert(1, "| --- |" + " ---: |" * (len(rows[0]) - 1))
    return "\n".join(lines)


def headlines(cells: list[Cell]) -> list[Cell]:
    """Return the cells for the README at the root, as far as they were measured."""
    return [cell for cell in cells if cell.key in _HEADLINES]
