"""``validate``: check the configuration and the secrets, without a request to any server."""

from __future__ import annotations

import argparse
import os
import sys

from ...config.loader import load_config
from ...state.endpoint import canonical_endpoint
from ...state.secret import PLACEHOLDER_KEY
from ...text import Redactor, printable
from ..exit_codes import OK


def run(arguments: argparse.Namespace, redactor: Redactor) -> int:
    """Print what was read, one line per backend; the warnings go to stderr."""
    config = load_config(arguments.config, arguments.secrets, os.environ)
    redactor.learn(config.secrets())
    unusable = [
        f"{backend.name} is not asked for its models: {backend.key_problem}"
        for backend in config.backends
        if backend.key_problem
    ]
    for warning in (*config.notices, *config.unused_keys, *unusable):
        print(printable(f"warning: {redactor.redact(warning)}"), file=sys.stderr)
    valid = f"{arguments.config} is valid: LiteLLM at {config.litellm.url}, owner {config.owner}"
    print(printable(valid))
    for backend in config.backends:
        keyed = "no key" if backend.key.reveal() == PLACEHOLDER_KEY else "with a key"
        keyed = "key file not usable" if backend.key_problem else keyed
        endpoint = canonical_endpoint(backend.url)
        print(printable(f"  {backend.name}: {backend.kind} on {endpoint}, {keyed}"))
    return OK
