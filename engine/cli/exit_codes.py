"""What the exit codes mean. Of several that fit, the order is 1, 3, 4, 2, 0."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ..doctor import finding
from ..errors import EngineError, StalePlan, WrongUsage

if TYPE_CHECKING:
    from ..doctor.finding import Diagnosis
    from ..explain.explanation import Explanation
    from ..reconcile import Report

OK: Final = 0
ERROR: Final = 1
CHANGES: Final = 2
HELD: Final = 3
DEGRADED: Final = 4
USAGE: Final = 64


def of_error(error: EngineError) -> int:
    """Return the exit code after an error."""
    if isinstance(error, WrongUsage):
        return USAGE
    return HELD if isinstance(error, StalePlan) else ERROR


def of_applied(report: Report | None) -> int:
    """Return the exit code after a cycle that applied its plan; None is a stop."""
    if report is None or not report.converged:
        return ERROR
    return _of_answers(report)


def of_planned(report: Report | None) -> int:
    """Return the exit code after a cycle that only planned; None is a stop."""
    if report is None:
        return ERROR
    return _of_answers(report) or (CHANGES if report.plan.operations else OK)


def of_explained(explanation: Explanation) -> int:
    """Return the exit code after an explanation; ERROR where nothing has the name."""
    if not explanation.found:
        return ERROR
    if explanation.held:
        return HELD
    if explanation.degraded:
        return DEGRADED
    return CHANGES if explanation.operations else OK


def of_diagnosis(found: Diagnosis) -> int:
    """Return the exit code of an examination: 1 for an error, 4 for a warning without an error."""
    if found.summary[finding.ERROR]:
        return ERROR
    return DEGRADED if found.summary[finding.WARNING] else OK


def _of_answers(report: Report) -> int:
    if report.held:
        return HELD
    return DEGRADED if report.plan.degraded else OK
