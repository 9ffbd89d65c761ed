"""How a diagnosis looks."""

from __future__ import annotations

import pytest

from engine.cli.main import main
from engine.doctor.finding import (
    AREAS,
    BACKENDS,
    ERROR,
    NETWORK,
    NOTE,
    OK,
    SEVERITIES,
    UNCHECKED,
    WARNING,
    Finding,
    diagnosis,
)
from engine.doctor.text import summary_of, text_of
from engine.report.columns import COLOUR, Screen, display_width
from engine.validate import schema
from tests.fleet import Fleet

WORDS = "one two three " * 10
FOUND = diagnosis(
    [
        Finding(OK, BACKENDS, "list", "box", "lists 2 models"),
        Finding(ERROR, BACKENDS, "wrong_key", "b\x1b[31mox", WORDS, WORDS, "\u6a21\u578b " * 30),
        Finding(UNCHECKED, NETWORK, "x", "dead", "its port", "nobody knows"),
        Finding(WARNING, NETWORK, "y", "old", "its certificate"),
    ]
)


def test_it_is_by_area_and_the_worst_comes_first() -> None:
    text = text_of(FOUND, Screen(), colour=False)
    assert text.splitlines()[:5] == [
        "network",
        "  warning      old: its certificate",
        "  not checked  dead: its port",
        "               why: nobody knows",
        "",
    ]
    assert text.index("  error ") < text.index("  ok  ")
    assert text.endswith("\nDoctor: 1 error, 1 warning, 1 not checked, 1 ok.")


def test_nothing_in_it_steers_a_terminal() -> None:
    text = text_of(FOUND, Screen(), colour=False)
    assert "\x1b" not in text
    assert "b\\x1b[31mox" in text


@pytest.mark.parametrize("width", [20, 30, 49, 50, 60, 80, 200])
@pytest.mark.parametrize("colour", [False, True])
def test_it_fits_any_width(width: int, *, colour: bool) -> None:
    text = text_of(FOUND, Screen(width, 24, wraps=True), colour=colour)
    for line in text.splitlines()[:-1]:
        assert display_width(COLOUR.sub("", line)) <= max(width, 25), line
    words = COLOUR.sub("", text).split()
    assert words == text_of(FOUND, Screen(), colour=False).split()


def test_lines_that_go_on_are_below_the_text() -> None:
    text = text_of(FOUND, Screen(60, 24, wraps=True), colour=False)
    rows = text.splitlines()
    start = next(index for index, row in enumerate(rows) if row.startswith("  error"))
    assert rows[start + 1].startswith(" " * 15 + "two")
    assert rows[start + 4].startswith(" " * 15 + "why: one")
    assert rows[start + 5].startswith(" " * 20)


def test_the_summary_always_has_errors_and_warnings() -> None:
    assert summary_of(diagnosis([])) == "Doctor: 0 errors, 0 warnings."
    notes = [Finding(NOTE, NETWORK, "z", "a", "b")] * 2
    assert summary_of(diagnosis(notes)) == "Doctor: 0 errors, 0 warnings, 2 notes."


def test_the_schema_has_our_words() -> None:
    document = schema("diagnosis")
    finding = document["$defs"]["finding"]["properties"]
    assert finding["severity"]["enum"] == [*SEVERITIES]
    assert finding["area"]["enum"] == [*AREAS]
    assert set(document["properties"]["summary"]["properties"]) == set(SEVERITIES)


def test_colours_are_as_asked(fleet: Fleet, capsys: pytest.CaptureFixture[str]) -> None:
    for colour, painted in (("always", True), ("never", False), ("auto", False)):
        main(["doctor", "--color", colour, *fleet.arguments])
        assert ("\x1b[32mok" in capsys.readouterr().out) == painted
