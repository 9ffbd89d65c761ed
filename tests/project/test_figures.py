"""The figures in fixtures/README.md are those of the recordings."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.bench.measure import read_cells
from tests.chaos.faults import DONE, LISTING, NOT_DONE
from tests.chaos.scenarios import SCENARIOS
from tests.figures import (
    BENCHMARK,
    README,
    ROOT,
    ROOT_README,
    campaign_reports,
    recordings,
    with_figures,
    with_headlines,
)


def test_the_tables_of_the_readme_are_up_to_date() -> None:
    text = README.read_text()
    assert with_figures(text) == text, "run: python -m tests.figures"
    text = ROOT_README.read_text()
    assert with_headlines(text) == text, "run: python -m tests.figures"


def test_no_recorded_case_differs_from_the_simulator() -> None:
    recorded = recordings()
    assert [recording["version"] for recording in recorded] == [
        "1.74.15.post2",
        "1.83.14",
        "1.106.2",
        "1.108.0",
        "1.109.3",
        "1.110.2",
    ]
    assert {r["version"]: r["not_passed"] for r in recorded if r["not_passed"]} == {}


@pytest.mark.parametrize("path", campaign_reports(), ids=lambda path: path.stem)
def test_a_recorded_campaign_has_no_violation(path: Path) -> None:
    report = json.loads(path.read_text())
    assert [score["violations"] for score in report["scores"] if score["violations"]] == []


def test_the_recorded_soak_was_flat() -> None:
    report = json.loads((ROOT / "fixtures/campaign/soak.json").read_text())
    assert report["violations"] == []
    assert report["minutes"] >= 10


def test_the_recorded_campaign_has_every_kind_of_fault() -> None:
    report = json.loads((ROOT / "fixtures/campaign/simulated.json").read_text())
    met = {kind.split()[0] for score in report["scores"] for kind in score["faults"]}
    assert {*NOT_DONE, *DONE, *LISTING} <= met


def test_the_recorded_campaign_played_every_scenario() -> None:
    report = json.loads((ROOT / "fixtures/campaign/simulated.json").read_text())
    played = [score["scenario"] for score in report["scores"]]
    assert played == [scenario.name for scenario in SCENARIOS]


def test_the_recorded_floor_sent_as_many_requests_as_the_engine() -> None:
    cells = read_cells(BENCHMARK)
    assert cells
    assert [cell.key for cell in cells if cell.engine.requests != cell.floor.requests] == []
