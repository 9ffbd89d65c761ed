"""The question that is asked on a terminal before rows are deleted or replaced."""

from __future__ import annotations

import argparse
import select
import sys
from collections.abc import Callable
from typing import Final

from ..plan.plan import DELETE, REPLACE, Plan
from ..report.news import format_count
from ..report.summary import DONE_WORDS

_POLL: Final = 0.1
_ASKED: Final = (REPLACE, DELETE)
"""What a person is asked about."""


def confirmed(
    plan: Plan, arguments: argparse.Namespace, stopping: Callable[[], bool] = lambda: False
) -> bool:
    """Tell whether a plan, which was shown, may be carried out.

    A person is asked only on a terminal (stdin and stdout are one), before rows are deleted or
    replaced, and not with ``--yes``. Any answer but ``y`` or ``yes`` is a no; so is a stop.
    """
    counts = {action: plan.summary[action] for action in _ASKED if plan.summary[action]}
    if not counts or arguments.yes or not _on_terminal():
        return True
    parts = [f"{format_count(n, 'row')} {DONE_WORDS[action]}" for action, n in counts.items()]
    print(f"\nThis gets {' and '.join(parts)}. Go on? [y/N] ", end="", flush=True)
    while not select.select([sys.stdin], [], [], _POLL)[0]:
        if stopping():
            print()
            return False
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _on_terminal() -> bool:
    """Tell whether somebody sees the plan, and can answer."""
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout))
