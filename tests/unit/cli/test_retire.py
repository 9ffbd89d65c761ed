"""``retire`` against a simulated fleet."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.cli.main import main
from engine.fakes.backend import FakeBackend
from engine.validate import validate
from tests.fleet import Fleet, running_fleet


@pytest.fixture
def fleet(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Fleet]:
    """Backend `box` is configured and has a and b; `spare`, with c and d, is down and not."""
    with running_fleet(tmp_path, "a", "b") as running:
        config = running.folder / "config.yaml"
        with FakeBackend("openai", ["c", "d"]) as spare:
            text = config.read_text()
            config.write_text(f"{text}  - {{name: spare, url: '{spare.url}'}}\n")
            assert main(["apply", *running.arguments]) == 0
        config.write_text(text)
        capsys.readouterr()
        yield running


def test_a_backend_that_is_gone_is_retired(
    fleet: Fleet, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["retire", "spare", *fleet.arguments]) == 0
    text = capsys.readouterr().out
    assert "Plan: 2 to delete" in text
    assert "[2/2] delete d: applied" in text
    assert "retired: backend spare is retired" in text
    assert fleet.names() == ["a", "b"]
    assert main(["retire", "spare", *fleet.arguments]) == 0
    assert (
        "LiteLLM has no row of backend spare (backends with rows: box)" in capsys.readouterr().out
    )


def test_a_dry_run_only_shows(fleet: Fleet, capsys: pytest.CaptureFixture[str]) -> None:
    writes = len(fleet.proxy.writes)
    assert main(["retire", "spare", "--dry-run", "--json", *fleet.arguments]) == 2
    plan = json.loads(capsys.readouterr().out)
    validate(plan, "plan")
    assert [operation["name"] for operation in plan["operations"]] == ["c", "d"]
    assert main(["retire", "spare", "--dry-run", *fleet.arguments]) == 2
    assert "- delete c" in capsys.readouterr().out
    assert len(fleet.proxy.writes) == writes
    assert fleet.names() == ["a", "b", "c", "d"]


def test_json_is_the_plan_log(fleet: Fleet, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["retire", "spare", "--json", *fleet.arguments]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    for line in lines:
        validate(line, "planlog")
    assert [line["event"] for line in lines] == ["plan", "result", "result", "cycle"]


def test_a_configured_backend_is_refused_without_force(
    fleet: Fleet, capsys: pytest.CaptureFixture[str]
) -> None:
    fleet.proxy.requests.clear()
    assert main(["retire", "box", *fleet.arguments]) == 64
    assert "the loop registers its models again" in capsys.readouterr().err
    assert fleet.proxy.requests == []
    assert main(["retire", "box", "--dry-run", *fleet.arguments]) == 2
    assert "the loop registers its models again" in capsys.readouterr().err
    fleet.box.stop()
    assert main(["retire", "box", "--force", "box", *fleet.arguments]) == 0
    assert fleet.names() == ["c", "d"]


def test_a_name_that_has_no_rows_gets_a_suggestion(
    fleet: Fleet, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["retire", "spar", *fleet.arguments]) == 0
    assert "did you mean 'spare'? (backends with rows: box, spare)" in capsys.readouterr().out
    assert fleet.names() == ["a", "b", "c", "d"]


def test_rows_that_only_litellm_can_delete_are_no_claim_about_backends(
    fleet: Fleet, capsys: pytest.CaptureFixture[str]
) -> None:
    for row in fleet.proxy.database.rows.values():
        if row.model_name in ("c", "d"):
            row.model_info["team_id"] = "t1"
    fleet.proxy.reload()
    assert main(["retire", "spare", *fleet.arguments]) == 0
    text = capsys.readouterr().out
    assert text.endswith("Nothing to do; 2 left alone.\n")
    assert "in step" not in text
