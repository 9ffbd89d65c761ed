"""``apply``: bring LiteLLM in step once, or carry out a plan that was saved."""

from __future__ import annotations

import argparse
import threading

from ...config.model import Config
from ...errors import WrongUsage
from ...plan.plan import Plan
from ...plan_file import read_plan
from ...reconcile import Memory, Ports, Report
from ...run.interruptible import run_interruptibly
from ...run.loop import reconcile_interruptibly
from ...run.signals import stop_on_signals
from ...saved import apply_saved, check_saved, require_digest
from ...text import Redactor, printable
from ...transport.client_pool import Http
from ..confirm import confirmed
from ..context import configuration, options_of, progress_on_stdout
from ..exit_codes import of_applied


def run(arguments: argparse.Namespace, redactor: Redactor) -> int:
    """Print the plan, then each result."""
    if arguments.plan and (arguments.force or arguments.backend or arguments.shard):
        what = "--backend, --force and --shard are given to `plan`"
        raise WrongUsage(f"{what}; a saved plan is as it is")
    config = configuration(arguments, redactor)
    stop = threading.Event()

    def confirm(plan: Plan) -> bool:
        if not arguments.plan:
            require_digest(plan, arguments.expect or "")
        return confirmed(plan, arguments, stop.is_set)

    progress = progress_on_stdout(arguments, redactor)
    ports = Ports(progress, http=Http(arguments.timing), stop=stop, confirm=confirm)
    if arguments.plan:
        return of_applied(_apply_file(arguments, config, ports))
    options = options_of(arguments, config, dry_run=False)
    stop_on_signals(stop, wake=threading.Event())
    return of_applied(reconcile_interruptibly(lambda: config, ports, Memory(), options))


def _apply_file(arguments: argparse.Namespace, config: Config, ports: Ports) -> Report | None:
    """Carry out the plan in a file, as far as LiteLLM's rows still fit it."""
    plan = read_plan(arguments.plan)
    require_digest(plan, arguments.expect or "")
    stop_on_signals(ports.stop, wake=threading.Event())
    print(printable(f"{arguments.plan}, with the answers of the backends when it was made:"))

    def work() -> Report:
        return apply_saved(check_saved(plan, config, ports), ports)

    return run_interruptibly(work, ports.stop, ports.writing, ports.http.timing.patience)
