"""The README at the root: short, with every command, option and exit code, and a real plan.

``WRITE_GOLDEN=1 python -m pytest tests/project/test_readme.py`` writes the plan again.
"""

from __future__ import annotations

import argparse
import os
import re
from pathlib import Path

import pytest

from engine.cli.options.common import add_common_options
from engine.cli.parser import EPILOG, make_parser
from engine.report.terminal import Renderer
from tests.documents import ROOT, read, rows
from tests.marked import filled
from tests.replay import staged, unproxied

README = ROOT / "README.md"


def test_the_readme_is_short() -> None:
    assert read("README.md").count("\n") < 200


def options(parser: argparse.ArgumentParser) -> set[str]:
    names = {name for action in parser._actions for name in action.option_strings}
    return {name for name in names if name.startswith("--")} - {"--help"}


def test_every_command_is_listed_with_its_options() -> None:
    (commands,) = (
        action
        for action in make_parser()._actions
        if isinstance(action, argparse._SubParsersAction)
    )
    table = [row[0].strip("`") for row in rows(read("engine/cli/README.md"), "command")]
    listed = {row.split(" ")[0]: set(re.findall(r"--[\w-]+", row)) for row in table}
    empty = argparse.ArgumentParser()
    add_common_options(empty, defaults=True)
    common = options(empty)
    assert listed == {name: options(sub) - common for name, sub in commands.choices.items()}
    named = " ".join(row[1] for row in rows(read("README.md"), "to"))
    assert sorted(re.findall(r"`(\w+)`", named)) == sorted(listed)
    assert common <= set(re.findall(r"--[\w-]+", read("README.md")))


def test_every_exit_code_is_listed() -> None:
    listed = EPILOG.partition("first steps")[0]
    codes = re.findall(r"^  (\d+) ", listed, re.MULTILINE)
    assert [row[0] for row in rows(read("README.md"), "exit code")] == codes


def test_the_plan_in_the_readme_is_real(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = ROOT / "fixtures/scenarios/readme"
    with staged(folder, tmp_path, monkeypatch) as stage:
        stage.prepare()
        report = stage.cycle(folder, dry_run=True)
    shown = unproxied(Renderer(colour=False).plan(report.plan, report.desired))
    block = f"```text\n$ modelprovisioner plan\n{shown}\n```"
    text = filled(read("README.md"), "plan", "tests/project/test_readme.py", block)
    if os.environ.get("WRITE_GOLDEN"):
        README.write_text(text)
    assert text == read("README.md")


def promises() -> list[str]:
    section = read("README.md").partition("## What it promises\n")[2].partition("\n## ")[0]
    return re.findall(r"^  - (.+)$", section, re.MULTILINE)


def proofs(promise: str) -> list[tuple[str, str]]:
    """Return the name of each test or scenario that a promise names, and the file it is in."""
    return re.findall(r"\[`([\w.-]+)`\]\(([^)]+)\)", promise)


def test_every_promise_names_what_checks_it_on_a_line_of_its_own() -> None:
    assert len(promises()) > 30
    assert [promise for promise in promises() if not proofs(promise)] == []


def has(name: str, path: str) -> bool:
    """Tell whether a file is the one of that scenario, or defines a test of that name."""
    if path == f"fixtures/scenarios/{name}/why.md":
        return (ROOT / path).exists()
    if not re.fullmatch(r"tests/[\w/]+/test_\w+\.py", path) or not (ROOT / path).exists():
        return False
    return re.search(rf"^def {name}\(", read(path), re.MULTILINE) is not None


def test_every_test_that_a_promise_names_exists() -> None:
    named = [proof for promise in promises() for proof in proofs(promise)]
    assert [proof for proof in named if not has(*proof)] == []
