"""``run``: bring LiteLLM in step repeatedly; write the plan log to stdout."""

from __future__ import annotations

import argparse
import logging
import os
import sys
import threading

from ...bounds import MAX_INTERVAL, MAX_QUOTED
from ...reconcile import Memory, Options, Ports
from ...report.artifacts import Artifacts
from ...report.plan_log import PlanLog
from ...run.heartbeat import write_heartbeat
from ...run.loop import ConfigSource, Schedule, reconcile_forever, reconcile_interruptibly
from ...run.signals import stop_on_signals
from ...text import Redactor, shortened
from ...transport.client_pool import Http
from ..context import backends_named
from ..exit_codes import OK, of_applied, of_planned


def run(arguments: argparse.Namespace, redactor: Redactor) -> int:
    """Run cycles until a signal stops them, or one cycle if that is asked."""
    source = ConfigSource(arguments.config, arguments.secrets, redactor.learn)
    config = source.load()
    heartbeat = arguments.heartbeat
    ports = Ports(
        PlanLog(sys.stdout, redact=redactor.redact_json),
        _artifacts(arguments, redactor),
        Http(arguments.timing),
        beat=(lambda: write_heartbeat(heartbeat)) if heartbeat else lambda: None,
    )
    force = backends_named("--force", arguments.force, config)
    options = Options(dry_run=arguments.dry_run, force=force)
    wake = threading.Event()
    stop_on_signals(ports.stop, wake)
    if not arguments.once:
        reconcile_forever(source, Schedule(interval(arguments), wake), ports, options)
        return OK
    report = reconcile_interruptibly(lambda: config, ports, Memory(), options)
    ports.beat()
    return of_planned(report) if arguments.dry_run else of_applied(report)


def _artifacts(arguments: argparse.Namespace, redactor: Redactor) -> Artifacts | None:
    if not arguments.artifacts:
        return None
    return Artifacts(arguments.artifacts, keep=arguments.keep, redact=redactor.redact_json)


def interval(arguments: argparse.Namespace) -> float:
    """Return the seconds between cycles; an invalid $SLEEP_INTERVAL counts as 60."""
    if arguments.interval is not None:
        return float(arguments.interval)
    text = os.environ.get("SLEEP_INTERVAL", "").strip()
    if not text:
        return 60.0
    try:
        seconds = int(text)
    except ValueError:
        seconds = 0
    if not 1 <= seconds <= MAX_INTERVAL:
        log = logging.getLogger(__name__)
        shown = shortened(text, MAX_QUOTED)
        limit = int(MAX_INTERVAL)
        log.warning("SLEEP_INTERVAL=%r is not a whole number from 1 to %d; using 60", shown, limit)
        return 60.0
    return float(seconds)
