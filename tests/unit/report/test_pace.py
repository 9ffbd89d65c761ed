"""How far an apply is, and how long the rest takes."""

from __future__ import annotations

import pytest

from engine.report.columns import display_width
from engine.report.pace import Pace, in_words


def test_the_time_left_follows_from_what_is_done() -> None:
    pace = Pace(done=30, total=120, seconds=60)
    assert pace.left == pytest.approx(180)
    assert pace.sentence() == "30 of 120 operations done, about 3 min left"


def test_at_the_beginning_nothing_is_said_of_the_time() -> None:
    assert Pace(done=2, total=120, seconds=60).sentence() == "2 of 120 operations done"
    assert Pace(done=0, total=120, seconds=0).left is None


def test_a_bar_shows_the_share_that_is_done() -> None:
    assert Pace(60, 120, 30).bar(80) == f"[{'#' * 12}{'.' * 12}] 60/120  about 30 s left"


@pytest.mark.parametrize("width", [1, 3, 10, 20, 40, 80])
def test_a_bar_fits_any_width(width: int) -> None:
    assert display_width(Pace(60, 120, 30).bar(width)) <= max(width, 3)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (99, "99 s"), (100, "2 min"), (5400, "90 min"), (9000, "2.5 h")],
)
def test_times_are_short(seconds: float, words: str) -> None:
    assert in_words(seconds) == words
