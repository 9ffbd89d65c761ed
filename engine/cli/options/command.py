"""What the command line says of a command."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass


def no_options(parser: argparse.ArgumentParser) -> None:
    """Add nothing."""
    del parser


@dataclass(frozen=True, slots=True)
class Command:
    """A command: its name, its line in the help, what follows ``modelprovisioner`` in examples.

    ``add_options`` adds the options that only it has. ``module`` is the module that runs it, below
    ``engine.cli.commands``; "" for one of its own name.
    """

    name: str
    summary: str
    examples: tuple[str, ...]
    add_options: Callable[[argparse.ArgumentParser], None] = no_options
    module: str = ""
