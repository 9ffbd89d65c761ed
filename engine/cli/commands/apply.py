"""``apply``: bring LiteLLM in step once."""

from __future__ import annotations

import argparse
import threading

from ...reconcile import Memory, Options, Ports
from ...run.loop import reconcile_interruptibly
from ...run.signals import stop_on_signals
from ...text import Redactor
from ...transport.client_pool import Http
from ..confirm import confirmed
from ..context import backends_named, configuration, progress_on_stdout
from ..exit_codes import of_applied


def run(arguments: argparse.Namespace, redactor: Redactor) -> int:
    """Print the plan, then each result."""
    config = configuration(arguments, redactor)
    progress = progress_on_stdout(arguments, redactor)
    stop = threading.Event()
    ports = Ports(
        progress,
        http=Http(arguments.timing),
        stop=stop,
        confirm=lambda plan: confirmed(plan, arguments, stop.is_set),
    )
    options = Options(
        force=backends_named("--force", arguments.force, config),
        backends=backends_named("--backend", arguments.backend, config),
    )
    stop_on_signals(ports.stop, wake=threading.Event())
    report = reconcile_interruptibly(lambda: config, ports, Memory(), options)
    return of_applied(report)
