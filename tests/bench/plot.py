"""A plot of cost against rows, as SVG: both axes are logarithmic, a line for each work."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from html import escape
from typing import Final

from .measure import Cell, Figures
from .table import TITLES
from .works import WORKS

COLOURS: Final = (*("#0072b2", "#d55e00", "#882255", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"),)
"""One for each work, in the order of the table."""
"""Okabe and Ito's colours, which people with colour blindness can tell apart."""
WIDTH, HEIGHT = 420, 300
LEFT, TOP, GAP, LEGEND = 60, 40, 90, 190
Value = Callable[[Figures], float]
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class _Axes:
    """Place of a panel in the picture, and the exponents of ten at the ends of its axes."""

    x: float
    y: float
    exponents: tuple[int, int, int, int]

    def place(self, rows: float, value: float) -> Point:
        left, right, bottom, top = self.exponents
        across = (math.log10(rows) - left) / (right - left)
        up = (math.log10(value) - bottom) / (top - bottom)
        return self.x + across * WIDTH, self.y + (1 - up) * HEIGHT


def plot(cells: list[Cell]) -> str:
    """Return the picture: seconds and CPU, for each number of backends and latency."""
    groups = sorted({(cell.backends, cell.latency) for cell in cells})
    shapes: list[str] = []
    for row, group in enumerate(groups):
        chosen = [cell for cell in cells if (cell.backends, cell.latency) == group]
        where = f"{group[0]} backends, {group[1]} ms"
        y = TOP + row * (HEIGHT + GAP)
        shapes += _panel(chosen, f"seconds ({where})", lambda f: f.wall, (LEFT, y))
        x = LEFT + WIDTH + GAP
        shapes += _panel(chosen, f"CPU seconds ({where})", lambda f: f.cpu, (x, y))
    shapes += _legend(cells)
    width = LEFT + 2 * WIDTH + GAP + LEGEND + 40
    height = TOP + max(len(groups), 1) * (HEIGHT + GAP)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}"'
        ' font-family="sans-serif" font-size="12">\n'
        f'<rect width="{width}" height="{height}" fill="white"/>\n{"".join(shapes)}</svg>\n'
    )


def _panel(cells: list[Cell], title: str, value: Value, corner: Point) -> Iterable[str]:
    axes = _axes(cells, value, corner)
    yield _text(axes.x, axes.y - 12, title, "start")
    yield from _grid(axes)
    for number, work in enumerate(WORKS):
        line = sorted((cell for cell in cells if cell.work == work.name), key=lambda c: c.rows)
        for side, dashes in (("engine", ""), ("floor", "5 4"), ("peer", "1 3")):
            points = [
                axes.place(cell.rows, max(value(getattr(cell, side)), 1e-4))
                for cell in line
                if getattr(cell, side)
            ]
            yield from _line(points, COLOURS[number], dashes)


def _axes(cells: list[Cell], value: Value, corner: Point) -> _Axes:
    sides = [side for cell in cells for side in (cell.engine, cell.floor, cell.peer) if side]
    values = [max(value(side), 1e-4) for side in sides]
    rows = [cell.rows for cell in cells]
    ends = (*_decades(rows), *_decades(values))
    return _Axes(corner[0], corner[1], (ends[0], ends[1], ends[2], ends[3]))


def _decades(values: Iterable[float]) -> tuple[int, int]:
    logs = [math.log10(value) for value in values]
    low, high = math.floor(min(logs)), math.ceil(max(logs))
    return low, max(high, low + 1)


def _grid(axes: _Axes) -> Iterable[str]:
    left, right, bottom, top = axes.exponents
    for exponent in range(left, right + 1):
        x, _ = axes.place(10.0**exponent, 10.0**bottom)
        yield _rule((x, axes.y), (x, axes.y + HEIGHT))
        yield _text(x, axes.y + HEIGHT + 18, f"{10**exponent:,}", "middle")
    for exponent in range(bottom, top + 1):
        _, y = axes.place(10.0**left, 10.0**exponent)
        yield _rule((axes.x, y), (axes.x + WIDTH, y))
        yield _text(axes.x - 6, y + 4, f"{10.0**exponent:g}", "end")
    yield _text(axes.x + WIDTH / 2, axes.y + HEIGHT + 36, "rows", "middle")


def _legend(cells: list[Cell]) -> Iterable[str]:
    x, y = LEFT + 2 * WIDTH + GAP + 30, TOP + 10
    measured = {cell.work for cell in cells}
    for number, work in enumerate(WORKS):
        if work.name in measured:
            yield from _line([(x, y), (x + 24, y)], COLOURS[number], "")
            yield _text(x + 32, y + 4, TITLES[work.name].replace("`", ""), "start")
            y += 20
    sides = [("engine", ""), ("floor", "5 4")]
    if any(cell.peer for cell in cells):
        sides.append(("peer", "1 3"))
    for name, dashes in sides:
        y += 20
        yield from _line([(x, y), (x + 24, y)], "black", dashes)
        yield _text(x + 32, y + 4, name, "start")


def _line(points: list[Point], colour: str, dashes: str) -> Iterable[str]:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    yield (
        f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"'
        f' stroke-dasharray="{dashes or "none"}"/>\n'
    )
    for x, y in points:
        yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5" fill="{colour}"/>\n'


def _rule(begin: Point, end: Point) -> str:
    places = f'x1="{begin[0]:.1f}" y1="{begin[1]:.1f}" x2="{end[0]:.1f}" y2="{end[1]:.1f}"'
    return f'<line {places} stroke="#ddd"/>\n'


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>\n'
