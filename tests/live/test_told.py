"""A running loop tells once that a backend answers otherwise."""

from __future__ import annotations

import json

from .conftest import Servers, section
from .installation import Installation, Loop


def test_a_backend_that_dies_and_one_with_a_wrong_key_are_told_once_each(
    servers: Servers, installation: Installation, unique: str
) -> None:
    dies = servers.start("openai", [f"a-{unique}"])
    keyed = servers.start("openai", [f"b-{unique}"], key=f"right-key-{unique}")
    installation.write_key("keyed", f"wrong-key-{unique}")
    installation.configure(section(dies, name="dies"), section(keyed, name="keyed"))
    with installation.looping() as loop:
        loop.wait_for_cycles(1)
        dies.stop()
        for cycle in (2, 3):
            loop.hang_up()
            loop.wait_for_cycles(cycle)
        dies.start()
        installation.write_key("keyed", f"right-key-{unique}")
        for cycle in (4, 5):
            loop.hang_up()
            loop.wait_for_cycles(cycle)
    assert told(loop) == [
        (1, "keyed", "", "unauthorised"),
        (2, "dies", "ok", "unreachable"),
        (4, "dies", "unreachable", "ok"),
        (4, "keyed", "unauthorised", "ok"),
    ]
    assert [line["degraded"] for line in loop.cycles()] == [True, True, True, False, False]
    for words in ("keyed needs", "dies cannot", "dies is back", "keyed is back", "key of keyed"):
        assert len([line for line in loop.stderr if words in without_place(line)]) == 1, words


def told(loop: Loop) -> list[tuple[int, str, str, str]]:
    """Return what the plan log tells of backends: cycle, name, outcome before and now."""
    lines = [line for line in map(json.loads, loop.stdout) if line["event"] == "endpoint"]
    return [(line["cycle"], line["backend"], line["before"], line["outcome"]) for line in lines]


def without_place(line: str) -> str:
    """Return a line of the operator log without the address behind a name."""
    before, _, rest = line.partition(" (http://")
    return before + rest.partition(")")[2]
