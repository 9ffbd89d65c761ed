"""What several commands take from their arguments and their environment."""

from __future__ import annotations

import argparse
import logging
import os
import sys

from ..config.loader import load_config
from ..config.model import Config
from ..text import Redactor


def configuration(arguments: argparse.Namespace, redactor: Redactor) -> Config:
    """Return the configuration; give its secrets to the redactor and log its warnings."""
    config = load_config(arguments.config, arguments.secrets)
    redactor.learn(config.secrets())
    for warning in config.warnings:
        logging.getLogger(__name__).warning("%s", warning)
    return config


def wants_colour(arguments: argparse.Namespace) -> bool:
    """Tell whether stdout gets colours: as asked, or where it is a terminal that shows them."""
    if arguments.color != "auto":
        return bool(arguments.color == "always")
    return (
        sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    )
