"""Remove what one backend left in LiteLLM. No backend is asked: it may be down, or gone."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

from .backends.scope import scope_of
from .config.model import Config
from .config.references import references_of, secret_values
from .litellm.api import Proxy
from .litellm.observed import observed_state
from .plan.plan import Plan
from .plan.retire import make_retirement, retired_state, verify_retirement
from .reconcile import Ports, Report, carry_out
from .state.deployment import DesiredState
from .validate import validate


@dataclass(frozen=True, slots=True)
class Retirement:
    """A plan that removes the rows of one backend, and the LiteLLM that it is for.

    ``marked`` are the names of all backends that have rows of our owner.
    """

    plan: Plan
    desired: DesiredState
    proxy: Proxy
    marked: tuple[str, ...]


def plan_retirement(config: Config, backend: str, ports: Ports) -> Retirement:
    """Read LiteLLM, and return the plan that removes the rows of a backend.

    Raises:
        TransportError: LiteLLM cannot be read.
        InvalidDocument: its listing does not match its schema.
        UnprovenPlan: a bug in the engine.
    """
    proxy = Proxy.connect(ports.http, config.litellm, secret_values(references_of(config)))
    document = proxy.fetch_deployments()
    validate(document, "observed")
    scope = scope_of(config.backends)
    observed = observed_state(document, scope, config.owner)
    plan = replace(make_retirement(backend, observed, scope), litellm=config.litellm.url)
    verify_retirement(plan, backend, observed, scope)
    ours = (*observed.deployments, *observed.strays)
    marks = (seen.mark for seen in ours if seen.mark)
    marked = {mark.backend for mark in marks if mark.owner == config.owner}
    desired = retired_state(backend, plan, config.owner)
    return Retirement(plan, desired, proxy, tuple(sorted(marked)))


def retire(retirement: Retirement, ports: Ports, *, dry_run: bool = False) -> Report:
    """Report the plan of a retirement, and carry it out unless it is a dry run.

    Raises:
        Unrecorded: the log cannot be written; no operation was started after that.
    """
    begun = time.monotonic()
    plan, desired = retirement.plan, retirement.desired
    ports.log.plan(plan, desired)
    results = () if dry_run else carry_out(plan, retirement.proxy, ports)
    ports.log.end(plan, results, {}, time.monotonic() - begun)
    return Report(plan, desired, results)
