"""The commands: each reads the configuration, calls the engine and returns the exit code.

A command imports what it needs only when it runs, so that small commands start fast.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import threading
from itertools import chain
from typing import TYPE_CHECKING, Final

from ..bounds import MAX_INTERVAL, MAX_QUOTED
from ..text import Redactor, shortened

if TYPE_CHECKING:
    from ..config.model import Config
    from ..reconcile import Report
    from ..report.artifacts import Artifacts


OK: Final = 0
ERROR: Final = 1
CHANGES: Final = 2
HELD: Final = 3


def validate(arguments: argparse.Namespace, redactor: Redactor) -> int:
    """Check the configuration and the secrets, without a request to any server."""
    from ..config.loader import load_config
    from ..state.endpoint import canonical_endpoint
    from ..state.secret import PLACEHOLDER_KEY

    config = load_config(arguments.config, arguments.secrets)
    redactor.learn(config.secrets())
    for warning in config.notices:
        print(f"warning: {redactor.redact(warning)}", file=sys.stderr)
    print(f"{arguments.config} is valid: LiteLLM at {config.litellm.url}, owner {config.owner}")
    for backend in config.backends:
        keyed = "no key" if backend.key.reveal() == PLACEHOLDER_KEY else "with a key"
        endpoint = canonical_endpoint(backend.url)
        print(f"  {backend.name}: {backend.kind} on {endpoint}, {backend.key_problem or keyed}")
    return OK


def plan(arguments: argparse.Namespace, redactor: Redactor) -> int:
    """Show what would be done; write nothing to LiteLLM."""
    from ..reconcile import Memory, Options, Ports, reconcile_once
    from ..report.artifacts import write_atomically
    from ..report.plan_log import PlanLog
    from ..report.terminal import Renderer
    from ..transport.client_pool import Http

    config = _load_config(arguments, redactor)
    ports = Ports(PlanLog(None), http=Http(arguments.timing))
    options = Options(dry_run=True, force=arguments.force)
    report = reconcile_once(config, ports, Memory(), options)
    if arguments.out:
        pieces = map(redactor.redact_json, report.plan.iter_json(indent=2))
        write_atomically(arguments.out, chain(pieces, "\n"))
    if arguments.json:
        pieces = map(redactor.redact_json, report.plan.iter_json(indent=2))
        sys.stdout.writelines(chain(pieces, "\n"))
    else:
        text = Renderer(colour=_colour(arguments)).plan(report.plan, report.desired)
        print(redactor.redact(text))
    if report.plan.operations:
        return CHANGES
    return HELD if report.held else OK


def apply(arguments: argparse.Namespace, redactor: Redactor) -> int:
    """Bring LiteLLM in step once; print the plan and each result."""
    from ..reconcile import Memory, Options, Ports
    from ..report.terminal import Progress, Renderer
    from ..run.loop import reconcile_interruptibly
    from ..run.signals import stop_on_signals
    from ..transport.client_pool import Http

    config = _load_config(arguments, redactor)
    renderer = Renderer(colour=_colour(arguments))
    progress = Progress(renderer, sys.stdout, redactor.redact)
    ports = Ports(progress, http=Http(arguments.timing))
    options = Options(force=arguments.force)
    stop_on_signals(ports.stop, wake=threading.Event())
    report = reconcile_interruptibly(lambda: config, ports, Memory(), options)
    return _exit_code(report)


def run(arguments: argparse.Namespace, redactor: Redactor) -> int:
    """Bring LiteLLM in step repeatedly; write the plan log to stdout."""
    from ..reconcile import Memory, Options, Ports
    from ..report.plan_log import PlanLog
    from ..run.heartbeat import write_heartbeat
    from ..run.loop import ConfigSource, Schedule, reconcile_forever, reconcile_interruptibly
    from ..run.signals import stop_on_signals
    from ..transport.client_pool import Http

    source = ConfigSource(arguments.config, arguments.secrets, redactor.learn)
    config = source.load()
    heartbeat = arguments.heartbeat
    ports = Ports(
        PlanLog(sys.stdout, redact=redactor.redact_json),
        _artifacts(arguments, redactor),
        Http(arguments.timing),
        beat=(lambda: write_heartbeat(heartbeat)) if heartbeat else lambda: None,
    )
    options = Options(dry_run=arguments.dry_run, force=arguments.force)
    wake = threading.Event()
    stop_on_signals(ports.stop, wake)
    if not arguments.once:
        reconcile_forever(source, Schedule(_interval(arguments), wake), ports, options)
        return OK
    report = reconcile_interruptibly(lambda: config, ports, Memory(), options)
    if arguments.dry_run and report is not None and report.plan.operations:
        return CHANGES
    return _exit_code(report)


def demo(arguments: argparse.Namespace, redactor: Redactor) -> int:
    """Run the demonstration of :mod:`engine.demo`."""
    from ..demo.story import play

    del redactor
    return int(play(colour=_colour(arguments), pause=arguments.pause))


def alive(arguments: argparse.Namespace, redactor: Redactor) -> int:
    """Answer a liveness probe: is the heartbeat recent enough?"""
    from ..run.heartbeat import heartbeat_age

    del redactor
    try:
        age = heartbeat_age(arguments.heartbeat)
    except OSError as error:
        print(f"no heartbeat: {error}", file=sys.stderr)
        return ERROR
    print(f"last heartbeat {age:.0f} s ago")
    return OK if age <= arguments.max_age else ERROR


def _artifacts(arguments: argparse.Namespace, redactor: Redactor) -> Artifacts | None:
    from ..report.artifacts import Artifacts

    if not arguments.artifacts:
        return None
    return Artifacts(arguments.artifacts, keep=arguments.keep, redact=redactor.redact_json)


def _exit_code(report: Report | None) -> int:
    """Return the exit code after a cycle that applied its plan; None is a stop."""
    if report is None or not report.converged:
        return ERROR
    return HELD if report.held else OK


def _interval(arguments: argparse.Namespace) -> float:
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


def _colour(arguments: argparse.Namespace) -> bool:
    if arguments.color != "auto":
        return bool(arguments.color == "always")
    return (
        sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    )


def _load_config(arguments: argparse.Namespace, redactor: Redactor) -> Config:
    """Return the configuration; give its secrets to the redactor and log its warnings."""
    from ..config.loader import load_config

    config = load_config(arguments.config, arguments.secrets)
    redactor.learn(config.secrets())
    for warning in config.notices:
        logging.getLogger(__name__).warning("%s", warning)
    return config
