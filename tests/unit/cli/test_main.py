"""The command line, run in this process against a simulated fleet."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine import __version__
from engine.cli.main import main
from engine.validate import validate
from tests.fleet import MASTER_KEY, Fleet, running_fleet


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    with running_fleet(tmp_path, "a", "b") as running:
        yield running


def test_the_help_lists_the_commands_and_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["--help"])
    text = capsys.readouterr().out
    assert stop.value.code == 0
    for word in ("validate", "plan", "apply", "run", "demo", "exit codes", "first steps"):
        assert word in text


def test_the_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out == f"modelprovisioner {__version__}\n"


@pytest.mark.parametrize(
    "line", ["", "nonsense", "plan --nonsense", "run --interval x", "run --interval 0"]
)
def test_wrong_usage_exits_with_64(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(line.split())
    assert stop.value.code == 64
    assert "--help" in capsys.readouterr().err


def test_validate_prints_what_it_read(fleet: Fleet, capsys: pytest.CaptureFixture[str]) -> None:
    (fleet.folder / "box").write_text("sk-box-secret")
    assert main(["validate", *fleet.arguments]) == 0
    output = capsys.readouterr()
    assert "box: openai on http://127.0.0.1" in output.out
    assert "with a key" in output.out
    assert "sk-box" not in output.out + output.err
    assert fleet.proxy.requests == []


def test_validate_lists_every_problem(fleet: Fleet, capsys: pytest.CaptureFixture[str]) -> None:
    fleet.configure("filter_regexp: x, discovery: maybe")
    assert main(["validate", *fleet.arguments]) == 1
    text = capsys.readouterr().err
    assert "did you mean `filter_regex`" in text
    assert "discovery" in text
    assert "config.yaml:4" in text


def test_plan_prints_the_plan_and_writes_nothing(
    fleet: Fleet, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["plan", *fleet.arguments]) == 2
    text = capsys.readouterr().out
    assert "+ create a  openai/a" in text
    assert "Plan: 2 to create; 0 left alone." in text
    assert "\x1b[" not in text
    assert fleet.proxy.writes == []


def test_plan_as_json_is_a_plan_document(
    fleet: Fleet, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    out = tmp_path / "plan.json"
    assert main(["plan", "--json", "--out", str(out), *fleet.arguments]) == 2
    document = json.loads(capsys.readouterr().out)
    validate(document, "plan")
    assert json.loads(out.read_text()) == document


def test_colour_can_be_forced(fleet: Fleet, capsys: pytest.CaptureFixture[str]) -> None:
    main(["plan", "--color", "always", *fleet.arguments])
    assert "\x1b[32m+ create" in capsys.readouterr().out


def test_apply_shows_progress_and_leaves_nothing_to_do(
    fleet: Fleet, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["apply", *fleet.arguments]) == 0
    text = capsys.readouterr().out
    assert "[1/2] create a: applied" in text
    assert "2 of 2 done" in text
    assert fleet.names() == ["a", "b"]
    assert main(["plan", *fleet.arguments]) == 0
    assert "Nothing to do" in capsys.readouterr().out


def test_apply_exits_with_3_when_deletions_are_held_and_force_carries_them_out(
    fleet: Fleet, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["apply", *fleet.arguments])
    fleet.box.models.clear()
    assert main(["plan", *fleet.arguments]) == 3
    assert main(["apply", *fleet.arguments]) == 3
    assert "held" in capsys.readouterr().out
    assert fleet.names() == ["a", "b"]
    assert main(["apply", "--force", *fleet.arguments]) == 0
    assert fleet.names() == []


def test_apply_exits_with_1_when_litellm_refuses(
    fleet: Fleet, capsys: pytest.CaptureFixture[str]
) -> None:
    (fleet.folder / "litellm").write_text("sk-wrong-key-123")
    assert main(["apply", *fleet.arguments]) == 1
    output = capsys.readouterr()
    assert "secret file 'litellm'" in output.err
    assert "sk-wrong-key-123" not in output.out + output.err


def test_run_once_writes_the_plan_log(fleet: Fleet, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--once", *fleet.arguments]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    for line in lines:
        validate(line, "planlog")
    assert [line["event"] for line in lines] == ["plan", "result", "result", "cycle"]
    assert main(["run", "--once", *fleet.arguments]) == 0
    assert [json.loads(line)["event"] for line in capsys.readouterr().out.splitlines()] == ["cycle"]


def test_a_dry_run_writes_nothing(fleet: Fleet, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--once", "--dry-run", *fleet.arguments]) == 2
    assert fleet.proxy.writes == []
    events = [json.loads(line)["event"] for line in capsys.readouterr().out.splitlines()]
    assert events == ["plan", "cycle"]


def test_each_new_plan_is_an_artifact(fleet: Fleet, tmp_path: Path) -> None:
    folder = tmp_path / "artifacts"
    for _ in range(2):
        main(["run", "--once", "--artifacts", str(folder), *fleet.arguments])
    plans = [json.loads(path.read_text()) for path in sorted(folder.iterdir())]
    for plan in plans:
        validate(plan, "plan")
    assert [plan["summary"]["create"] for plan in plans] == [2, 0]


def test_alive_depends_on_the_age_of_the_heartbeat(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    heartbeat = tmp_path / "heartbeat"
    assert main(["alive", "--heartbeat", str(heartbeat)]) == 1
    heartbeat.touch()
    assert main(["alive", "--heartbeat", str(heartbeat)]) == 0
    os.utime(heartbeat, (0, 0))
    assert main(["alive", "--heartbeat", str(heartbeat)]) == 1
    assert "last heartbeat" in capsys.readouterr().out


def test_a_missing_configuration_is_a_clear_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["plan", "--config", str(tmp_path / "none.yaml"), "--secrets", str(tmp_path)]) == 1
    assert "none.yaml" in capsys.readouterr().err


def test_the_demo_runs_to_its_end(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo"]) == 0
    assert "That was the demo" in capsys.readouterr().out


@pytest.mark.parametrize("as_json", [False, True])
def test_no_secret_is_in_any_output(
    fleet: Fleet, capsys: pytest.CaptureFixture[str], tmp_path: Path, as_json: bool
) -> None:
    secrets = [MASTER_KEY, "sk-box-distinct-1", "Bearer header-distinct-2", "token-distinct-3"]
    (fleet.folder / "box").write_text(secrets[1])
    params = f"{{extra_headers: {{Authorization: {secrets[2]}}}, my_token: {secrets[3]}}}"
    fleet.configure(f"litellm_params_defaults: {params}")
    log_format = ["--log-format", "json"] if as_json else []
    artifacts = tmp_path / "artifacts"
    run = ["run", "--once", "--debug", "--artifacts", str(artifacts), *log_format]
    main([*run, *fleet.arguments])
    (fleet.folder / "box").write_text("sk-box-distinct-4")
    main([*run, *fleet.arguments])
    main(["plan", "--debug", "--json", *fleet.arguments])
    output = capsys.readouterr()
    written = output.out + output.err + "".join(p.read_text() for p in artifacts.iterdir())
    assert "DEBUG" in written or "debug" in written
    for secret in [*secrets, "sk-box-distinct-4"]:
        assert secret not in written
