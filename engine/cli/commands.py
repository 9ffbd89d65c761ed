"""What each command does: read the configuration, call the engine, choose the exit code.

Each imports what it needs when it runs, so that a small command starts fast.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import time
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ..bounds import MAX_INTERVAL, MAX_QUOTED
from ..text import Redactor, shortened

if TYPE_CHECKING:
    from ..config.model import Config


OK: Final = 0
ERROR: Final = 1
CHANGES: Final = 2
HELD: Final = 3


def validate(arguments: argparse.Namespace, redactor: Redactor) -> int:
    """Check the configuration and the secrets; ask no server."""
    from ..config.loader import load_config
    from ..state.endpoint import canonical_endpoint
    from ..state.secret import PLACEHOLDER_KEY

    config = load_config(arguments.config, arguments.secrets)
    redactor.learn(config.secrets())
    for warning in config.warnings:
        print(f"warning: {redactor.redact(warning)}", file=sys.stderr)
    print(f"{arguments.config} is valid: LiteLLM at {config.litellm.url}, owner {config.owner}")
    for backend in config.backends:
        keyed = "no key" if backend.key.reveal() == PLACEHOLDER_KEY else "with a key"
        endpoint = canonical_endpoint(backend.url)
        print(f"  {backend.name}: {backend.kind} on {endpoint}, {backend.key_problem or keyed}")
    return OK


def plan(arguments: argparse.Namespace, redactor: Redactor) -> int:
    """Show what would be done; write nothing to LiteLLM."""
    from ..reconcile import Engine, reconcile_once
    from ..report.artifacts import write_atomically
    from ..report.plan_log import PlanLog
    from ..report.terminal import Renderer
    from ..transport.client_pool import Http

    config = _configured(arguments, redactor)
    http = Http(arguments.timing)
    engine = Engine(PlanLog(None), http=http, dry_run=True, force=arguments.force)
    report = reconcile_once(config, engine)
    if arguments.out:
        write_atomically(arguments.out, chain(report.plan.iter_json(indent=2), "\n"))
    if arguments.json:
        sys.stdout.writelines(chain(report.plan.iter_json(indent=2), "\n"))
    else:
        print(Renderer(colour=_colour(arguments)).plan(report.plan, report.desired))
    if report.plan.operations:
        return CHANGES
    return HELD if report.held else OK


def apply(arguments: argparse.Namespace, redactor: Redactor) -> int:
    """Bring LiteLLM in step, once, showing the plan and each result."""
    from ..reconcile import Engine, reconcile_once
    from ..report.terminal import Progress, Renderer
    from ..run.interruptible import attended
    from ..run.signals import stop_on_signals
    from ..transport.client_pool import Http

    config = _configured(arguments, redactor)
    renderer = Renderer(colour=_colour(arguments))
    progress = Progress(renderer, sys.stdout, redactor.redact)
    engine = Engine(progress, http=Http(arguments.timing), force=arguments.force)
    stop_on_signals(engine)
    report = attended(engine, lambda: reconcile_once(config, engine))
    if report is None or not report.converged:
        return ERROR
    return HELD if report.held else OK


def run(arguments: argparse.Namespace, redactor: Redactor) -> int:
    """Bring LiteLLM in step again and again, with the plan log on stdout."""
    from ..reconcile import Engine, reconcile_once
    from ..report.artifacts import Artifacts
    from ..report.plan_log import PlanLog
    from ..run.interruptible import attended
    from ..run.loop import ConfigSource, Schedule, reconcile_forever
    from ..run.signals import stop_on_signals
    from ..transport.client_pool import Http

    source = ConfigSource(arguments.config, arguments.secrets, redactor.learn)
    config = source.load()
    engine = Engine(
        PlanLog(sys.stdout, redact=redactor.redact),
        Artifacts(arguments.artifacts, keep=arguments.keep) if arguments.artifacts else None,
        Http(arguments.timing),
        beat=lambda: _beat(arguments.heartbeat),
        dry_run=arguments.dry_run,
        force=arguments.force,
    )
    stop_on_signals(engine)
    if not arguments.once:
        reconcile_forever(source, engine, Schedule(_interval(arguments)))
        return OK
    report = attended(engine, lambda: reconcile_once(config, engine))
    if report is None or not report.converged:
        return ERROR
    if arguments.dry_run and report.plan.operations:
        return CHANGES
    return HELD if report.held else OK


def demo(arguments: argparse.Namespace, redactor: Redactor) -> int:
    """Tell the story of :mod:`engine.demo`."""
    from ..demo.story import tell

    del redactor
    return int(tell(colour=_colour(arguments), pause=arguments.pause))


def alive(arguments: argparse.Namespace, redactor: Redactor) -> int:
    """Answer a probe: has the loop got something done lately?"""
    del redactor
    try:
        age = time.time() - arguments.heartbeat.stat().st_mtime
    except OSError as error:
        print(f"no heartbeat: {error}", file=sys.stderr)
        return ERROR
    print(f"last sign of life {age:.0f} s ago")
    return OK if age <= arguments.max_age else ERROR


def _beat(heartbeat: Path | None) -> None:
    if heartbeat is not None:
        try:
            heartbeat.touch()
        except OSError as error:
            logging.getLogger(__name__).error("the heartbeat cannot be written: %s", error)


def _interval(arguments: argparse.Namespace) -> float:
    """Return the seconds between cycles; a $SLEEP_INTERVAL that is none counts as 60."""
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
        log.warning("SLEEP_INTERVAL=%r is no whole number from 1 to %d; using 60", shown, limit)
        return 60.0
    return float(seconds)


def _colour(arguments: argparse.Namespace) -> bool:
    if arguments.color != "auto":
        return bool(arguments.color == "always")
    return (
        sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    )


def _configured(arguments: argparse.Namespace, redactor: Redactor) -> Config:
    """Return the configuration; its secrets are hidden and its warnings in the log."""
    from ..config.loader import load_config

    config = load_config(arguments.config, arguments.secrets)
    redactor.learn(config.secrets())
    for warning in config.warnings:
        logging.getLogger(__name__).warning("%s", warning)
    return config
