"""Take rows of one backend out of service by hand, and bring them back."""

from __future__ import annotations

from ..config.model import Config
from ..plan.rows.chosen import Choice
from ..plan.rows.service import make_drain, make_undrain, verify_service
from ..reconcile import Ports
from .chosen import Change, change_of, read_rows, require_exact


def plan_service(config: Config, choice: Choice, ports: Ports, *, back: bool) -> Change:
    """Read LiteLLM, and return the plan that drains the chosen rows, or brings them ``back``.

    Raises:
        TransportError, InvalidDocument: as :func:`engine.rows.chosen.read_rows`.
        Rejected: this LiteLLM is too old.
        UnprovenPlan: a bug in the engine.
    """
    rows = read_rows(config, ports)
    require_exact(config, rows, "block one model")
    plan = (make_undrain if back else make_drain)(choice, rows.observed)
    verify_service(plan, choice, rows.observed, rows.scope)
    return change_of(plan, choice.backend, rows, config)
