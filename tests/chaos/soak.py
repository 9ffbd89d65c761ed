"""A long run of one engine: what it holds must not grow.

``python -m tests.chaos.soak --minutes 60``

Rounds of changes under faults are followed by quiet cycles. After each round the engine's memory,
file descriptors and threads are read, and the requests of a quiet cycle are counted.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from .litellms import LiteLLM, Simulated
from .scenarios import BACKEND_FAULTS, LITELLM_FAULTS
from .world import World

Json = dict[str, Any]
WARM_UP: Final = 0.25
"""The share of the rounds that is not judged, because caches still fill."""
GROWTH: Final = 4.0
"""MiB by which memory may grow from the first to the last third of the rounds that are judged."""
CHURN: Final = 5
QUICK_FAULTS: Final = {
    name: n for name, n in LITELLM_FAULTS.items() if name not in ("hang", "drip")
}
QUICK_BACKEND_FAULTS: Final = {
    name: n for name, n in BACKEND_FAULTS.items() if name not in ("hang", "drip")
}


@dataclass(frozen=True)
class Reading:
    """What an engine held after a round: MiB, counts, and the requests of a quiet cycle.

    ``surplus`` is how many rows of its LiteLLM holds beyond those that are wanted.
    """

    memory: float
    descriptors: int
    threads: int
    requests: int
    surplus: int = 0


@dataclass
class Soak:
    """The readings of a run, and what is wrong with them."""

    readings: list[Reading] = field(default_factory=list)
    cycles: int = 0
    faults: int = 0
    violations: list[str] = field(default_factory=list)

    def judge(self) -> list[str]:
        """Return a sentence for each thing that grew or changed."""
        judged = self.readings[int(len(self.readings) * WARM_UP) :]
        third = max(1, len(judged) // 3)
        first, last = judged[:third], judged[-third:]
        wrong = list(self.violations)
        before = statistics.median(reading.memory for reading in first)
        after = statistics.median(reading.memory for reading in last)
        if after - before > GROWTH:
            wrong.append(f"memory grew from {before:.1f} to {after:.1f} MiB")
        for name in ("descriptors", "threads"):
            most = [max(getattr(reading, name) for reading in part) for part in (first, last)]
            if most[1] > most[0]:
                wrong.append(f"{name} grew from {most[0]} to {most[1]}")
        surplus = max(reading.surplus for reading in self.readings)
        if surplus:
            wrong.append(f"LiteLLM has {surplus} rows more than are wanted")
        counts = {reading.requests for reading in self.readings}
        if len(counts) > 1:
            wrong.append(f"a quiet cycle costs different numbers of requests: {sorted(counts)}")
        return wrong

    def to_json(self) -> Json:
        """Return the report: the first reading after the warm-up, and the last one."""
        first, last = self.readings[int(len(self.readings) * WARM_UP)], self.readings[-1]
        return {
            "cycles": self.cycles,
            "faults": self.faults,
            "first": asdict(first),
            "last": asdict(last),
            "violations": self.judge(),
        }

    def __str__(self) -> str:
        first, last = self.readings[int(len(self.readings) * WARM_UP)], self.readings[-1]
        return (
            f"{self.cycles:,} cycles, {self.faults:,} faults; memory {first.memory:.1f} ->"
            f" {last.memory:.1f} MiB, descriptors {first.descriptors} -> {last.descriptors},"
            f" threads {first.threads} -> {last.threads},"
            f" {last.requests} requests per quiet cycle"
        )


def read(pid: int, requests: int, surplus: int) -> Reading:
    """Return what a process holds, once the threads of its last cycle have ended."""
    process = Path(f"/proc/{pid}")
    threads = min(len(list((process / "task").iterdir())) for _ in _moments())
    status = dict(
        line.split(":", 1) for line in (process / "status").read_text().splitlines() if ":" in line
    )
    memory = int(status["VmRSS"].split()[0]) / 1024
    descriptors = len(list((process / "fd").iterdir()))
    return Reading(memory, descriptors, threads, requests, surplus)


def _moments() -> Iterator[None]:
    for _ in range(5):
        yield
        time.sleep(0.02)


def soak(
    litellm: LiteLLM, seconds: float, folder: Path, report: Callable[[str], None] = lambda _: None
) -> Soak:
    """Run one engine for some seconds, and for at least eight rounds; ``report`` gets progress."""
    done = Soak()
    with World("soak", litellm, folder) as world:
        world.add_site()
        world.add_site(keyed=True)
        world.add_site(kind="gpustack")  # its API is not below /v1
        world.limits = {"suspicion_period": 0}  # several models may go between two cycles
        seat = world.add_engine()
        seat.engine.loop_arguments = ("--artifacts", str(seat.engine.folder / "artifacts"))
        world.begin()
        begun = time.monotonic()
        while len(done.readings) < 8 or time.monotonic() - begun < seconds:
            world.break_things(0.2, litellm=QUICK_FAULTS, backends=QUICK_BACKEND_FAULTS)
            for _ in range(CHURN):
                world.churn()
                world.cycle()
            world.settle()
            before = sum(len(proxy.requests) for proxy in world.proxies)
            world.cycle()
            asked = sum(len(proxy.requests) for proxy in world.proxies) - before
            done.readings.append(read(seat.engine.pid, asked, world.surplus_rows()))
            done.cycles, done.faults = seat.engine.cycles, sum(world.tally.values())
            report(str(done))
        world.end()
        done.violations = world.witness.violations
    return done


def main() -> int:
    """Soak, and return 1 if anything grew."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=1.0, metavar="M", help="(1)")
    parser.add_argument("--report", type=Path, metavar="FILE", help="also write it as JSON")
    options = parser.parse_args()
    litellm = Simulated("1.106.2")
    begun = time.monotonic()
    last = [begun]

    def print_sometimes(text: str) -> None:
        if time.monotonic() - last[0] > 10:
            last[0] = time.monotonic()
            print(f"{last[0] - begun:.0f} s: {text}", file=sys.stderr)

    try:
        with tempfile.TemporaryDirectory() as folder:
            done = soak(litellm, options.minutes * 60, Path(folder), print_sometimes)
    finally:
        litellm.close()
    print(done)
    if options.report:
        report = {"minutes": options.minutes, **done.to_json()}
        options.report.write_text(json.dumps(report, indent=1) + "\n")
    wrong = done.judge()
    for what in wrong:
        print(f"VIOLATION: {what}")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
