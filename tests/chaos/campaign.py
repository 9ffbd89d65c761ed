"""Plays scenarios with seeds, and counts what happened."""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from .litellms import LiteLLM, Simulated
from .scenarios import Scenario
from .world import World

VERSIONS: Final = ("1.106.2", "1.83.14", "1.110.2", "1.74.15.post2", "1.109.3")
"""The simulated versions, which take turns by seed."""
CONCURRENT: Final = ("1.110.2", "1.106.2", "1.109.3")
"""Those on which several writers are used."""


@dataclass
class Score:
    """The figures of one or more runs of a scenario. Each of ``violations`` names its seed."""

    scenario: str
    seeds: int = 0
    cycles: int = 0
    requests: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    kills: int = 0
    settled: int = 0
    samples: int = 0
    compared: int = 0
    violations: list[str] = field(default_factory=list)

    def add(self, other: Score) -> None:
        """Add the figures of another run."""
        for name in ("seeds", "cycles", "requests", "kills", "settled", "samples", "compared"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.faults += other.faults
        self.violations += other.violations

    def to_json(self) -> dict[str, Any]:
        """Return it for the report."""
        return {
            "scenario": self.scenario,
            "seeds": self.seeds,
            "cycles": self.cycles,
            "requests": self.requests,
            "faults": dict(sorted(self.faults.items())),
            "kills": self.kills,
            "settled": self.settled,
            "samples": self.samples,
            "compared": self.compared,
            "violations": self.violations,
        }


def simulated(seed: int, scenario: Scenario) -> LiteLLM:
    """Return the simulated LiteLLM for a seed."""
    versions = VERSIONS if scenario.writers == 1 else CONCURRENT
    return Simulated(versions[seed % len(versions)], scenario.replicas, scenario.reload)


def play(scenario: Scenario, seed: int, litellm: LiteLLM) -> Score:
    """Play a scenario once, and close the LiteLLM."""
    try:
        with tempfile.TemporaryDirectory() as folder:
            world = World(f"{scenario.name}/{seed}", litellm, Path(folder), scenario.writers)
            with world:
                try:
                    scenario.play(world)
                    world.end()
                except Exception as error:  # noqa: BLE001 - the campaign goes on, and the run counts as a violation
                    world.witness.blame(f"the run broke off: {type(error).__name__}: {error}")
            return _score(scenario, seed, world, litellm.name)
    finally:
        litellm.close()


def _score(scenario: Scenario, seed: int, world: World, name: str) -> Score:
    tally = world.tally
    tally.pop("kill", 0)
    return Score(
        scenario.name,
        seeds=1,
        cycles=sum(seat.engine.cycles for seat in world.seats),
        requests=sum(len(seat.proxy.requests) for seat in world.seats),
        faults=tally,
        kills=sum(seat.engine.kills for seat in world.seats),
        settled=world.settled,
        samples=world.witness.samples,
        compared=world.witness.compared,
        violations=[f"seed {seed}, {name}: {what}" for what in world.witness.violations],
    )


def campaign(
    scenarios: list[Scenario],
    seeds: list[int],
    litellm: Callable[[int, Scenario], LiteLLM],
    report: Callable[[str], None] = lambda _: None,
) -> list[Score]:
    """Play every scenario with every seed; ``report`` gets the progress."""
    scores: list[Score] = []
    for scenario in scenarios:
        score, begun = Score(scenario.name), time.monotonic()
        for seed in seeds:
            score.add(play(scenario, seed, litellm(seed, scenario)))
            report(
                f"{scenario.name}: seed {seed}, {sum(score.faults.values())} faults,"
                f" {score.kills} kills, {len(score.violations)} violations"
                f" ({time.monotonic() - begun:.0f} s)"
            )
        scores.append(score)
    return scores
