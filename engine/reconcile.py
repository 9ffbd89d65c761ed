"""The cycle. Start reading here; :mod:`engine.run.loop` repeats it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from .apply import Result, apply_plan
from .backends.fetch import fetch_listings
from .backends.probe import probe_models
from .backends.scope import scope_of
from .config.model import Config, secret_values
from .desired.clashes import without_clashes
from .desired.deployments import desired_state
from .litellm.api import Proxy
from .litellm.observed import observed_state
from .plan.plan import Plan
from .plan.planner import make_plan, verify_plan
from .plan.safety import Suspicion, hold
from .report.artifacts import Artifacts
from .report.cycle_log import CycleLog
from .state.deployment import State
from .state.documents import desired_document, listing_document
from .transport.client_pool import Http
from .validate import validate

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Engine:
    """What outlives a cycle: open connections, logs, and since when lists are suspicious.

    ``stop`` ends the work after the operation in hand, ``wake`` starts the next cycle at once,
    ``beat`` is called whenever something got done: a sign of life for a probe. ``writing`` is set
    while a plan is carried out.
    """

    log: CycleLog
    artifacts: Artifacts | None = None
    http: Http = field(default_factory=Http)
    suspicious_since: dict[str, float] = field(default_factory=dict)
    stop: threading.Event = field(default_factory=threading.Event)
    wake: threading.Event = field(default_factory=threading.Event)
    writing: threading.Event = field(default_factory=threading.Event)
    beat: Callable[[], None] = lambda: None
    dry_run: bool = False
    force: bool = False

    def carry_out(self, plan: Plan, proxy: Proxy) -> tuple[Result, ...]:
        """Apply a plan; ``writing`` is set meanwhile."""
        self.writing.set()
        try:
            return apply_plan(plan, proxy, self.report, self.stop.is_set)
        finally:
            self.writing.clear()

    def report(self, result: Result) -> None:
        """Log one result, and show that we are alive."""
        self.log.result(result)
        self.beat()


@dataclass(frozen=True, slots=True)
class Report:
    """The whole of a cycle."""

    plan: Plan
    desired: State
    results: tuple[Result, ...] = ()

    @property
    def converged(self) -> bool:
        """Whether everything that was to be done is done."""
        return all(result.done for result in self.results)

    @property
    def held(self) -> bool:
        """Whether a limit refused something."""
        return any(skip.reason == "held" for skip in self.plan.skips)


def reconcile_once(config: Config, engine: Engine) -> Report:
    """Bring LiteLLM in step with the backends, once.

    Raises:
        TransportError: LiteLLM cannot be read; nothing was done.
        InvalidDocument: a document breaks its schema; nothing was done.
        UnprovenPlan: a bug of ours; nothing was done.
        Unrecorded: the log cannot be written; nothing was done after that.
    """
    begun = time.monotonic()
    proxy = Proxy.connect(engine.http, config.litellm, secret_values(config))
    listings = fetch_listings(config.backends, engine.http, engine.stop.is_set)
    for listing in listings:
        validate(listing_document(listing), "listing")
    document = proxy.fetch_deployments()
    validate(document, "observed")
    scope = scope_of(config.backends)
    observed = observed_state(document, scope, config.owner)
    listings = probe_models(config.backends, listings, observed, scope, engine.http)
    desired = desired_state(config, listings, scope)
    desired = without_clashes(desired, observed, config.on_clash, config.endpoints())
    validate(desired_document(desired), "desired")
    plan = make_plan(desired, observed)
    verify_plan(plan, desired, observed, scope)
    suspicion = Suspicion(begun, engine.suspicious_since, engine.force)
    plan, engine.suspicious_since = hold(plan, desired, observed, config.limits, suspicion)
    engine.log.plan(plan, desired)
    if engine.artifacts is not None:
        _keep(engine.artifacts, plan)
    results: tuple[Result, ...] = ()
    if not engine.dry_run:
        results = engine.carry_out(plan, proxy)
    outcomes = {endpoint.url: endpoint.outcome for endpoint in desired.endpoints}
    engine.log.end(plan, results, outcomes, time.monotonic() - begun)
    return Report(plan, desired, results)


def _keep(artifacts: Artifacts, plan: Plan) -> None:
    try:
        artifacts.write(plan)
    except OSError as error:
        log.error("the plan artifact cannot be written: %s", error)
