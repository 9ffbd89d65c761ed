"""The commands that change chosen rows of LiteLLM: what their options are."""

from __future__ import annotations

import argparse
from typing import Final

from .command import Command
from .words import force_option, verbose_option, yes_option


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


RETIRE: Final = Command(
    "retire",
    "delete what a backend left in LiteLLM, for good",
    ("retire gpu1 --dry-run", "retire gpu1"),
    _retire_options,
    "rows.retire",
)
