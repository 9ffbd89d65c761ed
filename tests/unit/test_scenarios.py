"""Every folder in fixtures/scenarios: plan equals the golden plan -> apply -> quiet.

``WRITE_GOLDEN=1 python -m pytest tests/unit/test_scenarios.py`` writes the plans
again; read the diff before you commit them.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from engine.plan.plan import Plan
from engine.reconcile import Report
from engine.validate import validate
from tests.replay import Stage, staged, unproxied

SCENARIOS = Path(__file__).parents[2] / "fixtures" / "scenarios"
FOLDERS = sorted(path.parent for path in SCENARIOS.glob("*/about.json"))


def select_untouched(rows: list[dict[str, Any]], touched: set[str]) -> list[dict[str, Any]]:
    return [row for row in rows if row["model_info"]["id"] not in touched]


def run_after_reload(stage: Stage, folder: Path) -> Report:
    """Reload the replicas and run a cycle; until then each still serves what it served before."""
    assert stage.replay.served()[0] == stage.replay.served()[1]
    stage.replay.reload()
    report = stage.cycle(folder)
    stage.replay.reload()
    return report


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_the_scenario_gives_the_golden_plan_and_then_converges(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with staged(folder, tmp_path, monkeypatch) as stage:
        stage.prepare()
        planned = stage.cycle(folder, dry_run=True).plan
        assert not stage.replay.writes
        whole = planned.to_json()
        validate(whole, "plan")
        document = json.loads(unproxied(json.dumps(whole)))
        golden = folder / "plan.json"
        if os.environ.get("WRITE_GOLDEN"):
            written = stage.replayed() or document
            golden.write_text(json.dumps(written, indent=2) + "\n")
        assert document == json.loads(golden.read_text())
        assert Plan.from_json(whole) == planned

        before = stage.replay.rows()
        report = stage.cycle(folder)
        assert report.plan == planned
        if len(stage.replay.replicas) > 1:
            report = run_after_reload(stage, folder)
        assert report.converged
        touched = {op.id for op in planned.operations} | {op.touched for op in planned.operations}
        assert select_untouched(stage.replay.rows(), touched) == select_untouched(before, touched)

        stage.replay.reload()
        stage.replay.requests.clear()
        again = stage.cycle(folder)
        assert not again.plan.operations
        assert not stage.replay.writes
        assert [s.reason for s in again.plan.skips] == [s.reason for s in planned.skips]


def test_every_scenario_explains_its_purpose() -> None:
    assert FOLDERS
    for folder in FOLDERS:
        assert (folder / "why.md").read_text().strip()
