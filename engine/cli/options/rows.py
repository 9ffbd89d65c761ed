"""The commands that change chosen rows of LiteLLM: what their options are."""

from __future__ import annotations

import argparse
from typing import Final

from .command import Command
from .words import force_option, path, verbose_option, yes_option


def _retire_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "name",
        metavar="BACKEND",
        help="the name that the backend has, or had, in the configuration",
    )
    _change_options(parser)
    yes_option(parser)
    force_option(parser, "delete its rows although the backend is configured")


def _change_options(parser: argparse.ArgumentParser) -> None:
    """Add what every command has that shows a plan for chosen rows and carries it out."""
    parser.add_argument(
        "--dry-run", action="store_true", help="show the plan, but write nothing to LiteLLM"
    )
    parser.add_argument(
        "--json",
        action="store_true",
        help="write the plan log to stdout; with --dry-run, the plan as JSON",
    )
    verbose_option(parser)


def _service_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="BACKEND", help="the name of the backend")
    parser.add_argument(
        "models",
        metavar="MODEL",
        nargs="*",
        help="a public name, or an RE2 expression that matches some (default: all of the backend)",
    )
    _change_options(parser)


def _undo_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file",
        type=path,
        metavar="FILE",
        help="the plan log of `run`, or a plan of `run --artifacts` or `plan --out`",
    )
    parser.add_argument(
        "--cycle",
        default="",
        metavar="N",
        help="which cycle of a plan log: its number, or how its digest begins (default: the last"
        " one that changed something)",
    )
    _change_options(parser)
    yes_option(parser)


def _ownership_options(parser: argparse.ArgumentParser) -> None:
    _service_options(parser)
    yes_option(parser)


RETIRE: Final = Command(
    "retire",
    "delete what a backend left in LiteLLM, for good",
    ("retire gpu1 --dry-run", "retire gpu1"),
    _retire_options,
    "rows.retire",
)
DRAIN: Final = Command(
    "drain",
    "take models of a backend out of service; their rows stay",
    ("drain gpu1", "drain gpu1 qwen3-32b '^llama' --dry-run"),
    _service_options,
    "rows.service",
)
ADOPT: Final = Command(
    "adopt",
    "make rows on a backend ours that others made, as the configuration wants them",
    ("adopt gpu1 --dry-run", "adopt gpu1 qwen3-32b"),
    _ownership_options,
    "rows.ownership",
)
RELEASE: Final = Command(
    "release",
    "let go of rows of ours, for good; they stay as they are",
    ("release gpu1 qwen3-32b --dry-run", "release gpu1"),
    _ownership_options,
    "rows.ownership",
)
UNDRAIN: Final = Command(
    "undrain",
    "bring back into service what drain took out",
    ("undrain gpu1", "undrain gpu1 qwen3-32b"),
    _service_options,
    "rows.service",
)
UNDO: Final = Command(
    "undo",
    "lead LiteLLM back from what a plan did",
    ("undo plan.log --dry-run", "undo plan.log --cycle 12", "undo plans/plan-20260102T030405.json"),
    _undo_options,
    "rows.undo",
)
