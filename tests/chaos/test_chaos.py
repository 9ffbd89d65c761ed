"""A small campaign, and tests that its witness sees each kind of violation.

For the large one, with more seeds or on a real LiteLLM: ``python -m tests.chaos --help``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from .campaign import play, simulated
from .engines import Trouble
from .faultproxy import Request
from .faults import DONE, LISTING, NOT_DONE, Dice
from .litellms import Simulated
from .scenarios import SCENARIOS, Scenario
from .world import World

QUICK = [
    scenario
    for scenario in SCENARIOS
    if scenario.name
    in {
        "kill-in-the-storm",
        "engines-of-one-owner",
        "replicas",
        "configuration-swapped",
        "jumping-clock",
    }
]


@pytest.mark.slow
@pytest.mark.parametrize("scenario", QUICK, ids=lambda scenario: scenario.name)
def test_a_scenario_has_no_violation(scenario: Scenario) -> None:
    score = play(scenario, 1, simulated(1, scenario))
    assert score.violations == []
    assert score.settled > 0
    assert score.compared > 0


def test_the_same_seed_makes_the_same_decisions() -> None:
    kinds = dict.fromkeys((*NOT_DONE, *DONE, *LISTING), 1)
    first, second = (Dice("7", 0.5, kinds) for _ in range(2))
    asked = [("GET", "/v2/model/info?size=1"), ("POST", "/model/new")] * 50
    decided = [first.fault(*request) for request in asked]
    assert decided == [second.fault(*request) for request in asked]
    assert len({fault.kind for fault in decided if fault}) > 10


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    litellm = Simulated("1.106.2")
    with World("test", litellm, tmp_path) as world:
        world.add_site(keyed=True)
        world.add_engine()
        world.begin()
        world.settle()
        assert world.witness.violations == []
        yield world
    litellm.close()


def row_of(world: World, name: str) -> str:
    rows = world.litellm.listings()[0]
    assert rows is not None
    return next(str(row["model_info"]["id"]) for row in rows if row["model_name"] == name)


def test_the_witness_sees_a_lost_deployment(world: World) -> None:
    name = world.sites[0].anchor
    world.litellm.call("POST", "/model/delete", {"id": row_of(world, name)})
    world.witness.sample()
    assert world.witness.violations == [
        f"{name} of backend 0 was lost although its backend serves it"
    ]


def test_the_witness_sees_a_changed_row_of_somebody_else(world: World) -> None:
    row_id = row_of(world, "cloud")
    world.litellm.call("PATCH", f"/model/{row_id}/update", {"litellm_params": {"rpm": 1}})
    world.witness.sample()
    assert world.witness.violations == [f"the row {row_id} of somebody else was changed"]


def test_the_witness_sees_that_a_row_of_somebody_else_is_gone(world: World) -> None:
    row_id = row_of(world, "elsewhere")
    world.litellm.call("POST", "/model/delete", {"id": row_id})
    assert f"the row {row_id} of somebody else is gone" in world.witness.judge(world.expected())


def test_the_witness_sees_a_duplicate(world: World) -> None:
    site = world.sites[0]
    rows = world.litellm.listings()[0]
    assert rows is not None
    twin = next(row for row in rows if row["model_name"] == site.anchor)
    twin["model_info"] = {**twin["model_info"], "id": "a-twin"}
    world.litellm.call("POST", "/model/new", twin)
    judged = world.witness.judge(world.expected())
    assert f"{site.anchor} is there 2 times (chaos)" in judged


def test_the_witness_sees_that_the_engine_has_not_converged(world: World) -> None:
    expected = world.expected()
    site = world.sites[0]
    world.litellm.call("POST", "/model/delete", {"id": row_of(world, site.anchor)})
    assert world.witness.judge(expected) == [f"{site.anchor} is missing (chaos)"]
    world.set_rpm(999)
    assert len(world.witness.judge(world.expected())) == len(site.models)


def test_the_witness_sees_a_secret_in_the_listing(world: World) -> None:
    row_id, note = row_of(world, world.sites[0].anchor), {"note": world.sites[0].key}
    body = {"model_info": {"id": row_id, **note}}
    world.litellm.call("PATCH", f"/model/{row_id}/update", body)
    world.witness.sample()
    assert world.witness.violations == ["a secret can be read in LiteLLM's listing"]


def test_a_delayed_delete_is_not_a_violation_of_the_engine(world: World) -> None:
    site, seat = world.sites[0], world.seats[0]
    model = next(name for name in site.models if name != site.anchor)
    headers = (("Authorization", f"Bearer {world.litellm.key}"),)
    delete = json.dumps({"id": row_of(world, model)}).encode()
    world.withdraw(site, model)
    seat.proxy.hold(Request("POST", "/model/delete", headers, delete))
    world.offer(site, model)
    world.witness.sample()
    world.cycle()
    world.cycle()
    assert world.witness.violations == []
    assert row_of(world, model)


def test_the_clock_of_an_engine_jumps(world: World) -> None:
    engine = world.seats[0].engine
    engine.stop()
    engine.trouble = Trouble(clock="7")
    times = [datetime.fromisoformat(engine.cycle()["time"]) for _ in range(3)]
    assert max(times) - min(times) > timedelta(hours=1)


def test_a_secret_in_the_output_is_a_violation(world: World) -> None:
    world.seats[0].engine.output.append(f"oops {world.sites[0].key}\n")
    world.end()
    assert world.witness.violations == ["a secret is in the output of an engine"]
