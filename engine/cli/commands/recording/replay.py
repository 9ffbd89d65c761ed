"""``replay``: show what would be done, from a recording alone."""

from __future__ import annotations

import argparse
import logging
import sys

from ....reconcile import Options
from ....recording.folder import read_recording
from ....recording.replay import replay
from ....text import Redactor
from ...context import backends_named, json_of, markdown_text, renderer
from ...exit_codes import of_planned


def run(arguments: argparse.Namespace, redactor: Redactor) -> int:
    """Print the plan that a recording leads to, with its configuration or another one."""
    recording = read_recording(arguments.folder)
    is_given = arguments.config is not arguments.usual_config
    config = recording.config(arguments.config if is_given else None)
    redactor.learn(config.secrets())
    for warning in config.notices if is_given else ():
        logging.getLogger(__name__).warning("%s", warning)
    options = Options(
        dry_run=True,
        force=backends_named("--force", arguments.force, config),
        backends=backends_named("--backend", arguments.backend, config),
    )
    report = replay(recording, config, options)
    if arguments.json:
        sys.stdout.writelines(json_of(report.plan, redactor))
    elif arguments.markdown:
        print(markdown_text(report, arguments, redactor))
    else:
        print(redactor.redact(renderer(arguments).plan(report.plan, report.desired)))
    return of_planned(report)
