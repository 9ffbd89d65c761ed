"""What LiteLLM and the backends answer now, in one cycle that writes nothing -> an explanation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import UnprovenPlan
from ..reconcile import Memory, Options, Ports, reconcile_once
from ..report.plan_log import PlanLog
from ..transport.client_pool import Http
from ..transport.timing import Timing
from .entries import Entries
from .explained import Cycle, explain
from .explanation import Explanation

if TYPE_CHECKING:
    from ..config.loader import Lines
    from ..config.model import Config


def explain_model(asked: str, config: Config, lines: Lines, timing: Timing) -> Explanation:
    """Ask LiteLLM and the backends, plan, and return what is known of what is called ``asked``.

    Raises:
        TransportError, InvalidDocument, UnprovenPlan: as :func:`engine.reconcile.reconcile_once`.
    """
    entries = Entries()
    ports = Ports(PlanLog(None), http=Http(timing, entries))
    report = reconcile_once(config, ports, Memory(), Options(dry_run=True))
    if report.basis is None:
        raise UnprovenPlan("a cycle does not say what its plan is based on; please report this")
    return explain(asked, Cycle(report, report.basis, entries, lines))
