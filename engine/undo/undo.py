"""Lead LiteLLM back from what a plan did. No backend is asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from ..config.model import Config
from ..litellm.observed import rows_with
from ..reconcile import Ports
from ..rows.chosen import Change, read_rows
from ..saved import shown_state, unusable
from .plan import make_undo, verify_undo
from .since import Done, ids_in

_HOW: Final = "bring it back into the configuration and the key files, or make the row by hand"


def plan_undo(config: Config, done: Sequence[Done], ports: Ports) -> Change:
    """Read LiteLLM, and return the plan that leads back from what was done.

    Raises:
        TransportError, InvalidDocument: as :func:`engine.rows.chosen.read_rows`.
        UnprovenPlan: a bug in the engine.
    """
    here = read_rows(config, ports)
    rows = rows_with(ids_in(done), here.document)
    refusals = unusable(make_undo(done, rows, here.observed), here.scope, here.references)
    because = {order: f"{why}; {_HOW}" for order, why in refusals.items()}
    plan = replace(make_undo(done, rows, here.observed, because), litellm=config.litellm.url)
    verify_undo(plan, done, here.observed, here.scope)
    return Change(plan, shown_state(plan, here.scope), here)
