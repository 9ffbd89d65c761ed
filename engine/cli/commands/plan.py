"""``plan``: show what would be done; write nothing to LiteLLM."""

from __future__ import annotations

import argparse
import sys
from itertools import chain

from ...reconcile import Memory, Options, Ports, reconcile_once
from ...report.artifacts import write_atomically
from ...report.plan_log import PlanLog
from ...report.terminal import Renderer
from ...text import Redactor
from ...transport.client_pool import Http
from ..context import configuration, wants_colour
from ..exit_codes import of_planned


def run(arguments: argparse.Namespace, redactor: Redactor) -> int:
    """Print the plan as text or JSON, and write it to a file if that is asked."""
    config = configuration(arguments, redactor)
    ports = Ports(PlanLog(None), http=Http(arguments.timing))
    options = Options(dry_run=True, force=arguments.force)
    report = reconcile_once(config, ports, Memory(), options)
    if arguments.out:
        write_atomically(arguments.out, chain(report.plan.iter_json(indent=2), "\n"))
    if arguments.json:
        sys.stdout.writelines(chain(report.plan.iter_json(indent=2), "\n"))
    else:
        print(Renderer(colour=wants_colour(arguments)).plan(report.plan, report.desired))
    return of_planned(report)
