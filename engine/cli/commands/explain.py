"""``explain``: say what is known of one model, and why it is, or is not, in LiteLLM."""

from __future__ import annotations

import argparse
import json
import sys

from ...explain.collect import explain_model
from ...explain.text import ExplanationText
from ...text import Redactor
from ..context import configuration_with_lines, screen, wants_colour
from ..exit_codes import of_explained


def run(arguments: argparse.Namespace, redactor: Redactor) -> int:
    """Print the explanation as text or JSON; write nothing to LiteLLM."""
    config, lines = configuration_with_lines(arguments, redactor)
    explanation = explain_model(arguments.model, config, lines, arguments.timing)
    if arguments.json:
        print(redactor.redact_json(json.dumps(explanation.to_json(), indent=2)))
    else:
        text = ExplanationText(colour=wants_colour(arguments), screen=screen())
        sys.stdout.writelines(f"{redactor.redact(line)}\n" for line in text.lines(explanation))
    return of_explained(explanation)
