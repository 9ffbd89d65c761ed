"""Lead LiteLLM back from what a plan did. No backend is asked."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from ..backends.scope import scope_of
from ..config.model import Config
from ..config.references import references_of, secret_values
from ..litellm.api import Proxy
from ..litellm.observed import observed_state, rows_with
from ..plan.plan import Plan
from ..reconcile import Ports, Report, carry_out
from ..saved import shown_state, unusable
from ..state.deployment import DesiredState
from ..validate import validate
from .plan import Done, ids_in, make_undo, verify_undo

_HOW: Final = "bring it back into the configuration and the key files, or make the row by hand"


@dataclass(frozen=True, slots=True)
class Undo:
    """A plan that leads back, and the LiteLLM that it is for."""

    plan: Plan
    desired: DesiredState
    proxy: Proxy


def plan_undo(config: Config, done: Sequence[Done], ports: Ports) -> Undo:
    """Read LiteLLM, and return the plan that leads back from what was done.

    Raises:
        TransportError: LiteLLM cannot be read.
        InvalidDocument: its listing does not match its schema.
        UnprovenPlan: a bug in the engine.
    """
    references = references_of(config)
    proxy = Proxy.connect(ports.http, config.litellm, secret_values(references))
    document = proxy.fetch_deployments()
    validate(document, "observed")
    scope = scope_of(config.backends)
    observed = observed_state(document, scope, config.owner)
    rows = rows_with(ids_in(done), document)
    refusals = unusable(make_undo(done, rows, observed), scope, references)
    because = {order: f"{why}; {_HOW}" for order, why in refusals.items()}
    plan = replace(make_undo(done, rows, observed, because), litellm=config.litellm.url)
    verify_undo(plan, done, observed, scope)
    return Undo(plan, shown_state(plan, scope), proxy)


def undo(way: Undo, ports: Ports, *, dry_run: bool = False) -> Report:
    """Report the plan that leads back, and carry it out unless it is a dry run.

    Raises:
        Declined: the operator did not say yes.
        Unrecorded: the log cannot be written; no operation was started after that.
    """
    begun = time.monotonic()
    ports.log.plan(way.plan, way.desired)
    results = () if dry_run else carry_out(way.plan, way.proxy, ports)
    ports.log.end(way.plan, results, {}, time.monotonic() - begun)
    return Report(way.plan, way.desired, results)
