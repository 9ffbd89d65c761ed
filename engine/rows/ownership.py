"""Make rows ours that others made, and let go of ours."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import TYPE_CHECKING

from ..backends.scope import scope_of
from ..config.model import Config
from ..config.references import references_of, secret_values
from ..litellm.api import Proxy
from ..plan.caps import only_on
from ..plan.rows.chosen import Choice
from ..plan.rows.ownership import (
    adoptable,
    make_adoption,
    make_release,
    verify_adoption,
    verify_release,
)
from ..reconcile import Memory, Options, Ports, reconcile_once
from ..report.plan_log import PlanLog
from .chosen import Change, Rows, change_of, read_rows, require_exact

if TYPE_CHECKING:
    from ..config.patterns import NamePattern


def plan_release(config: Config, choice: Choice, ports: Ports) -> Change:
    """Read LiteLLM, and return the plan that lets go of the chosen rows.

    Raises:
        TransportError, InvalidDocument: as :func:`engine.rows.chosen.read_rows`.
        Rejected: this LiteLLM is too old.
        UnprovenPlan: a bug in the engine.
    """
    rows = read_rows(config, ports)
    require_exact(config, rows, "take a mark off one row")
    plan = make_release(choice, rows.observed)
    verify_release(plan, choice, rows.observed, rows.scope)
    return change_of(plan, choice.backend, rows, config)


def plan_adoption(
    config: Config, backend: str, names: Collection[NamePattern], ports: Ports
) -> Change:
    """Ask all servers as a cycle does, and return the plan that adopts rows on a backend.

    Raises:
        TransportError, InvalidDocument, UnprovenPlan: as :func:`engine.reconcile.reconcile_once`.
    """
    quiet = replace(ports, log=PlanLog(None))
    report = reconcile_once(config, quiet, Memory(), Options(dry_run=True))
    assert report.basis is not None
    observed, scope = report.basis.observed, scope_of(config.backends)
    rows = adoptable(scope.reach[backend], names, observed)
    plan = make_adoption(rows, report.desired, observed)
    verify_adoption(plan, rows, observed, scope)
    plan, shown = only_on(plan, report.desired, scope.reach[backend])
    references = references_of(config)
    proxy = Proxy.connect(ports.http, config.litellm, secret_values(references))
    found = Rows(proxy, observed, scope, report.basis.document, references)
    return Change(replace(plan, litellm=config.litellm.url), shown, found)
