"""The command line, run in this process against a simulated fleet."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine import __version__
from engine.cli.main import main
from engine.cli.parser import make_parser
from engine.fakes.backend import FakeBackend
from engine.validate import validate
from tests.documents import ROOT
from tests.fleet import MASTER_KEY, Fleet, running_fleet
from tests.quick import QUICK


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


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("pln", "plan"),
        ("aply", "apply"),
        ("plan --frce box", "--force"),
        ("run --onec", "--once"),
        ("plan --confg=x", "--config"),
        ("plan --color alway", "always"),
    ],
)
def test_a_word_that_is_close_to_a_known_one_gets_a_suggestion(
    line: str, meant: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        main(line.split())
    assert stop.value.code == 64
    assert f"did you mean '{meant}'?" in capsys.readouterr().err


def test_the_common_options_may_come_before_the_command(
    fleet: Fleet, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*fleet.arguments, "--color", "always", "plan"]) == 2
    assert "\x1b[32m+ create" in capsys.readouterr().out
    assert main([*fleet.arguments, "--color", "always", "plan", "--color", "never"]) == 2
    assert "\x1b[32m+ create" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("1.5", 1.5), ("90s", 90), ("5m", 300), ("1h30m", 5400)]
)
def test_an_option_takes_a_duration(text: str, seconds: float) -> None:
    parser = make_parser()
    assert parser.parse_args(["run", "--interval", text]).interval == seconds
    alive = parser.parse_args(["alive", "--heartbeat", "x", "--max-age", text])
    assert alive.max_age == seconds
    assert parser.parse_args(["demo", "--pause", text]).pause == seconds


def commands() -> dict[str, argparse.ArgumentParser]:
    (group,) = (a for a in make_parser()._actions if isinstance(a, argparse._SubParsersAction))
    return dict(group.choices)


@pytest.mark.parametrize("name", sorted(commands()))
def test_each_command_explains_its_options_and_has_an_example(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        main([name, "--help"])
    assert stop.value.code == 0
    examples = capsys.readouterr().out.partition("examples:\n")[2].splitlines()
    for example in examples:
        program, *words = shlex.split(example.partition(" > ")[0])
        assert program == "modelprovisioner"
        assert make_parser().parse_args(words).command == name
    assert examples
    assert [action.option_strings for action in commands()[name]._actions if not action.help] == []


def test_a_fatal_error_is_a_json_line_where_the_log_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = ["--config", str(tmp_path / "none.yaml"), "--secrets", str(tmp_path)]
    assert main(["run", "--log-format", "json", *missing]) == 1
    line = json.loads(capsys.readouterr().err)
    assert line["level"] == "error"
    assert "none.yaml" in line["message"]


def test_wrong_usage_is_a_json_line_where_the_log_is(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for line in ("--log-format json plann", "plan --log-format=json --jsno"):
        with pytest.raises(SystemExit) as left:
            main(line.split())
        assert left.value.code == 64
        (text,) = capsys.readouterr().err.splitlines()
        record = json.loads(text)
        assert record["level"] == "error"
        assert "did you mean" in record["message"]


def test_the_log_is_text_on_a_terminal_and_json_elsewhere(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def error(*words: str) -> str:
        assert main(["validate", "--config", "none.yaml", *words]) == 1
        return capsys.readouterr().err

    assert error("--log-format", "auto").startswith('{"time": ')
    assert error("--log-format=auto", "--log-format=text").startswith("error: ")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert error("--log-format", "auto").startswith("error: ")
    assert error("--log-format", "json").startswith('{"time": ')


@pytest.mark.parametrize(
    ("variable", "begin"),
    [("", "error: "), ("text", "error: "), ("other", "error: "), ("json", "{"), ("auto", "{")],
)
def test_the_environment_says_what_the_log_is_unless_the_command_line_does(
    variable: str,
    begin: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("MODELPROVISIONER_LOG_FORMAT", variable)
    assert main(["validate", "--config", "none.yaml"]) == 1
    assert capsys.readouterr().err.startswith(begin)
    with pytest.raises(SystemExit):
        main(["plann"])
    assert capsys.readouterr().err.startswith("usage: " if begin == "error: " else "{")
    assert main(["validate", "--config", "none.yaml", "--log-format", "text"]) == 1
    assert capsys.readouterr().err.startswith("error: ")


@pytest.mark.parametrize(
    "line", ["plan --out", "plan --config", "run --artifacts", "run --heartbeat", "run --secrets"]
)
def test_an_empty_path_is_wrong_usage(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main([*line.split(), ""])
    assert left.value.code == 64
    assert "expected a path, got ''" in capsys.readouterr().err


def test_one_cycle_gives_a_sign_of_life_even_without_anything_to_do(
    fleet: Fleet, tmp_path: Path
) -> None:
    assert main(["apply", *fleet.arguments]) == 0
    heartbeat = tmp_path / "heartbeat"
    assert main(["run", "--once", "--heartbeat", str(heartbeat), *fleet.arguments]) == 0
    assert heartbeat.exists()


def test_validate_warns_of_a_key_file_that_cannot_be_used(
    fleet: Fleet, capsys: pytest.CaptureFixture[str]
) -> None:
    (fleet.folder / "box").write_text("a\nb\n")
    assert main(["validate", *fleet.arguments]) == 0
    captured = capsys.readouterr()
    assert "warning: box is not asked for its models: the key file" in captured.err
    assert "box: openai on" in captured.out
    assert "key file not usable" in captured.out


def test_the_plan_can_go_to_stdout_as_a_file(
    fleet: Fleet, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["plan", "--out", "-", *fleet.arguments]) == 2
    validate(json.loads(capsys.readouterr().out), "plan")


@pytest.mark.parametrize("place", ["none/plan.json", "file/plan.json", ".", "loop"])
def test_a_plan_that_cannot_be_written_is_an_error(
    fleet: Fleet, tmp_path: Path, capsys: pytest.CaptureFixture[str], place: str
) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "loop").symlink_to("loop")
    assert main(["plan", "--out", str(tmp_path / place), *fleet.arguments]) == 1
    error = capsys.readouterr().err
    assert f"the plan cannot be written to {tmp_path / place}" in error
    assert "--out" in error


def test_a_device_and_a_link_stay_what_they_are(fleet: Fleet, tmp_path: Path) -> None:
    (tmp_path / "target").touch()
    (tmp_path / "link").symlink_to("target")
    assert main(["plan", "--out", str(tmp_path / "link"), *fleet.arguments]) == 2
    assert (tmp_path / "link").is_symlink()
    validate(json.loads((tmp_path / "target").read_text()), "plan")
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    try:
        assert main(["plan", "--out", str(tmp_path / "pipe"), *fleet.arguments]) == 2
        assert (tmp_path / "pipe").is_fifo()
        assert os.read(reader, 1) == b"{"
    finally:
        os.close(reader)


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
    assert main(["apply", "--force", "box", *fleet.arguments]) == 0
    assert fleet.names() == []


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["apply", "--force", "bax"], "--force 'bax' is not a backend"),
        (["plan", "--backend", "bax"], "did you mean 'box'?"),
        (["plan", "--backend", "zzz"], "there are: box"),
        (["plan", "--backend", "all"], "--backend 'all' is not a backend"),
        (["run", "--once", "--force", "bax"], "did you mean 'box'?"),
    ],
)
def test_a_backend_that_is_not_configured_is_wrong_usage(
    fleet: Fleet, capsys: pytest.CaptureFixture[str], arguments: list[str], expected: str
) -> None:
    assert main([*arguments, *fleet.arguments]) == 64
    assert expected in capsys.readouterr().err
    assert fleet.proxy.requests == []


def test_a_force_without_a_backend_is_refused(
    fleet: Fleet, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["apply", "--force", *fleet.arguments])
    assert stop.value.code == 64
    assert "such as --force gpu1; --force all is every backend" in capsys.readouterr().err


def test_only_the_named_backend_is_changed(
    fleet: Fleet, capsys: pytest.CaptureFixture[str]
) -> None:
    with FakeBackend("openai", ["c"]) as spare:
        config = fleet.folder / "config.yaml"
        config.write_text(f"{config.read_text()}  - {{name: spare, url: '{spare.url}'}}\n")
        assert main(["plan", "--json", "--backend", "spare", *fleet.arguments]) == 2
        plan = json.loads(capsys.readouterr().out)
        assert [operation["name"] for operation in plan["operations"]] == ["c"]
        assert main(["apply", "--backend", "spare", *fleet.arguments]) == 0
        assert fleet.names() == ["c"]
        assert "box" not in capsys.readouterr().out
        assert main(["apply", "--backend", "spare", "--backend", "box", *fleet.arguments]) == 0
    assert fleet.names() == ["a", "b", "c"]


def test_force_lets_only_the_named_backend_delete(fleet: Fleet) -> None:
    with FakeBackend("openai", ["c"]) as spare:
        config = fleet.folder / "config.yaml"
        config.write_text(f"{config.read_text()}  - {{name: spare, url: '{spare.url}'}}\n")
        main(["apply", *fleet.arguments])
        spare.models.clear()
        fleet.box.models.clear()
        assert main(["apply", "--force", "spare", *fleet.arguments]) == 3
        assert fleet.names() == ["a", "b"]
        assert main(["run", "--once", "--force", "all", *fleet.arguments]) == 0
    assert fleet.names() == []


def test_what_a_limit_leaves_out_is_named_and_changes_the_exit_code(
    fleet: Fleet, capsys: pytest.CaptureFixture[str]
) -> None:
    fleet.configure(top="limits: {max_creates: 1}")
    assert main(["apply", *fleet.arguments]) == 3
    text = capsys.readouterr().out
    assert "limit: this cycle already creates 1 (limits.max_creates)" in text
    assert fleet.names() == ["a"]
    assert main(["apply", *fleet.arguments]) == 0
    assert fleet.names() == ["a", "b"]


def test_a_plan_that_only_a_limit_empties_is_not_in_step(
    fleet: Fleet, capsys: pytest.CaptureFixture[str]
) -> None:
    fleet.configure(top="limits: {max_models: 1}")
    main(["apply", *fleet.arguments])
    capsys.readouterr()
    assert main(["plan", *fleet.arguments]) == 3
    assert "Nothing to do now; 1 held back by a limit." in capsys.readouterr().out


def test_apply_exits_with_1_when_litellm_refuses(
    fleet: Fleet, capsys: pytest.CaptureFixture[str]
) -> None:
    (fleet.folder / "litellm").write_text("sk-wrong-key-123")
    assert main(["apply", *fleet.arguments]) == 1
    output = capsys.readouterr()
    assert "key file 'litellm'" in output.err
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
    assert "last heartbeat" in capsys.readouterr().out
    os.utime(heartbeat, (0, 0))
    assert main(["alive", "--heartbeat", str(heartbeat)]) == 1
    assert "ago, more than --max-age 600 s; look at the log of `run`" in capsys.readouterr().err


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


def test_a_plan_can_be_markdown(fleet: Fleet, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*fleet.arguments, "plan", "--markdown"]) == 2
    assert "```diff\n+ create " in capsys.readouterr().out


def test_the_schemas_are_listed_and_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema"]) == 0
    listed = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    files = {path.name.partition(".")[0]: path for path in (ROOT / "schemas").glob("*.json")}
    assert sorted(listed) == sorted(files)
    for name, path in files.items():
        assert main(["schema", name]) == 0
        assert json.loads(capsys.readouterr().out) == json.loads(path.read_text())
    with pytest.raises(SystemExit) as stop:
        main(["schema", "confg"])
    assert stop.value.code == 64
    assert "did you mean 'config'?" in capsys.readouterr().err


def test_the_key_of_litellm_in_the_environment_works_and_is_never_shown(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MODELPROVISIONER_LITELLM_KEY", MASTER_KEY)
    (fleet.folder / "litellm").unlink()
    for words in (["validate"], ["plan"], ["apply"], ["doctor"], ["run", "--once"]):
        assert main([*words, *fleet.arguments], QUICK) in {0, 2}
    captured = capsys.readouterr()
    assert "the key of LiteLLM is in $MODELPROVISIONER_LITELLM_KEY" in captured.out
    assert MASTER_KEY not in captured.out + captured.err


def test_a_key_in_the_environment_beside_a_key_file_is_noted_and_never_shown(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MODELPROVISIONER_LITELLM_KEY", "sk-of-nobody")
    fleet.configure("filter_regex: sk-of-nobody")  # so that a message would quote it
    assert main(["plan", *fleet.arguments], QUICK) == 0
    captured = capsys.readouterr()
    assert "$MODELPROVISIONER_LITELLM_KEY is not used, since there is the key file" in captured.err
    assert "sk-of-nobody" not in captured.out + captured.err


def test_a_variable_in_the_configuration_has_its_value(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = fleet.folder / "config.yaml"
    path.write_text(path.read_text().replace(fleet.box.url, "${BOX}"))
    assert main(["plan", *fleet.arguments], QUICK) == 1
    monkeypatch.setenv("BOX", fleet.box.url)
    for words in (["validate"], ["explain", "m"], ["doctor"]):
        assert main([*words, *fleet.arguments], QUICK) != 1 or words[0] == "explain"
    assert main(["apply", *fleet.arguments], QUICK) == 0
