"""Writes what was measured into ``fixtures/README.md``: ``python -m tests.figures``.

Its tables are never typed. They come from recordings: ``fixtures/contract`` (what a real LiteLLM
was seen to do) and ``fixtures/campaign`` (what the engine was put through, and what came of it).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from engine.fakes.litellm_rows import parse_version
from engine.litellm.api import editing_of

from .marked import filled

ROOT: Final = Path(__file__).parent.parent
README: Final = ROOT / "fixtures/README.md"
Json = dict[str, Any]


def recordings() -> list[Json]:
    """What was recorded of real LiteLLMs, oldest version first."""
    found = [json.loads(path.read_text()) for path in (ROOT / "fixtures/contract").glob("*.json")]
    return sorted(found, key=lambda one: parse_version(one["version"]))


def campaign_reports() -> list[Path]:
    """The recorded campaigns: on simulated LiteLLMs, then on real ones, oldest version first."""
    real = (ROOT / "fixtures/campaign").glob("litellm-*.json")
    by_version = sorted(real, key=lambda path: parse_version(path.stem.partition("-")[2]))
    return [ROOT / "fixtures/campaign/simulated.json", *by_version]


def contract() -> str:
    """The table of versions."""
    recorded = recordings()
    behaviours = list(dict.fromkeys(text for one in recorded for text in one["behaviours"]))
    rows = [["seen on a real LiteLLM", *(one["version"] for one in recorded)]]
    for text in sorted(behaviours, key=lambda t: [one["behaviours"].get(t) for one in recorded]):
        marks = {True: "yes", False: "no", None: ""}
        rows.append([text, *(marks[one["behaviours"].get(text)] for one in recorded)])
    rows.append(["**a changed row is**", *(_changed(one["version"]) for one in recorded)])
    rows.append(["**a removed parameter takes**", *(_removed(one["version"]) for one in recorded)])
    rows.append(["cases held", *(str(one["cases"] + one["replica_cases"]) for one in recorded)])
    rows.append(["cases that differ", *(str(len(one["not_passed"])) for one in recorded)])
    return _table(rows, ":---:")


def _changed(version: str) -> str:
    return "updated" if editing_of(version).in_place else "replaced"


def _removed(version: str) -> str:
    return "an update" if editing_of(version).removes else "a replacement"


def campaign() -> str:
    """The figures of the last campaigns, one line per LiteLLM."""
    reports = [json.loads(path.read_text()) for path in campaign_reports()]
    head = ["", "scenarios", "cycles", "faults", "kills", "samples", "rows compared", "violations"]
    lines = [head]
    for report in reports:
        scores = report["scores"]
        total = {name: sum(one[name] for one in scores)
                 for name in ("cycles", "kills", "samples", "compared")}  # fmt: skip
        faults = sum(sum(one["faults"].values()) for one in scores)
        violations = sum(len(one["violations"]) for one in scores)
        seeds = max(one["seeds"] for one in scores)
        figures = (total["cycles"], faults, total["kills"], total["samples"], total["compared"])
        played = f"{len(scores)} x {seeds} seeds" if seeds > 1 else str(len(scores))
        lines.append([report["litellm"], played, *(f"{n:,}" for n in figures), f"{violations}"])
    return _table(lines, "---:")


def soak() -> str:
    """What one engine held at the beginning and at the end of the last long soak."""
    report = json.loads((ROOT / "fixtures/campaign/soak.json").read_text())
    first, last = report["first"], report["last"]
    rows = [["", "cycles", "faults", "memory", "descriptors", "threads", "requests a quiet cycle"]]
    span = f"{report['minutes']:g} minutes"
    counts = [f"{first[name]} -> {last[name]}" for name in ("descriptors", "threads", "requests")]
    memory = f"{first['memory']:.1f} -> {last['memory']:.1f} MiB"
    rows.append([span, f"{report['cycles']:,}", f"{report['faults']:,}", memory, *counts])
    return _table(rows, "---:")


BLOCKS: Final[dict[str, Callable[[], str]]] = {
    "contract": contract,
    "campaign": campaign,
    "soak": soak,
}


def with_figures(text: str) -> str:
    """Return a README with its tables made anew."""
    for name, make in BLOCKS.items():
        text = filled(text, name, "python -m tests.figures", make())
    return text


def _table(rows: list[list[str]], align: str) -> str:
    lines = [f"| {' | '.join(row)} |" for row in rows]
    lines.insert(1, "| --- |" + f" {align} |" * (len(rows[0]) - 1))
    return "\n".join(lines)


if __name__ == "__main__":
    README.write_text(with_figures(README.read_text()))
