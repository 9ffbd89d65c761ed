"""The cycle, and the loop around it. Start reading here."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from .apply import Result, apply_plan
from .attend import attended
from .backends.fetch import fetch_listings
from .backends.scope import scope_of
from .clash import without_clashes
from .clients import Http
from .config import Config, load_config
from .desired import desired_state
from .documents import desired_document, listing_document
from .errors import ConfigError, EngineError, Unrecorded
from .observed import observed_state
from .operations import Plan
from .plan import make_plan, verify_plan
from .planlog import Artifacts, CycleLog
from .probe import probed
from .proxy import Proxy
from .safety import Suspicion, hold
from .settings import secret_values
from .state import Secret, State
from .validate import validate

MAX_BACKOFF: Final = 300.0
"""Seconds that the loop waits at most between cycles because of failures."""
_JITTER: Final = 0.1

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
    listings = probed(config.backends, listings, observed, engine.http)
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


@dataclass(slots=True)
class Schedule:
    """When the next cycle is due: ``interval`` seconds with jitter, longer after failures."""

    interval: float
    failures: int = 0

    def delay(self, *, failed: bool) -> float:
        """Return the seconds until the next cycle, and remember whether this one failed."""
        self.failures = self.failures + 1 if failed else 0
        limit = max(self.interval, MAX_BACKOFF)
        delay = min(limit, self.interval * 2.0 ** min(self.failures, 16))
        return delay * random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311 - no secret


class ConfigSource:
    """Reads the configuration anew for each cycle and falls back on the last good one.

    ``learn`` is told the secrets of each configuration before anything is logged of it.
    """

    def __init__(
        self,
        config_path: Path,
        secrets: Path,
        learn: Callable[[tuple[Secret, ...]], None] = lambda _: None,
    ) -> None:
        self._paths = (config_path, secrets)
        self._learn = learn
        self._last: Config | None = None
        self._said = ""

    def load(self) -> Config:
        """Return the configuration.

        Raises:
            ConfigError: it is broken, and there has not been a good one yet.
        """
        try:
            config = load_config(*self._paths)
        except ConfigError as error:
            if self._last is None:
                raise
            self._say(logging.ERROR, f"keeping the last good configuration; {error}")
            return self._last
        self._learn(config.secrets())
        if config != self._last:
            self._say(logging.WARNING, "\n".join(config.warnings))
        self._last = config
        return config

    def _say(self, level: int, text: str) -> None:
        if text and text != self._said:
            log.log(level, "%s", text)
        self._said = text


def reconcile_forever(source: ConfigSource, engine: Engine, schedule: Schedule) -> None:
    """Run cycles until ``engine.stop`` is set; a loop that meets errors is alive and goes on."""
    while not engine.stop.is_set():
        failed = not _survived_cycle(source, engine)
        engine.beat()
        delay = schedule.delay(failed=failed)
        log.debug("next cycle in %.1f s", delay)
        engine.wake.wait(delay)
        engine.wake.clear()


def _survived_cycle(source: ConfigSource, engine: Engine) -> bool:
    """Run one cycle; return whether all of it succeeded."""
    begun = time.monotonic()
    report = error = None
    try:
        report = attended(engine, lambda: reconcile_once(source.load(), engine))
    except EngineError as expected:
        log.error("%s", expected)
        error = str(expected)
    except Exception as bug:
        log.exception("the cycle failed; this is a bug, please report it")
        error = type(bug).__name__
    if error is not None:
        engine.suspicious_since = {}
        with suppress(Unrecorded):
            engine.log.failed(error, time.monotonic() - begun)
    return error is None and (report is None or report.converged)
