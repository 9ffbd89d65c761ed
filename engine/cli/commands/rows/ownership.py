"""``adopt`` and ``release``: make rows ours that others made, and let go of ours."""

from __future__ import annotations

import argparse

from ....config.model import Config
from ....plan.rows.chosen import Choice, rows_of
from ....plan.rows.ownership import adoptable
from ....reconcile import Ports
from ....rows.chosen import Change
from ....rows.ownership import plan_adoption, plan_release
from ....text import Redactor, printable
from ...changes import carry_out_shown, name_patterns, no_row_of, require_found
from ...context import backends_named, configuration


def run(arguments: argparse.Namespace, redactor: Redactor) -> int:
    """Show the plan that adopts or releases rows of a backend, then carry it out."""
    config = configuration(arguments, redactor)
    make = _adopting if arguments.command == "adopt" else _releasing
    return carry_out_shown(
        lambda ports: make(arguments, config, ports),
        arguments,
        redactor,
        lambda _: f"No row on backend {printable(arguments.name)} is without a mark",
    )


def _adopting(arguments: argparse.Namespace, config: Config, ports: Ports) -> Change:
    backends_named("adopt", [arguments.name], config)
    patterns = name_patterns(arguments.models)
    change = plan_adoption(config, arguments.name, patterns, ports)
    here = change.rows.scope.reach[arguments.name]
    found = [seen.key.name for seen in adoptable(here, (), change.rows.observed)]
    require_found(patterns, found, f"row without a mark on backend {arguments.name}")
    return change


def _releasing(arguments: argparse.Namespace, config: Config, ports: Ports) -> Change:
    choice = Choice(arguments.name, name_patterns(arguments.models))
    change = plan_release(config, choice, ports)
    found = [seen.key.name for seen in rows_of(Choice(choice.backend), change.rows.observed)]
    require_found(
        choice.names, found, f"row of backend {choice.backend}", no_row_of(choice.backend, change)
    )
    return change
