"""``undo``: lead LiteLLM back from what a plan did."""

from __future__ import annotations

import argparse
import logging
import sys

from ....reconcile import Report
from ....rows.chosen import carry_out_change
from ....run.interruptible import run_interruptibly
from ....text import Redactor, printable
from ....undo.undo import plan_undo
from ....undo.written import Cycle, read_done
from ...changes import ports_of
from ...context import configuration, json_of
from ...exit_codes import ERROR, HELD, of_applied, of_planned

log = logging.getLogger(__name__)
_AGAIN = (
    "the next cycle does the same again, unless the configuration or the backend has changed. To"
    " prevent that, first change what led to it (a filter, a default, a name), or stop the loop;"
    " `policy: create-only` keeps rows from being changed or deleted, exclude_regex from being made"
)


def run(arguments: argparse.Namespace, redactor: Redactor) -> int:
    """Show the plan that leads back from what a file says was done, then carry it out."""
    config = configuration(arguments, redactor)
    cycle = read_done(arguments.file, arguments.cycle)
    ports = ports_of(arguments, redactor)

    def work() -> Report:
        change = plan_undo(config, cycle.done(), ports)
        if change.plan.operations:
            log.warning("%s", _AGAIN)
        if arguments.dry_run and arguments.json:
            sys.stdout.writelines(json_of(change.plan, redactor))
        elif not arguments.json:
            print(printable(_subject(cycle)))
        return carry_out_change(change, ports, dry_run=arguments.dry_run)

    report = run_interruptibly(work, ports.stop, ports.writing, ports.http.timing.patience)
    return _exit_code(report, dry_run=arguments.dry_run)


def _exit_code(report: Report | None, *, dry_run: bool) -> int:
    """Return the exit code; that something cannot be taken back counts as held."""
    code = of_planned(report) if dry_run and report is not None else of_applied(report)
    return HELD if report is not None and report.plan.skips and code != ERROR else code


def _subject(cycle: Cycle) -> str:
    if not cycle.number:
        return f"Back from the plan {cycle.digest[:12]}, as far as LiteLLM shows that it was done:"
    return f"Back from cycle {cycle.number} of {cycle.time}, plan {cycle.digest[:12]}:"
