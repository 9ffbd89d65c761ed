"""``retire``: delete what a backend left in LiteLLM, for good."""

from __future__ import annotations

import argparse
import sys

from ....config.model import Config
from ....errors import WrongUsage
from ....plan.safety import ALL
from ....rows.retire import plan_retirement
from ....text import Redactor
from ...changes import carry_out_shown, no_row_of
from ...context import backends_named, configuration

_WARNING = (
    "backend {name!r} is configured, so the loop registers its models again. Remove it from the"
    " configuration first, or delete its rows all the same with --force {name}"
)


def run(arguments: argparse.Namespace, redactor: Redactor) -> int:
    """Show the plan that deletes the rows of a backend, then carry it out."""
    config = configuration(arguments, redactor)
    _check_configured(arguments, config)
    return carry_out_shown(
        lambda ports: plan_retirement(config, arguments.name, ports),
        arguments,
        redactor,
        lambda change: no_row_of(arguments.name, change),
    )


def _check_configured(arguments: argparse.Namespace, config: Config) -> None:
    """Refuse to retire a backend whose models the next cycle would register again."""
    forced = backends_named("--force", arguments.force, config)
    if arguments.name not in {backend.name for backend in config.backends}:
        return
    warning = _WARNING.format(name=arguments.name)
    if arguments.dry_run:
        print(f"warning: {warning}", file=sys.stderr)
    elif not forced.intersection((arguments.name, ALL)):
        raise WrongUsage(warning)
