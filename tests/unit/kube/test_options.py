"""`run --leader-election`: what it accepts, and what it says where it cannot be."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.cli.main import main
from engine.cli.parser import parse
from tests.fleet import Fleet, running_fleet


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    with running_fleet(tmp_path, "a") as running:
        yield running


def options(*words: str) -> argparse.Namespace:
    return parse(["run", *words], argparse.Namespace())


def test_the_lease_is_named_as_the_engine_if_no_name_is_given() -> None:
    assert options().leader_election is None
    assert options("--leader-election").leader_election == ("", "")
    assert options("--leader-election", "--interval", "5").leader_election == ("", "")
    assert options("--leader-election", "models/mine").leader_election == ("models", "mine")
    assert options("--leader-election").lease_duration == 15
    assert options("--lease-duration", "1m").lease_duration == 60


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (("--leader-election", "A_B"), "expected NAME or NAMESPACE/NAME"),
        (("--lease-duration", "1.5"), "expected whole seconds"),
        (("--lease-duration", "0"), "expected 1 to"),
    ],
)
def test_wrong_values_are_refused(
    words: tuple[str, ...], what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        options(*words)
    assert ended.value.code == 64
    assert what in capsys.readouterr().err


def test_one_cycle_has_nothing_to_lead(fleet: Fleet, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*fleet.arguments, "run", "--leader-election", "--once"]) == 64
    assert "--leader-election is for the loop; leave it out, or --once" in capsys.readouterr().err
    assert fleet.proxy.requests == []


def test_outside_a_cluster_it_says_what_is_missing(
    fleet: Fleet, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KUBECONFIG", raising=False)
    assert main([*fleet.arguments, "run", "--leader-election"]) == 64
    assert "automountServiceAccountToken" in capsys.readouterr().err
    assert fleet.proxy.requests == []


def test_without_the_library_it_says_how_to_get_it(
    fleet: Fleet, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "lightkube", None)
    monkeypatch.delitem(sys.modules, "engine.kube.client", raising=False)
    assert main([*fleet.arguments, "run", "--leader-election"]) == 64
    assert "pip install 'modelprovisioner[kubernetes]'" in capsys.readouterr().err
