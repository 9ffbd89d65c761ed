"""The fault campaign: ``python -m tests.chaos``."""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import replace
from pathlib import Path

from .campaign import Score, campaign, simulated
from .litellms import LiteLLM, Real
from .scenarios import SCENARIOS, Scenario
from .table import kinds, table


def main() -> int:
    """Play, print the table, and return 1 if anything was violated."""
    options = _options()
    chosen = list(SCENARIOS)
    if options.scenario:
        chosen = [s for s in SCENARIOS if s.name in options.scenario]
    if not chosen:
        print(f"no such scenario; there are: {', '.join(s.name for s in SCENARIOS)}")
        return 64
    if options.writers:
        chosen = [replace(s, writers=options.writers) for s in chosen if s.writers == 1]
    seeds = [options.seed] if options.seed is not None else list(range(1, options.seeds + 1))
    make = simulated
    where = "simulated LiteLLM"
    if options.real:
        commands = {name: getattr(options, name) for name in ("restart", "restart_database")}
        urls, key = options.urls, os.environ["LITELLM_MASTER_KEY"]
        chosen = [s for s in chosen if _can_be_played(s, len(urls), commands)]
        if not chosen:
            return 64

        def real(seed: int, scenario: Scenario) -> LiteLLM:
            del seed
            return Real(urls[: scenario.replicas], key, commands, options.reload)

        make = real
        litellm = make(0, chosen[0])
        where = litellm.name
        litellm.close()
    report = (lambda _: None) if options.quiet else (lambda text: print(text, file=sys.stderr))
    scores = campaign(chosen, seeds, make, report)
    print(f"{table(scores)}\n\nFaults: {kinds(scores)}")
    for score in scores:
        for violation in score.violations:
            print(f"VIOLATION {score.scenario}: {violation}")
    if options.report:
        _write(options.report, where, scores)
    return int(any(score.violations for score in scores))


def _can_be_played(scenario: Scenario, replicas: int, commands: dict[str, str]) -> bool:
    lacking = []
    if scenario.needs and not commands[scenario.needs]:
        lacking.append(f"--{scenario.needs.replace('_', '-')}")
    if replicas < scenario.replicas:
        lacking.append(f"{scenario.replicas} replicas in LITELLM_URLS")
    if lacking:
        print(f"NOT PLAYED: {scenario.name}, which needs {' and '.join(lacking)}", file=sys.stderr)
    return not lacking


def _write(path: Path, where: str, scores: list[Score]) -> None:
    document = {"litellm": where, "scores": [score.to_json() for score in scores]}
    path.write_text(json.dumps(document, indent=1) + "\n")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.chaos",
        description="Runs the engine under injected faults, and prints the figures.",
        epilog="A violation names its seed: --scenario NAME --seed N plays it again.",
    )
    parser.add_argument("--seeds", type=int, default=5, metavar="N", help="seeds 1 to N (5)")
    parser.add_argument("--seed", type=int, metavar="N", help="this seed alone")
    parser.add_argument(
        "--scenario", action="append", metavar="NAME", help="only this scenario; can be repeated"
    )
    parser.add_argument(
        "--writers", type=int, metavar="N",
        help="litellm.writers of every engine, instead of 1, or of 8 in some scenarios",
    )  # fmt: skip
    parser.add_argument(
        "--report", type=Path, metavar="FILE", help="also write the figures as JSON"
    )
    parser.add_argument("--quiet", action="store_true", help="no progress")
    real = parser.add_argument_group(
        "a real LiteLLM", "named by LITELLM_URL (or LITELLM_URLS) and LITELLM_MASTER_KEY"
    )
    real.add_argument("--real", action="store_true", help="use it in place of the simulated ones")
    real.add_argument(
        "--reload", type=float, default=35.0, metavar="S",
        help="seconds until every replica has seen what another replica did (35)",
    )  # fmt: skip
    real.add_argument("--restart", default="", metavar="CMD", help="restarts LiteLLM")
    real.add_argument("--restart-database", default="", metavar="CMD", help="restarts PostgreSQL")
    options = parser.parse_args()
    named = os.environ.get("LITELLM_URLS") or os.environ.get("LITELLM_URL") or ""
    options.urls = named.split(",")
    if options.real and not (named and os.environ.get("LITELLM_MASTER_KEY")):
        parser.error("--real needs LITELLM_URL (or LITELLM_URLS) and LITELLM_MASTER_KEY")
    return options


if __name__ == "__main__":
    sys.exit(main())
