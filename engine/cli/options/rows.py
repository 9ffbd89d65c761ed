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
    parser.add_argument(
        "--dry-run", action="store_true", help="show the plan, but write nothing to LiteLLM"
    )
    parser.add_argument(
        "--json",
        action="store_true",
        help="write the plan log to stdout; with --dry-run, the plan as JSON",
    )
    yes_option(parser)
    force_option(parser, "delete its rows although the backend is configured")
    verbose_option(parser)


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
    parser.add_argument(
        "--dry-run", action="store_true", help="show the plan, but write nothing to LiteLLM"
    )
    parser.add_argument(
        "--json",
        action="store_true",
        help="write the plan log to stdout; with --dry-run, the plan as JSON",
    )
    yes_option(parser)
    verbose_option(parser)


RETIRE: Final = Command(
    "retire",
    "delete what a backend left in LiteLLM, for good",
    ("retire gpu1 --dry-run", "retire gpu1"),
    _retire_options,
    "rows.retire",
)
UNDO: Final = Command(
    "undo",
    "lead LiteLLM back from what a plan did",
    ("undo plan.log --dry-run", "undo plan.log --cycle 12", "undo plans/plan-20260102T030405.json"),
    _undo_options,
    "rows.undo",
)
