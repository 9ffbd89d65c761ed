"""``explain``: say what is known of one model, and why it is, or is not, in LiteLLM."""

from __future__ import annotations

import argparse
import json
import logging
import sys

from ...config.loader import load_with_lines
from ...explain.collect import explain_model
from ...explain.text import ExplanationText
from ...text import Redactor
from ..context import wants_colour
from ..exit_codes import of_explained


def run(arguments: argparse.Namespace, redactor: Redactor) -> int:
    """Print the explanation as text or JSON; write nothing to LiteLLM."""
    config, lines = load_with_lines(arguments.config, arguments.secrets)
    redactor.learn(config.secrets())
    for warning in config.notices:
        logging.getLogger(__name__).warning("%s", warning)
    explanation = explain_model(arguments.model, config, lines, arguments.timing)
    if arguments.json:
        text = json.dumps(explanation.to_json(), indent=2)
        print(redactor.redact_json(text))
    else:
        lines_of = ExplanationText(colour=wants_colour(arguments)).lines
        sys.stdout.writelines(f"{redactor.redact(line)}\n" for line in lines_of(explanation))
    return of_explained(explanation)
