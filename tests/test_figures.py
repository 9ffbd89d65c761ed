"""What the README says was measured is what was recorded."""

from __future__ import annotations

import json

import pytest

from tests.chaos.scenarios import SCENARIOS
from tests.figures import README, ROOT, recordings, with_figures

REPORTS = sorted((ROOT / "fixtures/campaign").glob("*.json"))


def test_the_tables_of_the_readme_are_made_of_the_recordings() -> None:
    text = README.read_text()
    assert with_figures(text) == text, "run: python -m tests.figures"


def test_no_recorded_case_differs_from_the_simulator() -> None:
    recorded = recordings()
    assert [one["version"] for one in recorded] == [
        "1.74.15.post2",
        "1.83.14",
        "1.106.2",
        "1.108.0",
    ]
    assert {one["version"]: one["not_passed"] for one in recorded if one["not_passed"]} == {}


@pytest.mark.parametrize("path", REPORTS, ids=lambda path: path.stem)
def test_a_recorded_campaign_has_no_violation(path: object) -> None:
    report = json.loads((ROOT / "fixtures/campaign" / str(path)).read_text())
    assert [one["violations"] for one in report["scores"] if one["violations"]] == []


def test_the_recorded_campaign_played_every_scenario() -> None:
    report = json.loads((ROOT / "fixtures/campaign/simulated.json").read_text())
    played = [one["scenario"] for one in report["scores"]]
    assert played == [scenario.name for scenario in SCENARIOS]
