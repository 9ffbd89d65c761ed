"""``schema``: print the JSON Schema of a document."""

from __future__ import annotations

import argparse
import json
import sys

from ...text import Redactor
from ...validate import schema
from ..exit_codes import OK
from ..options.look import SCHEMAS


def run(arguments: argparse.Namespace, redactor: Redactor) -> int:
    """Print a schema; without a name, all names with what they are for."""
    del redactor
    if arguments.name:
        sys.stdout.write(json.dumps(schema(arguments.name), indent=2) + "\n")
        return OK
    width = max(map(len, SCHEMAS))
    for name in SCHEMAS:
        print(f"{name:{width}}  {schema(name)['description'].partition('. ')[0].rstrip('.')}")
    return OK
