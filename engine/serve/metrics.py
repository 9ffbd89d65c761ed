"""What Prometheus reads, from a snapshot. Names, labels and their values never depend on models.

Only this module imports prometheus_client, and only ``run --listen`` imports this module.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from itertools import accumulate
from typing import Any, Final

from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector

from .. import __version__
from ..apply.result import OUTCOMES
from ..plan.plan import ACTIONS
from ..state.listing import OUTCOMES as LISTING_OUTCOMES
from .answer import Answer, Route
from .figures import deployments, skips
from .snapshot import DURATIONS, RESULTS, Snapshot

PREFIX: Final = "modelprovisioner_"
_Values = Mapping[Any, float]
"""Values of one metric, by the tuple of its labels."""


def metrics_route(redact: Callable[[str], str]) -> Route:
    """Return what answers with all metrics; ``redact`` is given each label that comes from outside.

    The text as a whole is not redacted: a secret that looks like a number would make it unreadable.
    """
    process = CollectorRegistry()
    ProcessCollector(registry=process)
    PlatformCollector(registry=process)

    def metrics(snapshot: Snapshot) -> Answer:
        registry = CollectorRegistry()
        registry.register(_Figures(snapshot, redact))
        body = generate_latest(registry) + generate_latest(process)
        return Answer(200, CONTENT_TYPE_PLAIN_0_0_4, body.decode(), is_redacted=True)

    return metrics


class _Figures(Collector):
    def __init__(self, snapshot: Snapshot, redact: Callable[[str], str]) -> None:
        self._snapshot = snapshot
        self._redact = redact

    def describe(self) -> tuple[Metric, ...]:
        """Name nothing in advance: nothing else is in its registry."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Yield all metrics of the loop."""
        yield from _of_process(self._snapshot)
        yield from _of_cycles(self._snapshot)
        yield from _of_plan(self._snapshot)
        yield from _of_backends(self._snapshot, self._redact)


def _gauge(name: str, told: str, values: _Values | float, *labels: str) -> Metric:
    family = GaugeMetricFamily(PREFIX + name, told, labels=labels)
    for key, value in (values if isinstance(values, Mapping) else {(): values}).items():
        family.add_metric(key, value)
    return family


def _counter(name: str, told: str, values: _Values, *labels: str) -> Metric:
    family = CounterMetricFamily(PREFIX + name, told, labels=labels)
    for key, value in values.items():
        family.add_metric(key, value)
    return family


def _time(name: str, told: str, time: datetime | None) -> Metric:
    """Return the time of something in seconds since 1970; no value if it has not happened."""
    return _gauge(f"{name}_timestamp_seconds", told, {(): time.timestamp()} if time else {})


def _of_process(seen: Snapshot) -> Iterator[Metric]:
    config = seen.config
    yield _gauge("build_info", "1, with the version.", {(__version__,): 1}, "version")
    beat = seen.now.timestamp() - seen.silence
    told = "When the loop last ended an operation or a cycle, or began."
    yield _gauge("last_sign_of_life_timestamp_seconds", told, beat)
    told = "How old the last sign of life may be before the loop counts as stuck."
    yield _gauge("sign_of_life_max_age_seconds", told, seen.max_silence)
    told = "Whether it works: not while it stands by, since another one leads."
    yield _gauge("leader", told, seen.standby is None)
    told = "How many different configurations were in force since the start."
    yield _gauge("config_generation", told, config.generation)
    told = "Whether the configuration file could be used when it was last read."
    yield _gauge("config_last_load_successful", told, not config.problem)
    yield _time("config_in_force", "Since when this configuration is in force.", config.since)


def _of_cycles(seen: Snapshot) -> Iterator[Metric]:
    last, counts = seen.last, seen.counts
    cycles = {(result,): float(counts.cycles.get(result, 0)) for result in RESULTS}
    told = "Cycles: ok, unfinished (an operation was not done), failed (without a plan)."
    yield _counter("cycles", told, cycles, "result")
    bounds = [*map(str, DURATIONS), "+Inf"]
    classes = list(zip(bounds, accumulate(counts.durations), strict=True))
    told, duration = "How long cycles took.", PREFIX + "cycle_duration_seconds"
    yield HistogramMetricFamily(duration, told, buckets=classes, sum_value=counts.seconds)
    told = "Whether the last cycle had no error, and every operation was done."
    yield _gauge("last_cycle_successful", told, {(): last.ok} if last else {})
    yield _time("last_cycle", "When the last cycle began.", last.begun if last else None)
    good = seen.good.begun if seen.good else None
    yield _time("last_good_cycle", "When the last cycle that had a plan began.", good)
    yield _time("next_cycle", "When the next cycle is due.", last.due if last else None)
    told = "Whether nothing is written, since --dry-run is given."
    yield _gauge("dry_run", told, {(): last.dry_run} if last else {})


def _of_plan(seen: Snapshot) -> Iterator[Metric]:
    done = seen.counts.operations
    operations = {(a, o): float(done.get((a, o), 0)) for a in ACTIONS for o in OUTCOMES}
    told = "Operations by action and outcome."
    yield _counter("operations", told, operations, "action", "outcome")
    summary = seen.plan.summary if seen.plan else {}
    planned = {(action,): float(summary[action]) for action in ACTIONS if seen.plan}
    yield _gauge("plan_operations", "Operations of the newest plan.", planned, "action")
    progress = seen.progress
    left = progress.total - sum(progress.outcomes.values()) if progress else 0
    yield _gauge("operations_pending", "Operations of that plan that have not ended yet.", left)
    reasons = {(reason,): float(number) for reason, number in skips(seen).items()}
    told = "What the last plan left alone on purpose, by reason."
    yield _gauge("skips", told, reasons, "reason")


def _of_backends(seen: Snapshot, redact: Callable[[str], str]) -> Iterator[Metric]:
    statuses = seen.plan.endpoints if seen.plan else ()
    names = {status.backend: redact(status.backend) for status in statuses}

    def by_backend(values: Mapping[str, float]) -> dict[tuple[str, ...], float]:
        return {(name,): values[backend] for backend, name in names.items() if backend in values}

    up: dict[str, Any] = {status.backend: status.answered for status in statuses}
    told = "Whether the list of a backend, even an empty one, could be read as a whole."
    yield _gauge("backend_up", told, by_backend(up), "backend")
    outcomes = {
        (names[status.backend], outcome): float(status.outcome == outcome)
        for status in statuses
        for outcome in LISTING_OUTCOMES
    }
    told = "How asking a backend for its list ended: 1 for the outcome that it was."
    yield _gauge("backend_outcome", told, outcomes, "backend", "outcome")
    told = "Models in the list of a backend."
    models: dict[str, float] = {status.backend: status.models for status in statuses}
    yield _gauge("backend_models", told, by_backend(models), "backend")
    times = {backend: time.timestamp() for backend, time in seen.listed.items()}
    told = "When the list of a backend was last read as a whole."
    listed = "backend_last_good_listing_timestamp_seconds"
    yield _gauge(listed, told, by_backend(times), "backend")
    states = {
        (names[backend], state): float(number)
        for backend, counts in deployments(seen).items()
        if backend in names
        for state, number in counts.items()
    }
    told = "Deployments: desired; observed in LiteLLM and ours; held: their removal waits, by a"
    told += " limit; kept: their backend cannot be listed."
    yield _gauge("deployments", told, states, "backend", "state")
