"""``adopt`` and ``release`` against a simulated fleet."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.cli.main import main
from engine.fakes.litellm_rows import Row
from engine.state.deployment import MARK
from engine.validate import validate
from tests.fleet import Fleet, running_fleet
from tests.quick import QUICK


@pytest.fixture
def fleet(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Fleet]:
    with running_fleet(tmp_path, "a", "b") as running:
        assert run(running, "apply") == 0
        capsys.readouterr()
        yield running


def run(fleet: Fleet, *words: str) -> int:
    fleet.proxy.reload()
    return main([*words, *fleet.arguments], QUICK)


def row(fleet: Fleet, name: str) -> Row:
    (found,) = [row for row in fleet.proxy.database.rows.values() if row.model_name == name]
    return found


def mark(fleet: Fleet, name: str) -> dict[str, Any] | None:
    return row(fleet, name).model_info.get(MARK)


def test_a_released_row_stays_and_adopt_takes_it_back(
    fleet: Fleet, capsys: pytest.CaptureFixture[str]
) -> None:
    before = row(fleet, "a")
    assert run(fleet, "release", "box", "a", "--dry-run") == 2
    assert "leaves it alone from now on" in capsys.readouterr().out
    assert row(fleet, "a") == before
    assert run(fleet, "release", "box", "a") == 0
    assert mark(fleet, "a") == {"released": "modelprovisioner"}
    assert row(fleet, "a").litellm_params == before.litellm_params
    capsys.readouterr()
    fleet.box.models.remove("a")
    assert run(fleet, "apply") == 0
    assert "released" in capsys.readouterr().out
    fleet.box.models.append("a")
    assert run(fleet, "apply") == 0
    assert fleet.names() == ["a", "b"]
    assert mark(fleet, "a") == {"released": "modelprovisioner"}
    capsys.readouterr()
    assert run(fleet, "adopt", "box", "--dry-run", "--json") == 2
    plan = json.loads(capsys.readouterr().out)
    validate(plan, "plan")
    assert [operation["reason"] for operation in plan["operations"]] == ["adopted"]
    assert run(fleet, "adopt", "box") == 0
    assert (mark(fleet, "a") or {})["fingerprint"] == before.model_info[MARK]["fingerprint"]
    assert run(fleet, "adopt", "box") == 0
    assert "No row on backend box is without a mark" in capsys.readouterr().out


def test_a_release_is_taken_back_by_undo(fleet: Fleet, capsys: pytest.CaptureFixture[str]) -> None:
    before = row(fleet, "a").model_info
    assert run(fleet, "release", "box", "a", "--json") == 0
    (fleet.folder / "log").write_text(capsys.readouterr().out)
    assert run(fleet, "undo", str(fleet.folder / "log")) == 0
    assert row(fleet, "a").model_info == before


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["release", "bix"], "did you mean 'box'?"),
        (["adopt", "bix"], "did you mean 'box'?"),
        (["release", "box", "c"], "no row of backend box is named 'c'"),
        (["adopt", "box", "c"], "no row without a mark on backend box is named 'c'"),
    ],
)
def test_what_names_no_row_is_refused(
    fleet: Fleet, capsys: pytest.CaptureFixture[str], words: list[str], hint: str
) -> None:
    assert run(fleet, *words) == 64
    assert hint in capsys.readouterr().err


def test_an_older_litellm_releases_nothing_and_adopts_by_replacing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with running_fleet(tmp_path, "a", version="1.83.14") as fleet:
        assert run(fleet, "apply") == 0
        assert run(fleet, "release", "box") == 1
        assert "(1.83.14) cannot take a mark off one row" in capsys.readouterr().err
        for old in list(fleet.proxy.database.rows.values()):
            old.model_info.pop(MARK)
        fleet.configure("ownership: marked")
        (fleet.folder / "box").write_text("")
        assert run(fleet, "adopt", "box") == 0
        assert "replace a: applied" in capsys.readouterr().out
        assert (mark(fleet, "a") or {})["backend"] == "box"
