"""In every folder of fixtures/scenarios, all that is listed or registered has an explanation that
agrees with the plan.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.config.loader import load_with_lines
from engine.explain.entries import Entries
from engine.explain.explained import Cycle, explain
from engine.explain.explanation import FOREIGN, IN_STEP, SUPERSEDED, WANTED, Explanation, Name, Row
from engine.explain.text import ExplanationText
from engine.explain.verdict import sentences
from engine.plan.plan import ACTIONS, CREATE, Plan
from engine.reconcile import Ports
from engine.recording.stand_ins import stand_in_of
from engine.transport.client_pool import Http
from engine.transport.request import Asked, Tape, Taped
from engine.validate import validate
from tests.quick import QUICK
from tests.replay import staged
from tests.unit.test_scenarios import FOLDERS

NOTICE = "name_shared"


class Overheard:
    """A tape that plays a recording, if there is one, and lets somebody keep the answers."""

    def __init__(self, tape: Tape | None, entries: Entries) -> None:
        self.tape = tape
        self.entries = entries

    def recall(self, asked: Asked) -> Taped | None:
        taped = self.tape.recall(asked) if self.tape else None
        if taped:
            self.entries.keep(asked, taped)
        return taped

    def begin(self, asked: Asked) -> None: ...

    def keep(self, asked: Asked, taped: Taped) -> None:
        self.entries.keep(asked, taped)


def cycle_of(folder: Path, secrets: Path, monkeypatch: pytest.MonkeyPatch) -> Cycle:
    with staged(folder, secrets, monkeypatch) as stage:
        stage.prepare()
        entries = Entries()
        stage.ports = Ports(stage.ports.log, http=Http(QUICK, Overheard(stage.tape, entries)))
        report = stage.cycle(folder, dry_run=True)
    assert report.basis is not None
    if stage.tape:  # it has no keys of its own
        for name in ("litellm", "tenant", *json.loads((folder / "secrets.json").read_text())):
            (secrets / name).write_text(stand_in_of(name))
    return Cycle(report, report.basis, entries, load_with_lines(folder / "config.yaml", secrets)[1])


def asked(cycle: Cycle) -> Iterator[str]:
    """Yield the id of every listed model, and the id and name of every row."""
    for listing in cycle.basis.listings:
        yield from (model.id for model in listing.models)
    for row in cycle.basis.document["data"]:
        yield row["model_info"]["id"]
        yield row["model_name"]


def check_row(row: Row, plan: Plan) -> None:
    """A row has the action that touches it, else the reason of its skip, else it is in step."""
    actions = [op.action for op in plan.operations if op.touched == row.id and op.action != CREATE]
    skips = [s.reason for s in plan.skips if s.id == row.id and s.reason != NOTICE and row.id]
    if row.outcome in (IN_STEP, FOREIGN):
        assert (actions, skips) == ([], [])
    else:
        assert row.outcome in (actions or skips) or not row.id


def check_name(name: Name, plan: Plan, cycle: Cycle) -> None:
    """A wanted name is in step with a row, or planned, or left out; another has its refusal."""
    actions = [op.action for op in plan.operations if op.key == name.key]
    skips = [s.reason for s in plan.skips if s.key == name.key and s.reason != NOTICE]
    if name.decision == WANTED:
        assert name.outcome in (actions or skips or [IN_STEP])
        assert name.rows or name.outcome != IN_STEP
        assert name.key in {wanted.key for wanted in cycle.report.desired.deployments}
    elif name.decision == SUPERSEDED:
        assert "another model has its place" not in name.because
    elif name.decision != "filtered":
        assert name.decision in skips


def check_sentences(explanation: Explanation) -> None:
    """What the plan changes is not said to be left as it is."""
    outcomes = {name.outcome for listed in explanation.listed for name in listed.names}
    outcomes |= {row.outcome for row in explanation.rows}
    told = "\n".join(sentences(explanation))
    for action in outcomes & set(ACTIONS):
        assert not re.search(rf" is left \w+( it is)?: {action}: ", told), told


def check(explanation: Explanation, cycle: Cycle) -> None:
    plan = cycle.report.plan
    assert explanation.found, explanation.asked
    check_sentences(explanation)
    for row in explanation.rows:
        check_row(row, plan)
    names = [name for listed in explanation.listed for name in listed.names]
    for name in names:
        check_name(name, plan, cycle)
    assert any(name.decision == "filtered" for name in names) <= any(
        "leaves it out" in rule.effect and rule.line
        for listed in explanation.listed
        for rule in listed.rules
    )


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_every_model_and_row_has_an_explanation_that_agrees_with_the_plan(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cycle = cycle_of(folder, tmp_path, monkeypatch)
    seen = cycle.basis.observed
    explained: set[str] = set()
    for name in dict.fromkeys(asked(cycle)):
        explanation = explain(name, cycle)
        validate(explanation.to_json(), "explanation")
        check(explanation, cycle)
        assert all(line.isprintable() for line in ExplanationText(colour=False).lines(explanation))
        explained |= {row.id for row in explanation.rows if row.outcome != FOREIGN}
    assert explained == {row.id for row in (*seen.deployments, *seen.strays)}
