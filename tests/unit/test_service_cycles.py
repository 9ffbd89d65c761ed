"""Whole cycles in which rows are blocked and come back, whatever request fails."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from engine.cli.main import main
from engine.fakes.litellm_rows import Row
from engine.fakes.server import Fault
from engine.state.deployment import MARK
from tests.fleet import Fleet, running_fleet
from tests.quick import QUICK

FAULTS = {
    "refuse": Fault("refuse"),
    "reset_after": Fault("reset_after"),
    "status_after": Fault("status_after", 500),
}
GRACE = "removal_grace: 1h"


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    with running_fleet(tmp_path, "a", "b", "c") as running:
        apply(running)
        yield running


def apply(fleet: Fleet) -> int:
    fleet.proxy.reload()
    return main(["apply", *fleet.arguments], timing=QUICK)


def row(fleet: Fleet, name: str) -> Row:
    (found,) = [row for row in fleet.proxy.database.rows.values() if row.model_name == name]
    return found


def mark(fleet: Fleet, name: str) -> dict[str, Any]:
    return dict(row(fleet, name).model_info[MARK])


def pause_since(fleet: Fleet, name: str, seconds_ago: float) -> None:
    """Let a row have been blocked for a while."""
    then = datetime.fromtimestamp(time.time() - seconds_ago, UTC)
    since = {"paused_at": then.isoformat(timespec="seconds").replace("+00:00", "Z")}
    old = row(fleet, name)
    info = {**old.model_info, MARK: {**old.model_info[MARK], **since}}
    fleet.proxy.database.rows[old.model_id] = replace(old, model_info=info)


def is_quiet(fleet: Fleet) -> bool:
    before = len(fleet.proxy.writes)
    assert apply(fleet) == 0
    return len(fleet.proxy.writes) == before


def test_a_model_that_went_away_is_blocked_then_deleted_after_its_grace(fleet: Fleet) -> None:
    fleet.configure(GRACE)
    fleet.box.models.remove("c")
    before = time.time()
    assert apply(fleet) == 0
    assert row(fleet, "c").blocked
    assert mark(fleet, "c")["paused"] == "ladder"
    since = datetime.fromisoformat(mark(fleet, "c")["paused_at"]).timestamp()
    assert before <= since <= time.time() + 1
    assert is_quiet(fleet)
    pause_since(fleet, "c", 3500)
    assert is_quiet(fleet)
    pause_since(fleet, "c", 3700)
    fleet.proxy.clock = lambda: time.time() - 3600
    assert is_quiet(fleet), "by LiteLLM's clock, its grace is not over"
    fleet.proxy.clock = time.time
    assert apply(fleet) == 0
    assert fleet.names() == ["a", "b"]


def test_a_model_that_comes_back_has_its_row_again(fleet: Fleet) -> None:
    fleet.configure(GRACE)
    before = row(fleet, "c")
    groups = {**before.model_info, "access_groups": ["team-x"]}
    fleet.proxy.database.rows[before.model_id] = replace(before, model_info=groups)
    fleet.box.models.remove("c")
    assert apply(fleet) == 0
    fleet.box.models.append("c")
    assert apply(fleet) == 0
    after = row(fleet, "c")
    assert (after.model_id, after.blocked) == (before.model_id, False)
    assert after.model_info == groups
    assert is_quiet(fleet)


@pytest.mark.parametrize("clock", [lambda: time.time() + 90000, lambda: time.time() - 90000])
def test_clocks_that_disagree_by_a_day_make_no_cycle_write_again(
    fleet: Fleet, clock: Callable[[], float]
) -> None:
    fleet.proxy.clock = clock
    fleet.configure(GRACE)
    fleet.box.models.remove("c")
    assert apply(fleet) == 0
    assert is_quiet(fleet)
    assert row(fleet, "c").blocked


def in_maintenance(fleet: Fleet) -> Callable[[], bool]:
    fleet.configure("maintenance: true, litellm_params_defaults: {rpm: 7}")
    rows = fleet.proxy.database.rows
    return lambda: all(row.blocked and row.litellm_params["rpm"] == 7 for row in rows.values())


def back_in_service(fleet: Fleet) -> Callable[[], bool]:
    in_maintenance(fleet)
    assert apply(fleet) == 0
    fleet.configure("litellm_params_defaults: {rpm: 8}")
    rows = fleet.proxy.database.rows
    return lambda: not any(row.blocked or "paused" in row.model_info[MARK] for row in rows.values())


def gone(fleet: Fleet) -> Callable[[], bool]:
    fleet.configure(GRACE)
    fleet.box.models.remove("c")
    return lambda: row(fleet, "c").blocked and mark(fleet, "c")["paused_at"] > "2026"


def returned(fleet: Fleet) -> Callable[[], bool]:
    gone(fleet)
    assert apply(fleet) == 0
    fleet.box.models.append("c")
    return lambda: not row(fleet, "c").blocked and "paused" not in mark(fleet, "c")


@pytest.mark.parametrize("turn", [in_maintenance, back_in_service, gone, returned])
@pytest.mark.parametrize("kind", FAULTS)
def test_the_next_cycle_converges_after_a_fault_at_any_request(
    fleet: Fleet, turn: Callable[[Fleet], Callable[[], bool]], kind: str
) -> None:
    is_done = turn(fleet)
    before = dict(fleet.proxy.database.rows)
    for first in range(30):
        fleet.proxy.database.rows.clear()
        fleet.proxy.database.rows.update(before)
        numbers = itertools.count()
        failed: list[str] = []

        def choose(method: str, path: str, body: bytes, n: Any = numbers, f: Any = failed) -> Any:
            if next(n) != first:  # noqa: B023 - called in this round only
                return None
            f.append(path)
            return FAULTS[kind]

        fleet.proxy.fault = choose
        apply(fleet)
        fleet.proxy.fault = None
        if not failed:
            break
        assert apply(fleet) == 0
        assert is_done(), f"after a fault at request {first}"
        assert fleet.names() == ["a", "b", "c"]
        assert is_quiet(fleet)
    assert 3 < first < 30
