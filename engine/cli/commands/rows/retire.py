"""``retire``: delete what a backend left in LiteLLM, for good."""

from __future__ import annotations

import argparse
import sys
import threading

from ....config.model import Config
from ....errors import WrongUsage
from ....plan.safety import ALL
from ....reconcile import Ports, Report
from ....report.cycle_log import CycleLog
from ....report.plan_log import PlanLog
from ....retire import Retirement, plan_retirement, retire
from ....run.interruptible import run_interruptibly
from ....run.signals import stop_on_signals
from ....text import Redactor, printable
from ....transport.client_pool import Http
from ...confirm import confirmed
from ...context import backends_named, configuration, json_of, progress_on_stdout
from ...exit_codes import of_applied, of_planned
from ...parser import suggestion

_WARNING = (
    "backend {name!r} is configured, so the loop registers its models again. Remove it from the"
    " configuration first, or delete its rows all the same with --force {name}"
)


def run(arguments: argparse.Namespace, redactor: Redactor) -> int:
    """Show the plan that deletes the rows of a backend, then carry it out."""
    config = configuration(arguments, redactor)
    _check_configured(arguments, config)
    stop = threading.Event()
    ports = Ports(
        _log(arguments, redactor),
        http=Http(arguments.timing),
        stop=stop,
        confirm=lambda plan: confirmed(plan, arguments, stop.is_set),
    )
    stop_on_signals(ports.stop, wake=threading.Event())

    def work() -> Report:
        retirement = plan_retirement(config, arguments.name, ports)
        if arguments.dry_run and arguments.json:
            sys.stdout.writelines(json_of(retirement.plan, redactor))
        elif not (arguments.json or retirement.plan.operations or retirement.plan.skips):
            print(_nothing(arguments.name, retirement))
            return Report(retirement.plan, retirement.desired)
        return retire(retirement, ports, dry_run=arguments.dry_run)

    report = run_interruptibly(work, ports.stop, ports.writing, ports.http.timing.patience)
    if arguments.dry_run and report is not None:
        return of_planned(report)
    return of_applied(report)


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


def _log(arguments: argparse.Namespace, redactor: Redactor) -> CycleLog:
    """Return where the plan and its results go: the plan log with ``--json``, else text."""
    if arguments.json:
        stream = None if arguments.dry_run else sys.stdout
        return PlanLog(stream, redact=redactor.redact_json)
    return progress_on_stdout(arguments, redactor)


def _nothing(name: str, retirement: Retirement) -> str:
    shown = printable(name)
    hint = suggestion(name, retirement.marked)
    others = ", ".join(map(printable, retirement.marked)) or "none"
    return f"LiteLLM has no row of backend {shown}{hint} (backends with rows: {others})"
