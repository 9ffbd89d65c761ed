"""The commands that look, show and check: what their options are."""

from __future__ import annotations

import argparse
from typing import Final

from .command import Command
from .words import duration, path, pause


def _demo_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--pause",
        type=pause,
        default=0.0,
        metavar="TIME",
        help="pause after each step: seconds, or 2s (default 0)",
    )


def _alive_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--heartbeat",
        type=path,
        metavar="FILE",
        required=True,
        help="the file that 'run --heartbeat' touches",
    )
    parser.add_argument(
        "--max-age",
        type=duration,
        default=600.0,
        metavar="TIME",
        help="how old it may be: seconds, or 90s, 10m (default 10m)",
    )


VALIDATE: Final = Command(
    "validate",
    "check the configuration and secrets; sends no request",
    ("validate --config config.yaml --secrets secrets",),
)
DEMO: Final = Command(
    "demo",
    "run the engine on simulated servers, then exit",
    ("demo --pause 2s",),
    _demo_options,
)
ALIVE: Final = Command(
    "alive",
    "for a liveness probe: is the heartbeat recent enough?",
    ("alive --heartbeat /tmp/heartbeat --max-age 10m",),
    _alive_options,
)
