"""How a command shows a plan for chosen rows, and carries it out."""

from __future__ import annotations

import argparse
import sys
import threading
from collections.abc import Callable, Collection, Sequence

from ..config.patterns import NamePattern, name_pattern
from ..errors import WrongUsage
from ..reconcile import Ports, Report
from ..report.cycle_log import CycleLog
from ..report.plan_log import PlanLog
from ..rows.chosen import Change, carry_out_change
from ..run.interruptible import run_interruptibly
from ..run.signals import stop_on_signals
from ..text import Redactor, printable
from ..transport.client_pool import Http
from .confirm import confirmed
from .context import json_of, progress_on_stdout
from .exit_codes import of_applied, of_planned
from .parser import suggestion


def carry_out_shown(
    make: Callable[[Ports], Change],
    arguments: argparse.Namespace,
    redactor: Redactor,
    nothing: Callable[[Change], str],
) -> int:
    """Show the plan that ``make`` returns, carry it out, and return the exit code.

    ``nothing`` says of a plan without operations and skips that, and why.
    """
    ports = ports_of(arguments, redactor)

    def work() -> Report:
        change = make(ports)
        if arguments.dry_run and arguments.json:
            sys.stdout.writelines(json_of(change.plan, redactor))
        elif not (arguments.json or change.plan.operations or change.plan.skips):
            print(nothing(change))
            return Report(change.plan, change.desired)
        return carry_out_change(change, ports, dry_run=arguments.dry_run)

    report = run_interruptibly(work, ports.stop, ports.writing, ports.http.timing.patience)
    if arguments.dry_run and report is not None:
        return of_planned(report)
    return of_applied(report)


def ports_of(arguments: argparse.Namespace, redactor: Redactor) -> Ports:
    """Return how a command reaches the outside that shows a plan before it is carried out.

    From now on, signals end it.
    """
    stop = threading.Event()
    stop_on_signals(stop, wake=threading.Event())
    return Ports(
        _log(arguments, redactor),
        http=Http(arguments.timing),
        stop=stop,
        confirm=lambda plan: confirmed(plan, arguments, stop.is_set),
    )


def name_patterns(texts: Sequence[str]) -> tuple[NamePattern, ...]:
    """Return what the names and expressions of a command line stand for.

    Raises:
        WrongUsage: one is no expression.
    """
    found = []
    for text in texts:
        try:
            found.append(name_pattern(text))
        except ValueError as error:
            raise WrongUsage(f"{text!r}: {error}") from None
    return tuple(found)


def require_found(
    patterns: Sequence[NamePattern], names: Collection[str], what: str, none: str = ""
) -> None:
    """Return if there are names, and each pattern matches one; ``what`` is what has these names.

    Raises:
        WrongUsage: nothing would happen to what the operator means; ``none`` says so of no names.
    """
    if none and not names:
        raise WrongUsage(none)
    for pattern in patterns:
        if not any(map(pattern.matches, names)):
            raise WrongUsage(
                f"no {what} is named {pattern.text!r}{suggestion(pattern.text, names)}"
            )


def no_row_of(name: str, change: Change) -> str:
    """Return that LiteLLM has no row of a backend, and of which backends it has some."""
    hint = suggestion(name, change.rows.marked)
    others = ", ".join(map(printable, change.rows.marked)) or "none"
    return f"LiteLLM has no row of backend {printable(name)}{hint} (backends with rows: {others})"


def _log(arguments: argparse.Namespace, redactor: Redactor) -> CycleLog:
    """Return where the plan and its results go: the plan log with ``--json``, else text."""
    if arguments.json:
        stream = None if arguments.dry_run else sys.stdout
        return PlanLog(stream, redact=redactor.redact_json)
    return progress_on_stdout(arguments, redactor)
