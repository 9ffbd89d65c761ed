"""``doctor``: what is wrong with an installation, why it matters, and what to do."""

from __future__ import annotations

import argparse
import json
import os

from ...doctor.doctor import Installation, diagnose
from ...doctor.text import text_of
from ...text import Redactor
from ...transport.client_pool import Http
from ..context import screen, wants_colour
from ..exit_codes import of_diagnosis


def run(arguments: argparse.Namespace, redactor: Redactor) -> int:
    """Print the diagnosis as text or JSON."""
    where = Installation(arguments.config, arguments.secrets, os.environ)
    found = diagnose(where, Http(arguments.timing), redactor.learn)
    if arguments.json:
        print(redactor.redact_json(json.dumps(found.to_json(), indent=2)))
    else:
        text = text_of(found, screen(), colour=wants_colour(arguments))
        print(redactor.redact(text))
    return of_diagnosis(found)
