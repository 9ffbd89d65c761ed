"""The question before rows are deleted or replaced, on a real terminal and without one."""

from __future__ import annotations

import argparse
import os
import pty
import re
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.cli.confirm import confirmed
from engine.cli.main import main
from engine.plan.planner import make_plan
from tests import builders as b
from tests.fleet import Fleet, running_fleet

QUESTION = "This gets 1 row deleted. Go on? [y/N]"


@pytest.fixture
def fleet(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Fleet]:
    """Models a and b are registered; b is no longer served, and c is new."""
    with running_fleet(tmp_path, "a", "b") as running:
        assert main(["apply", *running.arguments]) == 0
        running.box.models = ["a", "c"]
        capsys.readouterr()
        yield running


def on_terminal(monkeypatch: pytest.MonkeyPatch, words: list[str], typed: bytes) -> tuple[int, str]:
    """Run a command on a terminal on which something was typed; return its exit code and output."""
    ours, its = pty.openpty()
    shown: list[bytes] = []

    def read() -> None:
        try:
            while piece := os.read(ours, 4096):
                shown.append(piece)
        except OSError:  # the other end is closed
            return

    reader = threading.Thread(target=read)
    reader.start()
    os.write(ours, typed)
    try:
        with os.fdopen(its, "r") as stdin, os.fdopen(os.dup(its), "w") as stdout:
            monkeypatch.setattr(sys, "stdin", stdin)
            monkeypatch.setattr(sys, "stdout", stdout)
            code = main([*words, "--color", "never"])
    finally:
        monkeypatch.undo()
        reader.join(10)
        os.close(ours)
    return code, re.sub(r"\r\n", "\n", b"".join(shown).decode())


@pytest.mark.parametrize("typed", [b"y\n", b"YES\n"])
def test_the_plan_is_shown_and_a_yes_carries_it_out(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch, typed: bytes
) -> None:
    code, text = on_terminal(monkeypatch, ["apply", *fleet.arguments], typed)
    assert code == 0
    assert text.index("- delete b") < text.index(QUESTION) < text.index("delete b: applied")
    assert fleet.names() == ["a", "c"]


@pytest.mark.parametrize("typed", [b"n\n", b"\n", b"yesterday\n", b"\x04"])
def test_any_other_answer_writes_nothing(
    fleet: Fleet,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    typed: bytes,
) -> None:
    writes = len(fleet.proxy.writes)
    code, text = on_terminal(monkeypatch, ["apply", *fleet.arguments], typed)
    assert code == 1
    assert QUESTION in text
    assert "nothing was written, since the answer was not yes" in capsys.readouterr().err
    assert len(fleet.proxy.writes) == writes


def test_who_retires_a_backend_is_asked_as_well(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["retire", "box", "--force", "box", *fleet.arguments]
    code, text = on_terminal(monkeypatch, words, b"n\n")
    assert (code, fleet.names()) == (1, ["a", "b"])
    assert "This gets 2 rows deleted. Go on? [y/N]" in text


def test_who_applies_a_saved_plan_is_asked_about_what_is_left_of_it(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = str(fleet.folder / "plan.json")
    assert main(["plan", "--out", path, *fleet.arguments]) == 2
    code, text = on_terminal(monkeypatch, ["apply", path, *fleet.arguments], b"n\n")
    assert (code, fleet.names()) == (1, ["a", "b"])
    assert QUESTION in text
    assert on_terminal(monkeypatch, ["apply", path, *fleet.arguments], b"y\n")[0] == 0
    code, text = on_terminal(monkeypatch, ["apply", path, *fleet.arguments], b"")
    assert (code, "Go on?" in text) == (0, False)


def test_with_yes_nobody_is_asked(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    code, text = on_terminal(monkeypatch, ["apply", "--yes", *fleet.arguments], b"")
    assert (code, fleet.names()) == (0, ["a", "c"])
    assert "Go on?" not in text


def test_nobody_is_asked_before_what_takes_no_row_away(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet.box.models = ["a", "b", "c"]
    code, text = on_terminal(monkeypatch, ["apply", *fleet.arguments], b"")
    assert (code, fleet.names()) == (0, ["a", "b", "c"])
    assert "Go on?" not in text


def test_a_stop_while_nobody_answers_is_a_no(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = make_plan(b.desired(), b.observed(b.as_seen(b.wanted("gone"))))
    ours, its = pty.openpty()
    with (
        os.fdopen(ours, "rb", 0),
        os.fdopen(its, "r") as stdin,
        open(its, "w", closefd=False) as out,
    ):
        monkeypatch.setattr(sys, "stdin", stdin)
        monkeypatch.setattr(sys, "stdout", out)
        answer = confirmed(plan, argparse.Namespace(yes=False), lambda: True)
        monkeypatch.undo()
    assert not answer


def test_without_a_terminal_nobody_is_asked(
    fleet: Fleet, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["apply", *fleet.arguments]) == 0
    assert "Go on?" not in capsys.readouterr().out
    assert fleet.names() == ["a", "c"]
