"""What a command exits with, and which code it is where several fit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.cli.main import main
from engine.fakes.server import Fault
from tests.fleet import Fleet, running_fleet

COMMANDS = [
    ["plan"],
    ["plan", "--json"],
    ["apply"],
    ["run", "--once"],
    ["run", "--once", "--dry-run"],
]


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    with running_fleet(tmp_path, "a", "b") as running:
        yield running


def exit_code(fleet: Fleet, *command: str) -> int:
    return main([*command, *fleet.arguments])


def stop(fleet: Fleet) -> None:
    fleet.box.stop()


def refuse(fleet: Fleet) -> None:
    fleet.box.key = "sk-another-key"


def send_a_broken_entry(fleet: Fleet) -> None:
    fleet.box.raw = b'{"data": [{"id": "a"}, {"id": "b"}, {"id": 7}]}'


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("fail", [stop, refuse, send_a_broken_entry])
def test_it_is_4_when_a_backend_could_not_be_asked(
    fleet: Fleet, command: list[str], fail: Callable[[Fleet], None]
) -> None:
    assert exit_code(fleet, "apply") == 0
    fail(fleet)
    assert exit_code(fleet, *command) == 4


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_it_is_4_although_another_backend_has_something_to_do(
    fleet: Fleet, command: list[str]
) -> None:
    with (fleet.folder / "config.yaml").open("a") as file:
        file.write("  - {name: dead, url: 'http://127.0.0.1:1', on_unreachable: remove}\n")
    assert exit_code(fleet, *command) == 4


def test_it_is_2_where_all_was_seen_and_something_is_to_be_done(fleet: Fleet) -> None:
    assert exit_code(fleet, "plan") == 2
    assert exit_code(fleet, "run", "--once", "--dry-run") == 2


def test_3_goes_before_4_and_before_2(fleet: Fleet) -> None:
    with (fleet.folder / "config.yaml").open("a") as file:
        file.write("  - {name: dead, url: 'http://127.0.0.1:1'}\n")
        file.write("  - {name: fixed, type: static, url: 'http://fixed:1', models: [c]}\n")
    assert exit_code(fleet, "run", "--once") == 4
    fleet.box.models.clear()
    text = (fleet.folder / "config.yaml").read_text()
    (fleet.folder / "config.yaml").write_text(text.replace("[c]", "[c, d]"))
    assert exit_code(fleet, "plan") == 3
    assert exit_code(fleet, "apply") == 3


def test_1_goes_before_all(fleet: Fleet) -> None:
    with (fleet.folder / "config.yaml").open("a") as file:
        file.write("  - {name: dead, url: 'http://127.0.0.1:1'}\n")
    fleet.proxy.fault = lambda method, *_: Fault("status", 500, "{}") if method == "POST" else None
    assert exit_code(fleet, "apply") == 1


def test_the_help_explains_4(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    assert "  4   a backend could not be asked" in capsys.readouterr().out
