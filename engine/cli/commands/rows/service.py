"""``drain`` and ``undrain``: take models out of service without losing their rows, and back."""

from __future__ import annotations

import argparse
import sys

from ....config.model import Config
from ....errors import WrongUsage
from ....plan.rows.chosen import Choice, rows_of
from ....reconcile import Ports
from ....rows.chosen import Change
from ....rows.service import plan_service
from ....text import Redactor, printable
from ...changes import carry_out_shown, name_patterns, no_row_of, require_found
from ...context import configuration

_MAINTAINED = (
    "backend {name!r} has `maintenance: true` in the configuration, so the loop takes its models"
    " out of service again; remove that first"
)


def run(arguments: argparse.Namespace, redactor: Redactor) -> int:
    """Show the plan that blocks or unblocks rows of a backend, then carry it out."""
    config = configuration(arguments, redactor)
    back = arguments.command == "undrain"
    if back:
        _check_maintenance(arguments, config)
    choice = Choice(arguments.name, name_patterns(arguments.models))

    def make(ports: Ports) -> Change:
        change = plan_service(config, choice, ports, back=back)
        found = [seen.key.name for seen in rows_of(Choice(choice.backend), change.rows.observed)]
        what = f"row of backend {choice.backend}"
        require_found(choice.names, found, what, no_row_of(choice.backend, change))
        return change

    def nothing(_: Change) -> str:
        state = "is drained" if back else "is left in service: all are drained"
        return f"No chosen row of backend {printable(arguments.name)} {state}"

    return carry_out_shown(make, arguments, redactor, nothing)


def _check_maintenance(arguments: argparse.Namespace, config: Config) -> None:
    """Refuse to bring back what the next cycle would take out of service again."""
    maintained = {backend.name for backend in config.backends if backend.maintenance}
    if arguments.name not in maintained:
        return
    warning = _MAINTAINED.format(name=arguments.name)
    if not arguments.dry_run:
        raise WrongUsage(warning)
    print(f"warning: {warning}", file=sys.stderr)
