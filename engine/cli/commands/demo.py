"""``demo``: run the demonstration of :mod:`engine.demo`."""

from __future__ import annotations

import argparse

from ...demo.story import play
from ...text import Redactor
from ..context import wants_colour


def run(arguments: argparse.Namespace, redactor: Redactor) -> int:
    """Play the story on simulated servers."""
    del redactor
    return int(play(colour=wants_colour(arguments), pause=arguments.pause))
