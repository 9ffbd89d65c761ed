"""A short soak; a long one: ``python -m tests.chaos.soak --minutes 60``."""

from __future__ import annotations

from pathlib import Path

import pytest

from .litellms import Simulated
from .soak import Reading, Soak, soak


@pytest.mark.slow
def test_an_engine_that_runs_for_long_holds_no_more_than_before(tmp_path: Path) -> None:
    litellm = Simulated("1.106.2")
    try:
        done = soak(litellm, 0, tmp_path)
    finally:
        litellm.close()
    assert done.judge() == []
    assert done.faults > 0


@pytest.mark.parametrize(
    ("last", "message"),
    [
        (Reading(60.0, 9, 3, 7), "memory grew from 50.0 to 60.0 MiB"),
        (Reading(50.0, 10, 3, 7), "descriptors grew from 9 to 10"),
        (Reading(50.0, 9, 4, 7), "threads grew from 3 to 4"),
        (Reading(50.0, 9, 3, 7, 2), "LiteLLM has 2 rows more than are wanted"),
        (Reading(50.0, 9, 3, 8), "a quiet cycle costs different numbers of requests: [7, 8]"),
    ],
)
def test_growth_is_seen(last: Reading, message: str) -> None:
    assert Soak([Reading(50.0, 9, 3, 7)] * 6 + [last] * 3).judge() == [message]
