"""The benchmark: ``python -m tests.bench``."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from .check import common, worse
from .fleet import Size
from .measure import Cell, Matrix, measure, read_cells
from .peer import Peer
from .plot import plot
from .table import aligned, headlines, markdown, table
from .works import WORKS, Work

AGAIN: Final = 2
"""How often a cell that seems worse is measured again: a busy machine is no regression."""


def main(argv: list[str] | None = None) -> int:
    """Measure, print the table, and return 1 if ``--check`` found something worse."""
    options = _options(argv)
    matrix = _matrix(options)
    cells = _measured(matrix, f"{options.runs} turns each")
    print(aligned(table(cells)))
    if shown := headlines(cells):
        print(f"\nFor the README:\n\n{markdown(table(shown))}")
    if options.json:
        options.json.write_text(json.dumps(_document(cells, matrix), indent=1) + "\n")
    if options.plot:
        options.plot.write_text(plot(cells))
    return _check(cells, matrix, options.check) if options.check else 0


def _measured(matrix: Matrix, note: str) -> list[Cell]:
    def report(text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    report(note)
    cells = []
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        for cell in measure(matrix, Path(folder), report):
            cells.append(cell)
            report("  ".join(table([cell])[1]))
    return cells


def _check(cells: list[Cell], matrix: Matrix, path: Path) -> int:
    """Compare with the recorded figures; measure what seems worse again before it counts."""
    recorded = read_cells(path)
    found = []
    for cell, before in common(cells, recorded):
        texts = worse(cell, before)
        for _ in range(AGAIN):
            if not texts:
                break
            (again,) = _measured(_only(cell, matrix), f"again, since it seems worse: {texts[0]}")
            texts = worse(again, before)
        found += texts
    for text in found:
        print(f"WORSE {text}")
    print(f"{len(found)} figures are worse than in {path}")
    return int(bool(found))


def _only(cell: Cell, matrix: Matrix) -> Matrix:
    works = tuple(work for work in WORKS if work.name == cell.work)
    sizes, latencies = (Size(cell.rows, cell.backends),), (cell.latency,)
    return replace(matrix, works=works, sizes=sizes, latencies=latencies, peer=None)


def _document(cells: list[Cell], matrix: Matrix) -> dict[str, Any]:
    return {
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "runs": matrix.runs,
        "rate": matrix.rate,
        "cells": [cell.to_json() for cell in cells],
    }


def _matrix(options: argparse.Namespace) -> Matrix:
    sizes = tuple(Size(rows, backends) for rows in options.rows for backends in options.backends)
    works: tuple[Work, ...] = tuple(work for work in WORKS if work.name in options.work)
    peer = Peer(options.peer) if options.peer else None
    return Matrix(
        works,
        sizes,
        tuple(options.latency),
        options.runs,
        options.max_writes,
        options.rate,
        peer,
    )


def _options(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench",
        description="Measures the engine beside the least that the same requests can cost.",
    )
    names = [work.name for work in WORKS]
    parser.add_argument("--quick", action="store_true", help="few cells, in less than a minute")
    parser.add_argument("--work", nargs="+", choices=names, help="only these (all)")
    parser.add_argument("--rows", type=int, nargs="+", metavar="N", help="(100 1000 10000)")
    parser.add_argument("--backends", type=int, nargs="+", metavar="N", help="(10 50)")
    parser.add_argument("--latency", type=int, nargs="+", metavar="MS", help="of reads (0 20)")
    parser.add_argument("--runs", type=int, metavar="N", help="turns of engine and floor (5)")
    parser.add_argument(
        "--max-writes", type=int, metavar="N",
        help="leave out what writes more rows, since each write takes 20 ms (1000)",
    )  # fmt: skip
    parser.add_argument(
        "--rate", type=int, default=0, metavar="MB",
        help="megabytes a second at which LiteLLM sends, as 125 over a link of 1 Gbit/s (no limit)",
    )  # fmt: skip
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw them there, as SVG")
    parser.add_argument(
        "--check", type=Path, metavar="FILE",
        help="fail if CPU or requests are over 20 %% worse than in FILE, which --json wrote",
    )  # fmt: skip
    parser.add_argument(
        "--peer", metavar="COMMAND",
        help="measure this program too: with {config} and {secrets} in COMMAND, or else with"
        " /etc/config/config.yaml and /etc/secrets as the Go program has them",
    )  # fmt: skip
    options = parser.parse_args(argv)
    defaults: dict[str, Any] = {
        "work": names, "rows": [100, 1000, 10000], "backends": [10, 50], "latency": [0, 20],
        "runs": 5, "max_writes": 1000,
    }  # fmt: skip
    if options.quick:
        defaults |= {
            "rows": [100, 1000], "backends": [10], "latency": [0], "runs": 3, "max_writes": 100,
        }  # fmt: skip
    for name, value in defaults.items():
        if getattr(options, name) is None:
            setattr(options, name, value)
    return options


if __name__ == "__main__":
    sys.exit(main())
