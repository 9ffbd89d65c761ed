"""``plan``: show what would be done; write nothing to LiteLLM."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from ...errors import Unrecorded
from ...plan.plan import Plan
from ...reconcile import Memory, Ports, reconcile_once
from ...report.artifacts import write_atomically
from ...report.plan_log import PlanLog
from ...text import Redactor, printable
from ...transport.client_pool import Http
from ..context import configuration, json_of, options_of, print_plan
from ..exit_codes import of_planned

STDOUT: Final = Path("-")


def run(arguments: argparse.Namespace, redactor: Redactor) -> int:
    """Print the plan as text or JSON, and write it to a file if that is asked."""
    config = configuration(arguments, redactor)
    ports = Ports(PlanLog(None), http=Http(arguments.timing))
    options = options_of(arguments, config, dry_run=True)
    report = reconcile_once(config, ports, Memory(), options)
    if arguments.out and arguments.out != STDOUT:
        write_plan(arguments.out, json_of(report.plan, redactor))
        _warn_of_hidden(report.plan, arguments.out, redactor)
    as_json = arguments.json or arguments.out == STDOUT
    print_plan(report, arguments, redactor, as_json=as_json)
    if not (as_json or arguments.markdown):
        _print_digest(report.plan)
    return of_planned(report)


def _print_digest(plan: Plan) -> None:
    if plan.operations:
        short = plan.digest[:12]
        print(f"Digest {short}: `apply --expect {short}` applies this plan and no other.")


def _warn_of_hidden(plan: Plan, path: Path, redactor: Redactor) -> None:
    """Say if the text of a key is in the plan, so that the file does not hold it as it is."""
    if any(redactor.redact_json(piece) != piece for piece in plan.iter_json()):
        why = "the text of a key of the configuration is in the plan, and is hidden in"
        remedy = "the file is to be read, and `apply` will refuse it"
        print(printable(f"warning: {why} {path}; {remedy}"), file=sys.stderr)


def write_plan(path: Path, pieces: Iterable[str]) -> None:
    """Write a plan as text to a file; a device, a pipe and a link's target stay what they are.

    Raises:
        Unrecorded: the file cannot be written.
    """
    try:
        if path.exists() and not path.is_file():
            with path.open("w", encoding="utf-8") as file:
                file.writelines(pieces)
        else:
            write_atomically(path.resolve(), pieces)
    except (OSError, RuntimeError, ValueError) as error:  # a loop of links, a NUL
        reason = str(getattr(error, "strerror", "") or "not a usable path").lower()
        remedy = "Remedy: name another file with --out, or - for the standard output"
        raise Unrecorded(f"the plan cannot be written to {path}: {reason}. {remedy}") from None
