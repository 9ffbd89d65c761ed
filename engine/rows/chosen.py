"""What the commands on rows have in common: LiteLLM is read, and a plan shown and carried out."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..backends.scope import scope_of
from ..config.model import Config
from ..config.references import references_of, secret_values
from ..errors import Rejected
from ..litellm.api import Proxy
from ..litellm.observed import observed_state
from ..plan.plan import Plan
from ..plan.rows.chosen import unasked_state
from ..reconcile import Ports, Report, carry_out
from ..state.deployment import DesiredState, ObservedState
from ..state.endpoint import Scope
from ..state.secret import Place
from ..validate import validate


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of LiteLLM, and LiteLLM itself.

    ``document`` is its listing, ``references`` are those of the configuration's secrets.
    """

    proxy: Proxy
    observed: ObservedState
    scope: Scope
    document: Mapping[str, Any]
    references: Mapping[Place, str]

    @property
    def marked(self) -> tuple[str, ...]:
        """The names of all backends that have rows of our owner."""
        here = (*self.observed.deployments, *self.observed.strays)
        marks = (seen.mark for seen in here if seen.mark)
        return tuple(sorted({mark.backend for mark in marks if mark.owner == self.observed.owner}))


@dataclass(frozen=True, slots=True)
class Change:
    """A plan for chosen rows, what is shown with it, and the rows that it was made for."""

    plan: Plan
    desired: DesiredState
    rows: Rows


def change_of(plan: Plan, backend: str, rows: Rows, config: Config) -> Change:
    """Return a plan for rows of one backend, with the LiteLLM that it is for."""
    shown = unasked_state(backend, plan, config.owner)
    return Change(replace(plan, litellm=config.litellm.url), shown, rows)


def read_rows(config: Config, ports: Ports) -> Rows:
    """Read LiteLLM.

    Raises:
        TransportError: LiteLLM cannot be read.
        InvalidDocument: its listing does not match its schema.
    """
    references = references_of(config)
    proxy = Proxy.connect(ports.http, config.litellm, secret_values(references))
    document = proxy.fetch_deployments()
    validate(document, "observed")
    scope = scope_of(config.backends)
    observed = observed_state(document, scope, config.owner)
    return Rows(proxy, observed, scope, document, references)


def require_exact(config: Config, rows: Rows, what: str) -> None:
    """Return if this LiteLLM can do something to one row without a gap for all others.

    Raises:
        Rejected: it is too old.
    """
    editing = rows.observed.editing
    if not editing.pauses:
        version = editing.version or "of unknown version"
        why = f"cannot {what} without a gap for all others; that takes 1.98 or later"
        raise Rejected(f"{config.litellm.url}: this LiteLLM ({version}) {why}", status=200)


def carry_out_change(change: Change, ports: Ports, *, dry_run: bool = False) -> Report:
    """Report the plan, and carry it out unless it is a dry run.

    Raises:
        Declined: the operator did not say yes.
        Unrecorded: the log cannot be written; no operation was started after that.
    """
    begun = time.monotonic()
    plan, desired = change.plan, change.desired
    ports.log.plan(plan, desired)
    results = () if dry_run else carry_out(plan, change.rows.proxy, ports)
    ports.log.end(plan, results, {}, time.monotonic() - begun)
    return Report(plan, desired, results)
