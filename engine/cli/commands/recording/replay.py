"""``replay``: show what would be done, from a recording alone."""

from __future__ import annotations

import argparse
import logging
import os

from ....recording.folder import read_recording
from ....recording.replay import replay
from ....text import Redactor
from ...context import options_of, print_plan
from ...exit_codes import of_planned


def run(arguments: argparse.Namespace, redactor: Redactor) -> int:
    """Print the plan that a recording leads to, with its configuration or another one."""
    recording = read_recording(arguments.folder)
    is_given = arguments.config is not arguments.usual_config
    config = recording.config(arguments.config if is_given else None, os.environ)
    redactor.learn(config.secrets())
    for warning in config.notices if is_given else ():
        logging.getLogger(__name__).warning("%s", warning)
    report = replay(recording, config, options_of(arguments, config, dry_run=True))
    print_plan(report, arguments, redactor, as_json=arguments.json)
    return of_planned(report)
