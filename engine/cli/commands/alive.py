"""``alive``: answer a liveness probe."""

from __future__ import annotations

import argparse
import sys

from ...run.heartbeat import heartbeat_age
from ...text import Redactor, describe_os_error
from ..exit_codes import ERROR, OK


def run(arguments: argparse.Namespace, redactor: Redactor) -> int:
    """Tell whether the heartbeat is recent enough."""
    del redactor
    try:
        age = heartbeat_age(arguments.heartbeat)
    except OSError as error:
        path, why = arguments.heartbeat, describe_os_error(error)
        remedy = f"see that `run --heartbeat {path}` is running"
        print(f"no heartbeat: {path}: {why}; {remedy}", file=sys.stderr)
        return ERROR
    print(f"last heartbeat {age:.0f} s ago")
    return OK if age <= arguments.max_age else ERROR
