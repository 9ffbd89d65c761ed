"""What is told of backends, and when."""

from __future__ import annotations

import logging

import pytest

from engine.report.news import find_changes, log_change, remedy, remember
from engine.state.endpoint_status import EndpointStatus
from engine.state.listing import OUTCOMES
from tests import builders as b


def tell(caplog: pytest.LogCaptureFixture, *cycles: EndpointStatus) -> list[list[str]]:
    """Return what is logged in each cycle of one backend."""
    known: dict[str, EndpointStatus] = {}
    told = []
    for status in cycles:
        caplog.clear()
        for change in find_changes([status], known):
            log_change(change)
        known = remember([status], known)
        told.append(caplog.messages)
    return told


@pytest.fixture(autouse=True)
def _log_all(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)


def test_a_backend_that_dies_and_comes_back_is_told_twice(
    caplog: pytest.LogCaptureFixture,
) -> None:
    down = b.status(outcome="unreachable", detail="refused")
    other_words = b.status(outcome="unreachable", detail="no answer within 2 s")
    first, dies, stays, back, quiet = tell(
        caplog, b.status(), down, other_words, b.status(models=5), b.status(models=6)
    )
    assert (first, stays, quiet) == ([], [], [])
    (line,) = dies
    assert line.startswith(f"box ({b.BOX}) cannot be reached: refused. Remedy: check that it runs")
    assert back == [f"box ({b.BOX}) is back: 5 models"]


@pytest.mark.parametrize("outcome", OUTCOMES[1:])
def test_the_first_cycle_tells_each_backend_that_is_not_ok(
    caplog: pytest.LogCaptureFixture, outcome: str
) -> None:
    (change,) = find_changes([b.status("good"), b.status("bad", outcome)], {})
    assert change.status.backend == "bad"
    assert change.before == ""
    assert remedy(change.status)


def test_one_trouble_after_the_other_is_told(caplog: pytest.LogCaptureFixture) -> None:
    down, refused, partial = tell(
        caplog,
        b.status(outcome="unreachable"),
        b.status(outcome="unauthorised"),
        b.status(answered=False, detail="entry 3 is no model"),
    )
    assert "cannot be reached" in down[0]
    assert "needs a valid key" in refused[0]
    assert "the key file 'box'" in refused[0]
    assert "cannot be read in full: entry 3 is no model" in partial[0]


def test_an_expression_that_matches_nothing_is_told_once_also_after_an_outage(
    caplog: pytest.LogCaptureFixture,
) -> None:
    idle = b.status(unmatched=("filter_regex: ^qwne",))
    first, again, _, back, both = tell(
        caplog,
        idle,
        idle,
        b.status(outcome="unreachable", models=0),
        idle,
        b.status(unmatched=("filter_regex: ^qwne", "overrides[0].regex: x")),
    )
    sentence = "filter_regex '^qwne' matches none of its 2 models; correct it, or remove it"
    assert first == [f"box ({b.BOX}): {sentence}"]
    assert again == []
    assert back == [f"box ({b.BOX}) is back: 2 models"]
    assert [line.partition(": ")[2].split(" ")[0] for line in both] == ["overrides[0].regex"]


def test_a_backend_that_left_the_configuration_is_forgotten() -> None:
    known = remember([b.status("old", "unreachable")], {})
    assert remember([b.status()], known).keys() == {"box"}
