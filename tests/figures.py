"""Writes what was measured into the READMEs of the fixtures and at the root.

Run it with ``python -m tests.figures``. The tables are never edited by hand. They are made from
recordings: ``fixtures/contract`` (what real LiteLLMs do), ``fixtures/campaign`` (the figures of
fault campaigns and of the soak) and ``fixtures/bench`` (the figures of the benchmark).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from engine.fakes.litellm_rows import parse_version
from engine.litellm.api import editing_of

from .bench.measure import read_cells
from .bench.table import brief, headlines, markdown, table
from .marked import filled

ROOT: Final = Path(__file__).parent.parent
README: Final = ROOT / "fixtures/README.md"
ROOT_README: Final = ROOT / "README.md"
BENCHMARK: Final = ROOT / "fixtures/bench/figures.json"
Json = dict[str, Any]


def recordings() -> list[Json]:
    """Return the recordings of real LiteLLMs, the oldest version first."""
    found = [json.loads(path.read_text()) for path in (ROOT / "fixtures/contract").glob("*.json")]
    return sorted(found, key=lambda recording: parse_version(recording["version"]))


def campaign_reports() -> list[Path]:
    """Return the recorded campaigns: simulated LiteLLMs, then real ones by version."""
    real = (ROOT / "fixtures/campaign").glob("litellm-*.json")
    by_version = sorted(real, key=lambda path: parse_version(path.stem.partition("-")[2]))
    return [ROOT / "fixtures/campaign/simulated.json", *by_version]


def contract() -> str:
    """Return the table of versions."""
    recorded = recordings()
    behaviours = list(
        dict.fromkeys(text for recording in recorded for text in recording["behaviours"])
    )
    rows = [["seen on a real LiteLLM", *(r["version"] for r in recorded)]]
    for text in sorted(behaviours, key=lambda t: [r["behaviours"].get(t) for r in recorded]):
        marks = {True: "yes", False: "no", None: ""}
        rows.append([text, *(marks[r["behaviours"].get(text)] for r in recorded)])
    rows.append(["**a changed row is**", *(_changed(r["version"]) for r in recorded)])
    rows.append(["**a removed parameter takes**", *(_removed(r["version"]) for r in recorded)])
    rows.append(["cases held", *(str(r["cases"] + r["replica_cases"]) for r in recorded)])
    rows.append(["cases that differ", *(str(len(r["not_passed"])) for r in recorded)])
    return _table(rows, ":---:")


def _changed(version: str) -> str:
    return "updated" if editing_of(version).in_place else "replaced"


def _removed(version: str) -> str:
    return "an update" if editing_of(version).removes else "a replacement"


def campaign() -> str:
    """Return the figures of the last campaigns, a line for each LiteLLM."""
    reports = [json.loads(path.read_text()) for path in campaign_reports()]
    head = ["", "scenarios", "cycles", "faults", "kills", "samples", "rows compared", "violations"]
    lines = [head]
    for report in reports:
        scores = report["scores"]
        total = {name: sum(score[name] for score in scores)
                 for name in ("cycles", "kills", "samples", "compared")}  # fmt: skip
        faults = sum(sum(score["faults"].values()) for score in scores)
        violations = sum(len(score["violations"]) for score in scores)
        seeds = max(score["seeds"] for score in scores)
        figures = (total["cycles"], faults, total["kills"], total["samples"], total["compared"])
        played = f"{len(scores)} x {seeds} seeds" if seeds > 1 else str(len(scores))
        lines.append([report["litellm"], played, *(f"{n:,}" for n in figures), f"{violations}"])
    return _table(lines, "---:")


def soak() -> str:
    """Return what an engine held at the beginning and at the end of the last long soak."""
    report = json.loads((ROOT / "fixtures/campaign/soak.json").read_text())
    first, last = report["first"], report["last"]
    rows = [["", "cycles", "faults", "memory", "descriptors", "threads", "requests a quiet cycle"]]
    span = f"{report['minutes']:g} minutes"
    counts = [f"{first[name]} -> {last[name]}" for name in ("descriptors", "threads", "requests")]
    memory = f"{first['memory']:.1f} -> {last['memory']:.1f} MiB"
    rows.append([span, f"{report['cycles']:,}", f"{report['faults']:,}", memory, *counts])
    return _table(rows, "---:")


def benchmark() -> str:
    """Return the figures of the last benchmark, a line for each work and size."""
    return markdown(table([replace(cell, peer=None) for cell in read_cells(BENCHMARK)]))


def headline() -> str:
    """Return the seconds of a few works of the last benchmark, beside the Go program's."""
    return markdown(brief(headlines(read_cells(BENCHMARK))))


BLOCKS: Final[dict[str, Callable[[], str]]] = {
    "contract": contract,
    "campaign": campaign,
    "soak": soak,
    "bench": benchmark,
}


def with_headlines(text: str) -> str:
    """Return the README at the root with its table made again."""
    return filled(text, "headlines", "python -m tests.figures", headline())


def with_figures(text: str) -> str:
    """Return the README of the fixtures with its tables made again."""
    for name, make in BLOCKS.items():
        text = filled(text, name, "python -m tests.figures", make())
    return text


def _table(rows: list[list[str]], align: str) -> str:
    lines = [f"| {' | '.join(row)} |" for row in rows]
    lines.insert(1, "| --- |" + f" {align} |" * (len(rows[0]) - 1))
    return "\n".join(lines)


if __name__ == "__main__":
    README.write_text(with_figures(README.read_text()))
    ROOT_README.write_text(with_headlines(ROOT_README.read_text()))
