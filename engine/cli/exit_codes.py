"""What the exit codes mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from ..reconcile import Report

OK: Final = 0
ERROR: Final = 1
CHANGES: Final = 2
HELD: Final = 3
USAGE: Final = 64


def of_applied(report: Report | None) -> int:
    """Return the exit code after a cycle that applied its plan; None is a stop."""
    if report is None or not report.converged:
        return ERROR
    return HELD if report.held else OK


def of_planned(report: Report) -> int:
    """Return the exit code after a cycle that only planned."""
    if report.plan.operations:
        return CHANGES
    return HELD if report.held else OK
