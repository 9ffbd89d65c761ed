"""Remove what one backend left in LiteLLM. It may be down, or gone."""

from __future__ import annotations

from ..config.model import Config
from ..plan.rows.retire import make_retirement, verify_retirement
from ..reconcile import Ports
from .chosen import Change, change_of, read_rows


def plan_retirement(config: Config, backend: str, ports: Ports) -> Change:
    """Read LiteLLM, and return the plan that removes the rows of a backend.

    Raises:
        TransportError, InvalidDocument: as :func:`engine.rows.chosen.read_rows`.
        UnprovenPlan: a bug in the engine.
    """
    rows = read_rows(config, ports)
    plan = make_retirement(backend, rows.observed, rows.scope)
    verify_retirement(plan, backend, rows.observed, rows.scope)
    return change_of(plan, backend, rows, config)
