"""One cycle. Start reading here; :mod:`engine.run.loop` repeats it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from .apply.carry_out import apply_plan
from .apply.result import Result
from .backends.probe import probe_models
from .config.model import Config
from .config.references import secret_values
from .desired.clashes import without_clashes
from .desired.deployments import desired_state
from .desired.shards import Shard, only_part, own_strays, part_of, with_others
from .desired.taken import without_taken
from .errors import Declined
from .gather import gather
from .known import Known
from .litellm.api import Proxy
from .litellm.observed import observed_state
from .litellm.pause_times import with_overdue
from .plan.caps import LIMIT, only_on
from .plan.plan import Plan
from .plan.planner import make_proven_plan
from .plan.safety import Suspicion, hold
from .plan.stale import STALE
from .report.artifacts import Artifacts
from .report.cycle_log import CycleLog
from .report.news import find_changes, remember
from .state.deployment import DesiredState, ObservedState
from .state.endpoint_status import EndpointStatus
from .state.frozen import EMPTY
from .state.listing import Listing
from .text import describe_os_error
from .transport.client_pool import Http

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Options:
    """What the operator asks of a cycle.

    ``dry_run``: plan, but write nothing to LiteLLM. ``force``: the names of the backends whose
    deletions are carried out although a limit would hold them back; ``all`` for all of them.
    ``backends``: the names of the only backends whose rows are changed; empty for all. ``shard``:
    the part of the backends that this engine asks and manages; None for all.
    """

    dry_run: bool = False
    force: frozenset[str] = frozenset()
    backends: frozenset[str] = frozenset()
    shard: Shard | None = None


DEFAULT_OPTIONS: Final = Options()


@dataclass(frozen=True, slots=True)
class Ports:
    """How a cycle reaches the outside: logs, HTTP, and the events shared with other threads.

    ``stop`` ends the cycle after the operation in progress. ``writing`` is set while a plan is
    applied. ``beat`` is called after each operation, as a sign of life. ``confirm`` is given each
    plan before anything of it is carried out, and says whether it may be. ``may_write`` is asked
    before each write, and returns false once another engine may write in our place.
    """

    log: CycleLog
    artifacts: Artifacts | None = None
    http: Http = field(default_factory=Http)
    stop: threading.Event = field(default_factory=threading.Event)
    writing: threading.Event = field(default_factory=threading.Event)
    beat: Callable[[], None] = lambda: None
    confirm: Callable[[Plan], bool] = lambda plan: True  # noqa: ARG005 - all may be carried out
    may_write: Callable[[], bool] = lambda: True


@dataclass(slots=True)
class Memory:
    """What one cycle passes on to the next.

    ``suspicious_since``: for each endpoint whose list is suspicious, since when, in seconds of
    the monotonic clock. ``statuses``: what the log was told of each backend. ``unreadable``: the
    rows of LiteLLM beyond a bound that were warned of. ``alone``: it was told that only one writer
    is used. ``known``: what was worked out, for the next cycle to use where nothing has changed.
    """

    suspicious_since: dict[str, float] = field(default_factory=dict)
    statuses: dict[str, EndpointStatus] = field(default_factory=dict)
    unreadable: tuple[str, ...] = ()
    alone: bool = False
    known: Known = field(default_factory=Known)


@dataclass(frozen=True, slots=True)
class Basis:
    """What a plan is based on: the configuration, and what LiteLLM and the backends answered.

    ``document`` is LiteLLM's listing, ``listings`` has one for each backend, in their order.
    """

    config: Config
    document: Mapping[str, Any]
    listings: tuple[Listing, ...]
    observed: ObservedState


@dataclass(frozen=True, slots=True)
class Report:
    """What a cycle planned and did; ``basis`` is None where no backend was asked.

    ``waits`` has, by endpoint with a suspicious list, the seconds from the beginning of the cycle
    until that is believed.
    """

    plan: Plan
    desired: DesiredState
    results: tuple[Result, ...] = ()
    basis: Basis | None = None
    waits: Mapping[str, float] = field(default_factory=lambda: EMPTY)

    @property
    def converged(self) -> bool:
        """Whether every operation is done; a dry run has no results and counts as converged."""
        return all(result.done for result in self.results)

    @property
    def held(self) -> bool:
        """Whether a limit held an operation back, or one of a saved plan was refused."""
        return any(skip.reason in ("held", LIMIT, STALE) for skip in self.plan.skips)


def reconcile_once(
    config: Config, ports: Ports, memory: Memory, options: Options = DEFAULT_OPTIONS
) -> Report:
    """Bring LiteLLM in step with the backends, once.

    Raises:
        TransportError: LiteLLM cannot be read; nothing was written.
        InvalidDocument: a document does not match its schema; nothing was written.
        UnprovenPlan: a bug in the engine; nothing was written.
        Unrecorded: the log cannot be written; no operation was started after that.
    """
    begun = time.monotonic()
    known = memory.known
    config, references, scope = known.take(config)
    part = known.of(part_of, config, scope, options.shard)
    proxy, listings, document = gather(
        part, secret_values(references), ports.http, known, ports.stop.is_set
    )
    observed = known.of(observed_state, document, scope, config.owner, known.rows)
    observed = known.of(own_strays, observed, scope, options.shard)
    _warn_of_unreadable(observed, memory)
    _tell_of_writers(config.litellm.writers, observed, memory)
    listings = known.of(with_others, config.backends, listings)
    listings = probe_models(config.backends, listings, observed, scope, ports.http)
    desired = known.of(desired_state, config, listings, scope, references, known.sites)
    desired = known.of(without_taken, desired, observed, config.backends)
    desired = known.of(without_clashes, desired, observed, config.on_clash, config.endpoints())
    desired, observed = known.of(only_part, desired, observed, scope, options.shard)
    known.check_desired(desired)
    graces = {endpoint.url: endpoint.removal_grace for endpoint in desired.endpoints}
    observed = with_overdue(observed, graces, proxy.now())
    plan = known.of(make_proven_plan, desired, observed, scope, known.settled)
    suspicion = Suspicion(begun, memory.suspicious_since, options.force)
    plan, memory.suspicious_since = hold(plan, desired, observed, config.limits, suspicion)
    if options.backends:
        plan, desired = only_on(plan, desired, config.endpoints(options.backends))
    _report(plan, desired, ports, memory)
    results = () if options.dry_run else carry_out(plan, proxy, ports)
    outcomes = {endpoint.url: endpoint.outcome for endpoint in desired.endpoints}
    ports.log.end(plan, results, outcomes, time.monotonic() - begun)
    basis = Basis(config, document, listings, observed)
    period = config.limits.suspicion_period
    waits = {url: period - (begun - at) for url, at in memory.suspicious_since.items()}
    return Report(plan, desired, results, basis, waits)


def _report(plan: Plan, desired: DesiredState, ports: Ports, memory: Memory) -> None:
    """Report the plan, before it is applied, and what is new about the backends."""
    ports.log.plan(plan, desired)
    if not ports.stop.is_set():  # after a stop, a backend that was still being asked looks down
        for change in find_changes(plan.endpoints, memory.statuses):
            ports.log.endpoint(change)
        memory.statuses = remember(plan.endpoints, memory.statuses)
    _write_artifact(plan, ports.artifacts)


def _warn_of_unreadable(observed: ObservedState, memory: Memory) -> None:
    """Name the rows beyond a bound that no plan mentions, each once as long as it is there."""
    for row in observed.unreadable:
        if row not in memory.unreadable:
            log.warning("LiteLLM lists a row that is not read, only left alone: %s", row)
    memory.unreadable = observed.unreadable


def _tell_of_writers(wanted: int, observed: ObservedState, memory: Memory) -> None:
    """Tell once why only one writer is used although more are configured."""
    alone = wanted > 1 and not observed.editing.concurrent
    if alone and not memory.alone:
        version = observed.editing.version or "of an unknown version"
        log.info(
            "litellm.writers is %d, but one is used: LiteLLM %s loses models if several are"
            " written at once; 1.98 and later do not",
            wanted,
            version,
        )
    memory.alone = alone


def _write_artifact(plan: Plan, artifacts: Artifacts | None) -> None:
    """Write the plan to the folder of plans; a full disk must not stop the cycle."""
    if artifacts is None:
        return
    try:
        artifacts.write(plan)
    except OSError as error:
        place, why = artifacts.folder, describe_os_error(error)
        remedy = "check that --artifacts names a folder that can be written"
        log.error("the plan cannot be stored in %s: %s; %s", place, why, remedy)


def carry_out(plan: Plan, proxy: Proxy, ports: Ports) -> tuple[Result, ...]:
    """Apply a plan, if that is confirmed; log each result, and give a sign of life after it.

    Raises:
        Declined: the operator did not say yes.
    """
    if not ports.confirm(plan):
        raise Declined("nothing was written, since the answer was not yes (--yes gives it)")

    def report(result: Result) -> None:
        ports.log.result(result)
        ports.beat()

    ports.writing.set()
    try:
        return apply_plan(plan, proxy, report, ports.stop.is_set, ports.may_write)
    finally:
        ports.writing.clear()
