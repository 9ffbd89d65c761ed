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
        remedy = f"check that `run --heartbeat {path}` is running"
        print(f"no heartbeat: {path}: {why}; {remedy}", file=sys.stderr)
        return ERROR
    if age <= arguments.max_age:
        print(f"last heartbeat {age:.0f} s ago")
        return OK
    limit = f"more than --max-age {arguments.max_age:.0f} s"
    print(f"last heartbeat {age:.0f} s ago, {limit}; look at the log of `run`", file=sys.stderr)
    return ERROR
