"""``drain`` and ``undrain`` against a simulated fleet."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest

from engine.cli.main import main
from engine.fakes.server import Fault
from engine.validate import validate
from tests.fleet import Fleet, running_fleet


@pytest.fixture
def fleet(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Fleet]:
    with running_fleet(tmp_path, "a", "b") as running:
        assert main(["apply", *running.arguments]) == 0
        capsys.readouterr()
        yield running


def blocked(fleet: Fleet) -> list[str]:
    return sorted(row.model_name for row in fleet.proxy.database.rows.values() if row.blocked)


def test_a_model_is_drained_and_brought_back(
    fleet: Fleet, capsys: pytest.CaptureFixture[str]
) -> None:
    before = dict(fleet.proxy.database.rows)
    assert main(["drain", "box", "a", "--dry-run", *fleet.arguments]) == 2
    shown = capsys.readouterr().out
    assert "| block a" in shown
    assert "no other row serves 'a'" in shown
    assert blocked(fleet) == []
    assert main(["drain", "box", "a", *fleet.arguments]) == 0
    assert "[1/1] block a: applied" in capsys.readouterr().out
    assert main(["apply", *fleet.arguments]) == 0
    assert blocked(fleet) == ["a"]
    assert "undrain" in capsys.readouterr().out
    assert main(["drain", "box", "a", *fleet.arguments]) == 0
    assert "all are drained" in capsys.readouterr().out
    assert main(["undrain", "box", *fleet.arguments]) == 0
    assert blocked(fleet) == []
    after = fleet.proxy.database.rows
    assert {i: row.model_info for i, row in after.items()} == {
        i: row.model_info for i, row in before.items()
    }
    assert main(["undrain", "box", *fleet.arguments]) == 0
    assert "No chosen row of backend box is drained" in capsys.readouterr().out


def test_json_is_the_plan_or_the_plan_log(fleet: Fleet, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["drain", "box", "--dry-run", "--json", *fleet.arguments]) == 2
    plan = json.loads(capsys.readouterr().out)
    validate(plan, "plan")
    assert plan["summary"]["block"] == 2
    assert main(["drain", "box", "--json", *fleet.arguments]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    for line in lines:
        validate(line, "planlog")
    assert [line["event"] for line in lines] == ["plan", "result", "result", "cycle"]


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["bix"], "did you mean 'box'?"),
        (["box", "c"], "no row of backend box is named 'c'"),
        (["box", "("], "not a regular expression"),
    ],
)
def test_what_names_no_row_is_refused(
    fleet: Fleet, capsys: pytest.CaptureFixture[str], words: list[str], hint: str
) -> None:
    assert main(["drain", *words, *fleet.arguments]) == 64
    assert hint in capsys.readouterr().err
    assert blocked(fleet) == []


def test_what_the_configuration_maintains_is_not_undrained(
    fleet: Fleet, capsys: pytest.CaptureFixture[str]
) -> None:
    fleet.configure("maintenance: true")
    assert main(["apply", *fleet.arguments]) == 0
    assert blocked(fleet) == ["a", "b"]
    assert main(["undrain", "box", *fleet.arguments]) == 64
    assert "maintenance: true" in capsys.readouterr().err
    assert main(["undrain", "box", "--dry-run", *fleet.arguments]) == 0
    assert "Nothing to do; 2 left alone." in capsys.readouterr().out


def test_an_older_litellm_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with running_fleet(tmp_path, "a", version="1.83.14") as fleet:
        assert main(["apply", *fleet.arguments]) == 0
        assert main(["drain", "box", *fleet.arguments]) == 1
        assert "(1.83.14) cannot block one model" in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["reset_after", "status_after", "truncate"])
def test_a_block_whose_answer_is_lost_is_settled_by_reading_back(
    fleet: Fleet,
    capsys: pytest.CaptureFixture[str],
    kind: Literal["reset_after", "status_after", "truncate"],
) -> None:
    def lose(method: str, path: str, body: bytes) -> Fault | None:
        return Fault(kind, status=500) if method == "PATCH" else None

    fleet.proxy.fault = lose
    assert main(["drain", "box", "a", *fleet.arguments]) == 0
    assert "block a: already" in capsys.readouterr().out
    assert blocked(fleet) == ["a"]
    fleet.proxy.fault = lambda method, path, body: (
        Fault("status", status=500) if method == "PATCH" else None
    )
    assert main(["undrain", "box", *fleet.arguments]) == 1
    assert "unblock a: unknown" in capsys.readouterr().out
    assert blocked(fleet) == ["a"]
